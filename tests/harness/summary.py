"""Adds up meson's test logs: the single cases where a test speaks TAP, else the test as a whole.

Names each failed case, and each skipped one with its reason, then prints `N passed, N failed, N skipped`. Exits 1 when anything failed or
nothing ran.
"""

import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b[ \t]*\d*[ \t-]*(?P<name>.*?)(?:\s+#\s*(?P<word>SKIP|TODO)\b\s*(?P<why>.*))?$", re.IGNORECASE)


def cases(stdout):
    """Yields (outcome, name, reason) for each TAP case at the outermost level."""
    for line in stdout.splitlines():
        match = CASE.match(line)
        if not match:
            continue
        if (match["word"] or "").upper() == "SKIP":
            yield "skip", match["name"], match["why"] or "no reason given"
        elif match[1]:
            yield "fail", match["name"], ""
        else:
            yield "pass", match["name"], ""


def main(paths):
    passed = failed = skipped = 0
    for path in paths:
        build = path.split("/", 1)[0]
        with open(path, encoding="utf-8") as log:
            for line in log:
                test = json.loads(line)
                found = list(cases(test.get("stdout", "")))
                outcomes = [outcome for outcome, _, _ in found]
                passed += outcomes.count("pass")
                skipped += outcomes.count("skip")
                failed += outcomes.count("fail")
                for outcome, name, reason in found:
                    if outcome == "skip":
                        print(f"skipped: {build}: {test['name']}: {name}: {reason}")
                    elif outcome == "fail":
                        print(f"failed: {build}: {test['name']}: {name}")
                if test["result"] in ("OK", "EXPECTEDFAIL"):
                    passed += not found
                elif test["result"] == "SKIP":
                    if not found:
                        skipped += 1
                        print(f"skipped: {build}: {test['name']}: {test.get('stdout', '').strip() or 'no reason given'}")
                elif "fail" not in outcomes:
                    # A crash or time-out after cases that passed is a failure all the same.
                    failed += 1
                    print(f"failed: {build}: {test['name']}: {test['result']}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
