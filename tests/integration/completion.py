"""Completion in real shells, at a real prompt: what the program tells, and what bash, zsh and fish make of it."""

import os
import pathlib
import shutil
import unittest

from main_job import Tmux
from sandbox import MODULE, PROGRAM, Sandbox, wait_until
from sshd import need
import tap

COMPLETIONS = pathlib.Path(os.environ["MUX_QUIC_SOURCE"], "data/completions")
CLIENTS = [{"name": "home", "remote_address": "h.example:1", "service": "sftp"},
           {"name": "workshop", "remote_address": "w.example:1", "bootstrap_via_ssh": "w"}]


class Program(unittest.TestCase):
    def words(self, world, *line, **options):
        done = world.mux("complete", "--", *line, **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""), line)
        return [line.split("\t")[0] for line in done.stdout.decode().splitlines()]

    def test_every_verb_and_option_that_help_tells(self):
        with Sandbox() as world:
            told = [line.split()[0] for line in world.mux("--help").stdout.decode().splitlines() if line.startswith("  ")]
            self.assertEqual(self.words(world, ""), [*told, "help"])
            for verb in told:
                help_text = world.mux(verb, "--help").stdout.decode()
                options = {word.rstrip(",").split("=")[0].split("[")[0] for word in help_text.split() if word.startswith("--")
                           and len(word) > 2}
                completed = {word.split("=")[0] for word in self.words(world, verb, "--")}
                self.assertEqual(completed, options, verb)

    def test_what_a_configuration_names(self):
        with Sandbox() as world:
            config = world.config("some.lua", clients=CLIENTS, services={"tmux": {"program": ["tmux"], "pty": True}})
            options = ["--plugin", MODULE, "--config", config]
            for verb in ("connect", "exec", "proxy"):
                self.assertEqual(self.words(world, verb, *options, ""), ["home", "workshop"], verb)
                self.assertEqual(self.words(world, verb, *options, "--service", ""), ["shell", "exec", "sftp", "tmux"], verb)
            self.assertEqual(self.words(world, "connect", *options, "w"), ["workshop"])
            self.assertEqual(self.words(world, "connect", *options[:2], f"--config={config}", "h"), ["home"])
            done = world.mux("complete", "--", "connect", *options, "w")
            self.assertEqual(done.stdout, b"workshop\tw.example:1\n")
            # Where there is none, or a wrong one, there is nothing to say.
            broken = world.write("broken.lua", "return {")
            for file in (world.path("nowhere.lua"), broken):
                done = world.mux("complete", "--", "connect", *options[:2], "--config", file, "")
                self.assertEqual((done.returncode, done.stdout), (0, b""))
            # A name must not steer the terminal, or make two words of one.
            hostile = world.config("hostile.lua", clients=[{"name": "a\x1b[2Jb\nc", "remote_address": "h:1"}])
            self.assertNotIn(b"\x1b", world.mux("complete", "--", "connect", *options[:2], "--config", hostile, "").stdout)

    def test_what_the_host_knows(self):
        with Sandbox() as world:
            self.assertEqual(self.words(world, "cert", "revoke", ""), [])
            host = world.serve()
            for device in ("tablet", "phone"):
                world.mux("enroll", "--generate", "--device", device)
            done = world.mux("complete", "--", "cert", "revoke", "")
            serials = [line.split("\t") for line in done.stdout.decode().splitlines()]
            self.assertEqual(sorted(holder.rpartition("/")[2] for _, holder in serials), ["phone", "tablet"])
            self.assertEqual(self.words(world, "cert", "show", serials[0][0][:8]), [serials[0][0]])
            self.assertEqual(host.stop(), 0)

    def test_a_host_that_hangs_does_not_hold_up_the_prompt(self):
        with Sandbox() as world:
            host = world.serve()
            os.kill(host.pid, 19)
            try:
                done = world.mux("complete", "--", "cert", "revoke", "")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (1, b"", b""))
            finally:
                os.kill(host.pid, 18)
            self.assertEqual(host.stop(), 0)


class Shell:
    """What all three must do. The configuration is the one that is found without an option, its program the one in PATH."""

    columns = 160

    def prepare(self, world):
        """Writes the shell's files; its command line."""
        raise NotImplementedError

    def setUp(self):
        need("tmux")
        need(self.shell)
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.world.config("home/.config/mux-quic/config.lua", servers=[{"bind_address": "127.0.0.1:0"}], clients=CLIENTS)
        (self.world.home / "a-file.lua").write_text("")
        (self.world.home / "a-directory").mkdir()
        self.terminal = Tmux(self.world, self.shell, self.columns, 30)
        self.addCleanup(self.terminal.stop)
        self.terminal.start("env", f"HOME={self.world.home}", "sh", "-c", f"cd {self.world.home} && exec {self.prepare(self.world)}")
        self.terminal.shows("ready>")

    def line(self):
        """The command line at the last prompt."""
        return [line for line in self.terminal.screen().splitlines() if "ready>" in line][-1].split("ready>")[1].strip()

    def completes(self, typed, line):
        self.terminal.type("C-u")
        self.terminal("send-keys", "-l", typed)
        wait_until(lambda: self.line().startswith(typed.strip()), "it is typed")
        self.terminal.type("Tab")
        try:
            wait_until(lambda: self.line() == line, f"{typed!r} becomes {line!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{self.terminal.screen()}") from None

    def lists(self, typed, *words):
        """Of an ambiguous word it is shown what it might be."""
        self.terminal.type("C-u")
        self.terminal("send-keys", "-l", typed)
        wait_until(lambda: self.line().startswith(typed.strip()), "it is typed")
        self.terminal.type("Tab")
        for word in words:
            self.terminal.shows(word)
        self.terminal.type("C-c")
        wait_until(lambda: self.line() == "", "there is a new prompt")

    def test_completions(self):
        cases = {
            "mux-quic stat": "mux-quic status",
            "mux-quic conn": "mux-quic connect",
            "mux-quic connect wo": "mux-quic connect workshop",
            "mux-quic status --wat": "mux-quic status --watch",
            "mux-quic status --color=al": "mux-quic status --color=always",
            "mux-quic connect --service sf": "mux-quic connect --service sftp",
            "mux-quic connect --service=sf": "mux-quic connect --service=sftp",
            "mux-quic cert rot": "mux-quic cert rotate-ca",
            "mux-quic log-level deb": "mux-quic log-level debug",
            "mux-quic check a-f": "mux-quic check a-file.lua",
            "mux-quic check a-d": "mux-quic check a-directory/",
            "mux-quic check ./a-f": "mux-quic check ./a-file.lua",
            "mux-quic serve --config a-f": "mux-quic serve --config a-file.lua",
            "mux-quic serve --config=a-f": "mux-quic serve --config=a-file.lua",
            "mux-quic --js": "mux-quic --json",
        }
        for typed, line in cases.items():
            with self.subTest(typed):
                self.completes(typed, line)
        self.lists("mux-quic cert ", "list", "show", "renew", "revoke", "rotate-ca")
        self.lists("mux-quic connect ", "home", "workshop")


class Bash(Shell, unittest.TestCase):
    shell = "bash"

    def prepare(self, world):
        file = world.write("bashrc", f"PS1='ready> '\nbind 'set bell-style none'\nbind 'set show-all-if-ambiguous on'\nbind 'set enable-bracketed-paste off'\n"
                           f"source {COMPLETIONS}/mux-quic.bash\n")
        return f"bash --noprofile --rcfile {file} -i"


class Zsh(Shell, unittest.TestCase):
    shell = "zsh"

    def prepare(self, world):
        functions = world.path("functions")
        functions.mkdir()
        shutil.copy(COMPLETIONS / "_mux-quic", functions)
        world.write("home/.zshrc", f"fpath=({functions} $fpath)\nautoload -Uz compinit\ncompinit -u -D\nbindkey -e\nbindkey '^U' kill-whole-line\n"
                    "unsetopt beep\nPS1='ready> '\n")
        return f"env ZDOTDIR={world.home} zsh -d -i"

    def test_descriptions(self):
        self.lists("mux-quic cert ", "end it, its renewals and its sessions")


class Fish(Shell, unittest.TestCase):
    shell = "fish"

    def prepare(self, world):
        directory = world.home / ".config/fish/completions"
        directory.mkdir(parents=True)
        shutil.copy(COMPLETIONS / "mux-quic.fish", directory)
        world.write("home/.config/fish/config.fish", "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n"
                    "function fish_prompt\n    echo -n 'ready> '\nend\n")
        return "fish -i"

    def test_descriptions(self):
        done = self.world.run("fish", "-c", "complete -C 'mux-quic cert rev'")
        self.assertEqual((done.returncode, done.stdout), (0, b"revoke\tend it, its renewals and its sessions\n"), done.stderr)


if __name__ == "__main__":
    tap.main()
