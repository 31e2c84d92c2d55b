"""Which strings of the program a person reads in English although they are not marked for translation.

xgettext reads the sources, so that comments, macros and pieces of one string are its business. It is asked three times: for every string,
for those that are marked, and for those given to functions whose text is for logs, for the other machine or for programmers. What is left
must be no prose, and what functions that show their text are given directly must have no letters but those of a format.

usage: marked.py FILE.c … (from the top of the sources); prints FILE:LINE: STRING for each string that is not marked
"""

import pathlib
import re
import subprocess
import sys
import tempfile

MARKERS = ["_", "N_", "C_:1c,2", "NC_:1c,2", "ngettext:1,2", "g_dngettext:2,3"]
# Function:argument whose text is for the person in front of the program.
SHOWN = [
    "host_complain:1", "g_print:1", "g_printerr:1", "printf:1", "puts:1", "fputs:1", "fprintf:2", "g_set_error:4", "g_set_error_literal:4",
    "g_error_new:3", "g_error_new_literal:3", "g_prefix_error:2", "g_prefix_error_literal:2", "g_propagate_prefixed_error:3",
    "base_error_set:3", "base_error_set_errno:3", "pki_failure:3", "luaL_error:2", "g_option_context_new:1",
    "g_option_context_set_summary:2", "g_option_context_set_description:2", "g_dbus_method_invocation_return_error:4",
    "g_dbus_method_invocation_return_error_literal:4", "g_dbus_method_invocation_return_dbus_error:3", "scols_table_new_column:2",
    "scols_line_set_data:3",
]
# Function:argument whose text is in English for good: it goes to the other machine, whose language nobody here knows, or to a debugger.
UNSEEN = [
    "quic_connection_close:3", "quic_endpoint_shutdown:3", "session_close:3", "session_refuse:4", "session_refuse_stream:3",
    "session_renewed:5", "say_and_close:3", "transport_session_say_goodbye:3", "refuse_channel:4",
    "g_source_set_static_name:2", "g_set_prgname:1",
]
# What stands in a table row: the fields of GOptionEntry that --help shows, and headings.
ROWS = re.compile(r'''G_OPTION_ARG_\w+\s*,[^,"]*,\s*(?:N_\s*\([^)]*\)\s*,\s*)?"[^"]*[A-Za-z]
                      |^\s*\{\s*"[A-Z][A-Z ]+"\s*,\s*"\w+",\s*\w+,''', re.VERBOSE)
# Logs, all their arguments.
LOG = re.compile(r'\b(?:base_(?:debug|info|message|warning|event)|BASE_EVENT|transport_journal_\w+'
                 r'|g_(?:debug|info|message|warning|critical|error))\s*'
                 r'\((?:[^;"]|"(?:[^"\\]|\\.)*")*;')
# Errors that say "not now" to a caller who tries again, or that a host called what it must not.
CONTROL_FLOW = re.compile(r'G_IO_ERROR_(?:WOULD_BLOCK|NOT_SUPPORTED),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
# Texts that are what they are: of Lua, of a protocol, of the contract, of keys on a keyboard, names of sources in a debugger.
FIXED = [
    re.compile("not enough memory"), re.compile("Max open files"), re.compile("CN validation failed"), re.compile("mux-quic [a-z ]+(?: %s)?"),
    re.compile(r"listening (?:on %s|nowhere)\\n"), re.compile(r":files%s\\n"), re.compile(r"(?:%s)*mux-quic:?(?: ?%s)+\\n"),
    re.compile(r"(?:\\r\\n|[ ~.^Z?]|%s)+"), re.compile(r"(?:\\r|\x1b(?:\[[0-9;]*[A-Za-z]|[0-9])|%s)+"),
]
# Files that are in one language as a whole: Lua, and a format for machines.
FILES = {"plugin/config/wezterm.c", "plugin/host/openmetrics.c"}
PROSE = re.compile(r"[A-Za-z’']{2,} [a-z]{2,}")
FORMAT = re.compile(r"%(?:<PRI\w+>|[-+ #0']*[0-9*]*(?:\.[0-9*]+)?(?:hh|h|ll|l|z|j|t)?[a-zA-Z%])")
# A marker whose text goes on in a macro: xgettext stops there, and the program asks for a text that no catalogue has. (It knows PRI… .)
CUT = re.compile(r'\b(?:N?_|ngettext)\s*\(\s*(?:"(?:[^"\\]|\\.)*"|PRI[a-zA-Z0-9]+|\s)+\b(?!PRI)(?P<next>[A-Za-z_][A-Za-z_0-9]*)')
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def whole(source, files, directory):
    """Copies of the files in which GLib's macros for formats are those of C, which xgettext takes as a part of the string."""
    for name in files:
        code = (source / name).read_text(encoding="utf-8")
        code = LOG.sub(lambda match: ";" + "\n" * match[0].count("\n"), code)
        code = CONTROL_FLOW.sub(lambda match: match[0].replace(match[1], "0" + "\n" * match[1].count("\n")), code)
        for macro, standard in (("G_GUINT64_FORMAT", "PRIu64"), ("G_GINT64_FORMAT", "PRId64"), ("G_GSIZE_FORMAT", "PRIuPTR"),
                                ("G_GSSIZE_FORMAT", "PRIdPTR"), ('G_GINT64_MODIFIER "x', 'PRIx64 "')):
            code = code.replace(macro, standard)
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")


def extract(source, files, *options):
    """{(file, line, text)} of what xgettext finds."""
    command = ["xgettext", "--from-code=UTF-8", "--language=C", "--no-wrap", "--add-location=full", "--omit-header", "-o", "-", *options]
    done = subprocess.run([*command, *files], cwd=source, capture_output=True, text=True, check=True)
    found, places = set(), []
    for entry in done.stdout.split("\n\n"):
        for line in entry.splitlines():
            if line.startswith("#: "):
                places += [(place.rpartition(":")[0], int(place.rpartition(":")[2])) for place in line[3:].split()]
        for text in re.findall(r'^msgid(?:_plural)? ((?:"(?:[^"\\]|\\.)*"\n?)+)', entry, re.M):
            found |= {(file, number, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))) for file, number in places}
        places = []
    return found


def keywords(*names):
    return ["-k", *(f"--keyword={name}" for name in names)]


def cut_short(source, files):
    """Marked texts that go on in a macro."""
    for name in files:
        code = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), (source / name).read_text(encoding="utf-8"))
        for match in CUT.finditer(code):
            yield name, code.count("\n", 0, match.start()) + 1, f"goes on in {match['next']}"


def rows(source, files):
    """Rows of tables with a heading, or with the help of an option, that is not marked."""
    for name in files:
        for number, line in enumerate((source / name).read_text(encoding="utf-8").splitlines(), 1):
            if ROWS.search(line):
                yield name, number, line.strip()


def unmarked(source, files):
    """[(file, line, what)] of every text that should be marked."""
    files = [name for name in files if name not in FILES]
    with tempfile.TemporaryDirectory() as name:
        copy = pathlib.Path(name)
        whole(source, files, copy)
        every = extract(copy, files, "--extract-all")
        marked = extract(copy, files, *keywords(*MARKERS))
        shown = extract(copy, files, *keywords(*SHOWN))
        unseen = extract(copy, files, *keywords(*UNSEEN))
    # A plural is listed where its singular stands.
    known = {(file, text) for file, _, text in marked}
    marked |= {one for one in every if (one[0], one[2]) in known}
    found = {one for one in every - marked - unseen if PROSE.search(FORMAT.sub(" ", one[2]))}
    found |= {one for one in shown - marked if re.search(r"[A-Za-z]", FORMAT.sub("", re.sub(r"\\[nrt]", "", one[2])))}
    found = {one for one in found if not any(pattern.fullmatch(one[2]) for pattern in FIXED)}
    return sorted(found | set(cut_short(source, files)) | set(rows(source, files)))


if __name__ == "__main__":
    wrong = unmarked(pathlib.Path("."), sys.argv[1:])
    for file, number, what in wrong:
        print(f"{file}:{number}: {what}")
    sys.exit(1 if wrong else 0)
