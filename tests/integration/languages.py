"""Languages: every text is marked, every catalogue complete and right in form, and a table speaks each of them."""

import gettext
import os
import pathlib
import re
import subprocess
import textwrap
import unicodedata
import unittest

import marked
from sandbox import MODULE, PROGRAM, Sandbox, read_line
import tap

SOURCE = pathlib.Path(os.environ["MUX_QUIC_SOURCE"])
BUILD = pathlib.Path(os.environ["MUX_QUIC_BUILD"])
LANGUAGES = (SOURCE / "po/LINGUAS").read_text().split()
# The rules of https://www.gnu.org/software/gettext/manual/html_node/Plural-forms.html, and a locale to be generated for each.
PLURALS = {
    "de": (2, "n != 1", "de_DE"),
    "es": (2, "n != 1", "es_ES"),
    "fr": (2, "n > 1", "fr_FR"),
    "uk": (3, "n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2", "uk_UA"),
    "zh_CN": (1, "0", "zh_CN"),
}


def sources():
    return sorted(str(path.relative_to(SOURCE)) for path in (SOURCE / "plugin").glob("**/*.[ch]"))


def template(path):
    """What `meson compile mux-quic-pot` writes, elsewhere."""
    options = re.findall(r"'(--[^']+)'", (SOURCE / "po/meson.build").read_text())
    subprocess.run(["xgettext", "--files-from=po/POTFILES", *options, "--output", str(path)], cwd=SOURCE, check=True,
                   env=os.environ | {"GETTEXTDATADIRS": str(SOURCE / "data/gettext")})


def entries(text):
    """(text, plural or "", translations, flags) of each entry of a catalogue that is in use."""
    for entry in text.split("\n\n"):
        if "#~" in entry:
            continue
        fields = {}
        for name, quoted in re.findall(r'^(msg\w+(?:\[\d\])?) ((?:"(?:[^"\\]|\\.)*"\n?)+)', entry, re.M):
            fields[name] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', quoted))
        if fields.get("msgid"):
            yield (fields["msgid"], fields.get("msgid_plural", ""), [fields[name] for name in fields if name.startswith("msgstr")],
                   re.findall(r"^#, (.*)", entry, re.M))


class Marked(unittest.TestCase):
    def test_every_text_is_marked(self):
        self.assertEqual([f"{file}:{line}: {text}" for file, line, text in marked.unmarked(SOURCE, sources())], [])

    def test_an_unmarked_text_is_found(self):
        """The same check, on a file with one of each kind of mistake, and with what is right."""
        code = textwrap.dedent('''\
            host_complain ("cannot %s", what);
            g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, "gone");
            g_print ("%s: done\\n", name);
            return some_function_of_ours ("nobody has looked at this text");
            { "json", 'j', 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL },
            { "config", 0, 0, G_OPTION_ARG_FILENAME, &config, N_("configuration file"), "FILE" },
            { "LISTENING", "address", format_string, FALSE },
            host_complain (_("in " DIRECTORY " there is nothing"));
            base_error_set (error, MUX_ERROR_LIMIT, "has %" G_GUINT64_FORMAT " bytes", n);
            return wrong (good ? _("is right") : "is not right at all");
        ''')
        right = textwrap.dedent('''\
            host_complain (_("cannot %s"), what);
            host_complain ("%s", error->message);
            host_complain (ngettext ("%u file is left", "%u files are left", n), n);
            g_print ("%s\\n", _("nothing is left"));
            base_debug ("a datagram went to %s: %s", where, good ? "as it should" : "but was lost");
            g_variant_lookup (row, "certificate_expires", "x", &expires);
            base_error_set (error, MUX_ERROR_LIMIT, _("has %" PRIu64 " of all bytes"), n);
            { "config", 0, 0, G_OPTION_ARG_FILENAME, &config, N_("configuration file"), N_("FILE") },
            /* host_complain ("a comment is no code"); */
        ''')
        with Sandbox() as world:
            world.write("wrong.c", code)
            world.write("right.c", right)
            found = marked.unmarked(world.root, ["wrong.c", "right.c"])
            lines = {line for file, line, _ in found if file == "wrong.c"}
            self.assertEqual(lines, set(range(1, code.count("\n") + 1)), found)
            self.assertEqual([one for one in found if one[0] != "wrong.c"], [])

    def test_the_list_of_files_is_complete(self):
        listed = (SOURCE / "po/POTFILES").read_text().split()
        self.assertEqual(sorted(listed), listed, "po/POTFILES is not sorted")
        self.assertEqual([name for name in listed if not (SOURCE / name).exists()], [])
        found = {file for file, _, _ in marked.extract(SOURCE, sources(), *marked.keywords(*marked.MARKERS))}
        found |= {str(path.relative_to(SOURCE)) for path in (SOURCE / "data/cockpit").glob("**/*.js")
                  if re.search(r"\b(?:N?_|ngettext)\(\s*[\"'`]", path.read_text(encoding="utf-8"))}
        for pattern in ("*.desktop.in*", "*.policy.in*", "*.metainfo.xml.in*"):
            found |= {str(path.relative_to(SOURCE)) for path in (SOURCE / "data").glob(f"**/{pattern}")}
        self.assertEqual((sorted(found - set(listed)), sorted(set(listed) - found)), ([], []),
                         "files with texts that po/POTFILES lacks, and files without that it has")


class Catalogues(unittest.TestCase):
    def test_complete(self):
        with Sandbox() as world:
            pot = world.path("all.pot")
            template(pot)
            total = sum(1 for _ in entries(pot.read_text(encoding="utf-8")))
            self.assertGreater(total, 400)
            for language in LANGUAGES:
                with self.subTest(language):
                    catalogue = SOURCE / "po" / f"{language}.po"
                    subprocess.run(["msgfmt", "--check", "--check-accelerators=_", "-o", "/dev/null", str(catalogue)], check=True)
                    merged = world.path(f"{language}.po")
                    subprocess.run(["msgmerge", "--quiet", "--no-fuzzy-matching", "-o", str(merged), str(catalogue), str(pot)],
                                   check=True)
                    left = [text for text, _, forms, flags in entries(merged.read_text(encoding="utf-8"))
                            if not all(forms) or any("fuzzy" in flag for flag in flags)]
                    self.assertEqual(left, [], f"{len(left)} of {total} are not translated, or only guessed")

    def test_plural_forms(self):
        self.assertEqual(sorted(LANGUAGES), sorted(PLURALS), "a language without a known plural rule")
        for language in LANGUAGES:
            text = (SOURCE / "po" / f"{language}.po").read_text(encoding="utf-8")
            count, rule, _ = PLURALS[language]
            said = re.search(r'Plural-Forms: nplurals=(\d+); plural=(.*?);\\n', text.replace('"\n"', ""))
            choose, expected = gettext.c2py(said[2]), gettext.c2py(rule)
            self.assertEqual(int(said[1]), count, language)
            self.assertEqual([choose(n) for n in range(1000)], [expected(n) for n in range(1000)], language)
            plural = [forms for _, plural, forms, _ in entries(text) if plural]
            self.assertGreater(len(plural), 10)
            self.assertEqual({len(forms) for forms in plural}, {count}, language)

    def test_what_must_not_be_translated_is_not(self):
        """Commands to type, options, settings and names of files stand in a translation as they are; everything else is not left
        in English."""
        literal = re.compile(r"--[a-z]+|\b[a-z]+(?:_[a-z]+)+\b|\b(?:chmod|chown|cp|rm|mv) -?[a-zA-Z0-9-]*"
                             r"|\bmux-quic (?:serve|status|cert list|creds)\b|/[a-z.]+/[a-z.-]+|`[^`]+`|\b[A-Z]+_[A-Z0-9_]+\b"
                             r"|-----[A-Z ]+-----|mux/1|\$[0-9]")
        wrong = []
        for language in LANGUAGES:
            for text, _, forms, _ in entries((SOURCE / "po" / f"{language}.po").read_text(encoding="utf-8")):
                for form in forms:
                    wrong += [f"{language}: {form}: lacks {word}" for word in literal.findall(text) if word.strip() not in form]
                    if form == text and marked.PROSE.search(marked.FORMAT.sub(" ", text)):
                        wrong.append(f"{language}: in English: {text}")
        self.assertEqual(wrong, [])

    def test_desktop_files(self):
        """The build merges the catalogues into them. (It does not do so again when only a catalogue has changed: so what it would do
        now is looked at, and what it did only where that is newer.)"""
        newest = max((SOURCE / "po" / f"{language}.po").stat().st_mtime for language in LANGUAGES)
        templates = {path for top in (BUILD, SOURCE) for kind in ("desktop", "policy") for path in (top / "data").glob(f"**/*.{kind}.in")}
        self.assertTrue(templates)
        for path in templates:
            # Since gettext 0.23 the language of XML is as BCP 47 has it: zh-Hans-CN.
            kind, sign = ("--desktop", r"(?m)^Comment\[{}\]=") if ".desktop" in path.name else ("--xml", 'xml:lang="{}"')
            merged = subprocess.run(["msgfmt", kind, f"--template={path}", "-d", str(SOURCE / "po"), "-o", "-"], check=True,
                                    env=os.environ | {"GETTEXTDATADIRS": str(SOURCE / "data/gettext")}, capture_output=True, text=True).stdout
            self.assertEqual([language for language in LANGUAGES
                              if not re.search(sign.format(language.replace("_", "[-_](?:Hans-)?")), merged)], [], path.name)
        for path in [*(BUILD / "data").glob("**/*.desktop"), *(BUILD / "data").glob("**/*.policy")]:
            if path.stat().st_mtime > newest:
                self.assertRegex(path.read_text(encoding="utf-8"), r"(?m)^Comment\[\w+\]=|xml:lang=", path.name)


def cells(line):
    """One character for each column of a terminal: a wide one is followed by a mark."""
    return "".join(character + ("\0" if unicodedata.east_asian_width(character) in "WF" else "") for character in line)


class Speaking:
    """The program with the catalogues of the build, in locales of the test's own. Where it looks for catalogues is built in, so they
    are mounted there, in a namespace of its own."""

    MOUNT = """
        dir=$2
        while [ ! -d "$dir" ]; do dir=${dir%/*}; done
        [ "$dir" = "$2" ] || { mount -t tmpfs tmpfs "$dir" && mkdir -p "$2"; } || exit 125
        mount --bind "$1" "$2" || exit 125
        shift 2
        exec "$@"
    """

    def __init__(self, world):
        self.world = world
        self.locales = world.path("locales")
        self.locales.mkdir()
        installed = re.search(r'LOCALE_DIR "(.*)"', (BUILD / "mux-quic-config.h").read_text())[1]
        self.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", self.MOUNT, "sh", str(BUILD / "po"), installed]
        probe = world.run(*self.prefix, "true")
        if probe.returncode != 0:
            raise unittest.SkipTest(f"no catalogues can be mounted here: {probe.stderr.decode().strip()}")

    def environment(self, language):
        name = f"{PLURALS[language][2]}.UTF-8"
        if not (self.locales / name).exists():
            done = self.world.run("localedef", "-i", PLURALS[language][2], "-f", "UTF-8", self.locales / name)
            if not (self.locales / name).exists():
                raise unittest.SkipTest(f"no locale {name} can be made (package locales): {done.stderr.decode().strip()}")
        return self.world.env | {"LANG": name, "LC_ALL": name, "LOCPATH": str(self.locales)}

    def run(self, language, *argv):
        return self.world.run(*self.prefix, *argv, env=self.environment(language))


def translations(language):
    with open(BUILD / f"po/{language}/LC_MESSAGES/mux-quic.mo", "rb") as catalogue:
        return gettext.GNUTranslations(catalogue)


class Status(unittest.TestCase):
    LISTENERS = ("LISTENING ON", "CONNECTIONS", "CERTIFICATE UNTIL")
    SESSIONS = ("USER", "DEVICE", "PEER", "STATE", "SINCE", "RTT", "LOST", "IN", "OUT", "CHANNELS")
    CERTIFICATES = ("CERTIFICATE", "SERIAL", "FROM", "UNTIL")
    RIGHT = {"CONNECTIONS", "RTT", "LOST", "IN", "OUT", "CHANNELS"}

    def check_table(self, lines, titles, words):
        """Finds the heading in `words` and the rows below it; each column's cells begin (or end) where its heading does."""
        pattern = re.compile(r"\s+".join(re.escape(words[title]) for title in titles) + r"\s*")
        head = next((number for number, line in enumerate(lines) if pattern.fullmatch(line)), None)
        self.assertIsNotNone(head, f"no heading {titles} in {lines}")
        rows = []
        for line in lines[head + 1:]:
            if not line:
                break
            rows.append(cells(line))
        self.assertTrue(rows, lines)
        heading, place = cells(lines[head]), 0
        for title in titles:
            word = cells(words[title])
            begin = heading.index(word, place)
            place = begin + len(word)
            for row in rows:
                if title in self.RIGHT:
                    self.assertNotIn(row[place - 1:place], ("", " "), (title, lines))
                    self.assertIn(row[place:place + 1], ("", " "), (title, lines))
                else:
                    self.assertNotIn(row[begin:begin + 1], (" ", "\0"), (title, lines))
                    self.assertIn(row[begin - 1:begin] if begin else "", ("", " "), (title, lines))
        return rows

    def test_in_every_language(self):
        with Sandbox() as world:
            speaking = Speaking(world)
            host = world.serve()
            options = world.client(host, enroll_command=[PROGRAM, "enroll", "--device", "tablet"])
            client = world.popen(PROGRAM, "exec", *options, "here", "--", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 bufsize=0)
            client.stdin.write(b"here\n")
            read_line(client.stdout, "echo")
            for language in LANGUAGES:
                with self.subTest(language):
                    catalogue = translations(language)
                    titles = {*self.LISTENERS, *self.SESSIONS, *self.CERTIFICATES}
                    words = {title: catalogue.gettext(title) for title in titles}
                    # RTT is a term of its own everywhere.
                    self.assertEqual({title for title in titles if words[title] == title} - {"RTT"}, set())
                    done = speaking.run(language, PROGRAM, "status")
                    self.assertEqual((done.returncode, done.stderr), (0, b""))
                    lines = done.stdout.decode().splitlines()
                    self.check_table(lines, self.LISTENERS, words)
                    session, = self.check_table(lines, self.SESSIONS, words)
                    self.assertIn(cells(catalogue.gettext("connected")), session)
                    roles = "".join(self.check_table(lines, self.CERTIFICATES, words))
                    for role in ("ca", "server", "client"):
                        self.assertIn(cells(catalogue.gettext(role)), roles)
                    help_text = speaking.run(language, PROGRAM, "--help").stdout.decode()
                    self.assertIn(catalogue.gettext("serve this machine"), help_text)
                    options = speaking.run(language, PROGRAM, "status", "--help").stdout.decode()
                    self.assertIn(catalogue.gettext("print JSON"), options)

    def test_counting(self):
        """One, few and many of a thing: a host that refuses command lines of so many words."""
        cases = {
            "de": {4097: "4097 Wörter"},
            "uk": {4097: "4097 слів", 4101: "4101 слово", 4102: "4102 слова"},
        }
        for language, counts in cases.items():
            with Sandbox() as world:
                speaking = Speaking(world)
                config = world.config("server.lua", servers=[{"bind_address": "127.0.0.1:0"}])
                process = world.popen(*speaking.prefix, PROGRAM, "serve", "--no-bus", "--plugin", MODULE, "--config", config,
                                      stdout=subprocess.PIPE, bufsize=0, env=speaking.environment(language))
                address = read_line(process.stdout, "`listening on`").removeprefix("listening on ")
                client = world.client(address)
                for count, words in counts.items():
                    done = speaking.run(language, PROGRAM, "exec", *client, "here", "--", *["x"] * count)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(words, done.stderr.decode())


if __name__ == "__main__":
    tap.main()
