"""What `--json` prints, against data/output.schema.json; and that the schema is not one that everything fits."""

import copy
import json
import os
import pathlib
import subprocess
import unittest

from sandbox import MODULE, PROGRAM, Sandbox, read_line
import tap

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMA = json.loads(pathlib.Path(os.environ["MUX_QUIC_SOURCE"], "data/output.schema.json").read_text())


def validator(name):
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


def broken_copies(name, value):
    """`value` with one required member left out, or of another type, at a time: none of them may fit."""
    def required(schema):
        if "$ref" in schema:
            return required(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
        return schema.get("required", []) + [word for part in schema.get("allOf", []) for word in required(part)]

    for member in required(SCHEMA["$defs"][name]):
        without = copy.deepcopy(value)
        del without[member]
        yield f"without {member}", without
        other = copy.deepcopy(value)
        other[member] = None
        yield f"with a wrong {member}", other


@unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
class Output(unittest.TestCase):
    def fits(self, name, text):
        value = json.loads(text)
        problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator(name).iter_errors(value)]
        self.assertEqual(problems, [], name)
        self.assertEqual(value["schema"], 1)
        for what, broken in broken_copies(name, value):
            self.assertTrue(list(validator(name).iter_errors(broken)), f"{name} {what} fits")
        return value

    def test_the_schema_is_one(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_of_a_host_in_use(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.popen(PROGRAM, "exec", *world.client(host), "here", "--", "cat", stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, bufsize=0)
            client.stdin.write(b"here\n")
            read_line(client.stdout, "echo")

            def ask(*words):
                done = world.mux(*words)
                self.assertEqual((done.returncode, done.stderr), (0, b""), words)
                return done.stdout

            status = self.fits("status", ask("status", "--json"))
            self.assertEqual([len(status[name]) for name in ("listeners", "sessions", "certificates")], [1, 1, 3])
            self.assertEqual(json.loads(ask("--json")).keys(), status.keys())
            serial = self.fits("cert-list", ask("cert", "list", "--json"))["certificates"][0]["serial"]
            self.assertEqual(self.fits("cert-show", ask("cert", "show", "--json", serial))["serial"], serial)
            own = self.fits("cert-show-own", ask("cert", "show", "--json"))
            self.assertEqual([one["role"] for one in own["certificates"]], ["ca", "server", "client"])
            self.fits("cert-show-own", ask("cert", "renew", "--json"))
            self.fits("cert-show-own", ask("cert", "rotate-ca", "--json"))
            self.fits("log-level", ask("log-level", "--json"))
            ask("cert", "revoke", serial)
            self.assertIn("revoked", self.fits("cert-list", ask("cert", "list", "--json"))["certificates"][0])

    def test_more_sessions_than_one_reply_holds(self):
        """A client that is killed leaves its session behind."""
        with Sandbox() as world:
            host = world.serve()
            options = world.client(host)
            for _ in range(130):
                client = world.popen(PROGRAM, "exec", *options, "here", "--", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     bufsize=0)
                client.stdin.write(b"here\n")
                read_line(client.stdout, "echo")
                client.kill()
            done = world.mux("status", "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            status = self.fits("status", done.stdout)
            self.assertEqual(len({session["id"] for session in status["sessions"]}), 130)
            self.assertNotIn("session_count", status)
            watch = world.popen(PROGRAM, "status", "--watch", "--json", stdout=subprocess.PIPE)
            self.assertEqual(len(json.loads(read_line(watch.stdout, "the status"))["status"]["sessions"]), 130)
            table = world.mux("status").stdout.decode().split("\n\n")[1].splitlines()
            self.assertEqual(len(table), 1 + 130)
            self.assertEqual(host.stop(), 0)

    def test_doctor(self):
        with Sandbox() as world:
            done = world.mux("doctor", "--json", "--plugin", MODULE, "127.0.0.1:1")
            self.assertEqual(done.returncode, 1, done.stderr)
            value = self.fits("doctor", done.stdout)
            self.assertEqual(value["errors"], sum(one["level"] == "error" for one in value["findings"]))
            for member in ("level", "check", "found"):
                broken = copy.deepcopy(value)
                del broken["findings"][0][member]
                self.assertTrue(list(validator("doctor").iter_errors(broken)), f"a finding without {member} fits")

    def test_check(self):
        with Sandbox() as world:
            good = world.config("good.lua", servers=[{"bind_address": "127.0.0.1:0"}])
            bad = world.write("bad.lua", "return {\n  quic_servers = {{ bind_adress = '[::]:1' }},\n"
                              "  quic_clients = {{ name = 'a', remote_address = 'b:1', enable_0rtt = true }},\n}\n")
            done = world.mux("check", "--json", "--plugin", MODULE, good)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(self.fits("check", done.stdout)["problems"], [])
            done = world.mux("check", "--json", "--plugin", MODULE, bad)
            self.assertEqual((done.returncode, done.stderr), (1, b""))
            problems = self.fits("check", done.stdout)["problems"]
            self.assertEqual({problem["severity"] for problem in problems}, {"error", "warning"})
            self.assertEqual({problem["file"] for problem in problems}, {bad})
            mistyped = [problem for problem in problems if "bind_adress" in problem["message"]]
            self.assertEqual([(problem["severity"], problem["line"]) for problem in mistyped], [("error", 2)])
            for problem in problems:
                self.assertNotIn(bad, problem["message"])
            # The same words as without --json.
            plain = world.mux("check", "--plugin", MODULE, bad)
            self.assertEqual((plain.returncode, plain.stdout), (1, b""))
            self.assertEqual(sorted(plain.stderr.decode().splitlines()),
                             sorted(f"{problem['file']}:{problem['line']}: {problem['message']}" for problem in problems))
            done = world.mux("check", "--json", "--plugin", MODULE, world.path("nowhere.lua"))
            self.assertEqual(done.returncode, 1)
            self.assertEqual([problem["severity"] for problem in self.fits("check", done.stdout)["problems"]], ["error"])

    def test_colours(self):
        with Sandbox() as world:
            world.serve()
            plain = world.mux("status").stdout
            self.assertNotIn(b"\033", plain)
            coloured = world.mux("status", "--color=always").stdout
            self.assertIn(b"\033[1m", coloured)
            # It is the same table, whatever its colours.
            bare = coloured
            for sequence in (b"\033[1m", b"\033[31m", b"\033[32m", b"\033[33m", b"\033[0m"):
                bare = bare.replace(sequence, b"")
            self.assertEqual([line.rstrip() for line in bare.splitlines()], [line.rstrip() for line in plain.splitlines()])
            self.assertEqual(world.mux("status", "--color=sometimes").returncode, 2)


if __name__ == "__main__":
    tap.main()
