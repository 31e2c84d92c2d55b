"""Runs unittest cases and speaks TAP, so that every case is counted and every skip is named with its reason."""

import os
import sys
import traceback
import unittest


def explain(text):
    """On standard error: of TAP's own diagnostics the runner prints nothing."""
    print(text, file=sys.stderr, flush=True)


class Result(unittest.TestResult):
    def __init__(self, total):
        super().__init__()
        self.number = 0
        print(f"1..{total}", flush=True)

    def _say(self, word, test, more=""):
        self.number += 1
        print(f"{word} {self.number} - {test.id().split('.', 1)[-1]}{more}", flush=True)

    def _fail(self, test, error):
        self._say("not ok", test)
        explain("".join(traceback.format_exception(*error)))

    def startTest(self, test):
        super().startTest(test)
        self.before = self.number

    def stopTest(self, test):
        """A case of which only a part failed (subTest) is reported by nobody else."""
        if self.number == self.before:
            self._say("not ok", test)
        super().stopTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._say("ok", test, f" # SKIP {reason}")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            explain(f"in {subtest}:\n{''.join(traceback.format_exception(*err))}")


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    names = sys.argv[1:]
    if names:
        suite = unittest.defaultTestLoader.loadTestsFromNames(names, sys.modules["__main__"])
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    result = Result(suite.countTestCases())
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
