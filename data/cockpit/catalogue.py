#!/usr/bin/env python3
"""Makes the catalogue that Cockpit loads for a page (po.LANGUAGE.js) of the project's own PO file.

usage: catalogue.py PO OUTPUT

Only what stands in the page is taken, and nothing that is fuzzy or empty. gettext's own programs read the PO file; what
comes out of them is read here by the format of MO files (GNU gettext manual, section 10.3).
"""

import json
import pathlib
import re
import struct
import subprocess
import sys

PAGE = "data/cockpit/mux-quic/*"


def compiled(po):
    """The MO file of those messages of `po` that are the page's."""
    chosen = subprocess.run(["msggrep", f"--location={PAGE}", "--force-po", po], check=True, capture_output=True).stdout
    return subprocess.run(["msgfmt", "--endianness=little", "--output-file=-", "-"], input=chosen, check=True, capture_output=True).stdout


def messages(mo):
    """Pairs of what is asked for and its translation."""
    magic, _, number, originals, translations = struct.unpack_from("<5I", mo)
    if magic != 0x950412DE:
        raise SystemExit("this is no MO file in little-endian order")
    for index in range(number):
        pair = []
        for table in (originals, translations):
            length, offset = struct.unpack_from("<2I", mo, table + 8 * index)
            pair.append(mo[offset:offset + length].decode())
        yield pair


def plural_rule(header):
    """The rule for plural forms as a function of JavaScript: the grammar is C's, and theirs is the same here."""
    rule = re.search(r"^Plural-Forms:\s*nplurals=\s*\d+\s*;\s*plural=([n0-9\s()?:!=<>&|%+*-]+?);?\s*$", header, re.MULTILINE)
    return rule.group(1).strip() if rule else "n != 1"


def catalogue(language, pairs):
    pairs = dict(pairs)
    header = pairs.pop("", "")
    entries = {}
    for original, translation in pairs.items():
        # Cockpit leaves out the first of the list; with plural forms the key is the singular.
        entries[original.split("\0")[0]] = [None, *translation.split("\0")]
    text = json.dumps(entries, ensure_ascii=False, indent=1, sort_keys=True)[1:-1].strip()
    head = f'"": {{ "plural-forms": (n) => {plural_rule(header)}, "language": "{language}", "language-direction": "ltr" }}'
    return f"cockpit.locale({{\n {head}{',' if text else ''}\n {text}\n}});\n"


def main():
    po, output = map(pathlib.Path, sys.argv[1:])
    output.write_text(catalogue(po.stem, messages(compiled(po))), encoding="utf-8")


if __name__ == "__main__":
    main()
