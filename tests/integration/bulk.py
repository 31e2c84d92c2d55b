"""Much data, many clients, and clients that vanish."""

import hashlib
import os
import select
import signal
import socket
import subprocess
import threading
import unittest

from sandbox import PATIENCE, PROGRAM, SANITIZED, Sandbox, descendants, peak_memory, read_line, wait_until
import tap

GIB = 64 << 20 if SANITIZED else 1 << 30
MEMORY = 64 << 20
BLOCK = bytes(os.urandom(1 << 20))


def pattern(total):
    """`total` bytes that are random within a block and differ from block to block."""
    sent = 0
    index = 0
    while sent < total:
        block = index.to_bytes(8, "big") + BLOCK[8:]
        piece = block[: total - sent]
        yield piece
        sent += len(piece)
        index += 1


def digest(total):
    sha = hashlib.sha256()
    for piece in pattern(total):
        sha.update(piece)
    return sha.hexdigest()


class Server:
    """A TCP server on loopback; each connection is served by `handler(connection)` in a thread."""

    def __init__(self, handler):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.handler = handler
        self.results = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                self.results.append(self.handler(connection))
            except OSError as error:
                self.results.append(error)

    def close(self):
        self.listener.close()


def sink(connection):
    sha = hashlib.sha256()
    total = 0
    while data := connection.recv(1 << 18):
        sha.update(data)
        total += len(data)
    connection.sendall(f"{total} {sha.hexdigest()}\n".encode())
    return total


def source(connection):
    for piece in pattern(GIB):
        connection.sendall(piece)
    return GIB


class Bulk(unittest.TestCase):
    def check_memory(self, host, client):
        if SANITIZED:
            return
        peaks = {"client": peak_memory(client.pid), "host": peak_memory(host.pid)}
        for index, pid in enumerate(descendants(host.pid)):
            peaks[f"keeper {index}"] = peak_memory(pid)
        for who, peak in peaks.items():
            self.assertLess(peak, MEMORY, f"peak memory of {who}: {peak >> 20} MiB")
        print(f"# peak memory in MiB: { {who: peak >> 20 for who, peak in peaks.items()} }")

    def test_up(self):
        server = Server(sink)
        with Sandbox() as world:
            host = world.serve(services={"sink": {"tcp": f"127.0.0.1:{server.port}"}})
            client = world.popen(PROGRAM, "proxy", *world.client(host), "--service", "sink", "here",
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            for piece in pattern(GIB):
                view = memoryview(piece)
                while view:
                    view = view[os.write(client.stdin.fileno(), view):]
            self.check_memory(host, client)
            client.stdin.close()
            self.assertEqual(read_line(client.stdout, "the hash"), f"{GIB} {digest(GIB)}")
            self.assertEqual(client.wait(PATIENCE), 0)
        server.close()

    def test_down(self):
        server = Server(source)
        with Sandbox() as world:
            host = world.serve(services={"source": {"tcp": f"127.0.0.1:{server.port}"}})
            client = world.popen(PROGRAM, "proxy", *world.client(host), "--service", "source", "here",
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            sha = hashlib.sha256()
            left = GIB
            measured = False
            while left:
                if left < 1 << 20 and not measured:
                    # Later the keeper may be gone: it ends when everything is counted.
                    measured = True
                    self.check_memory(host, client)
                data = os.read(client.stdout.fileno(), min(left, 1 << 18))
                self.assertTrue(data, f"end of file with {left} bytes missing")
                sha.update(data)
                left -= len(data)
            self.assertTrue(measured)
            client.stdin.close()
            self.assertEqual(client.stdout.read(), b"")
            self.assertEqual(sha.hexdigest(), digest(GIB))
            self.assertEqual(client.wait(PATIENCE), 0)
        server.close()

    def test_a_stopped_reader_stops_the_writer(self):
        """The far program writes until the line is full, then is blocked for 30 s; nothing grows and nothing is lost."""
        total = 256 << 20
        written = [0]

        def count(connection):
            for piece in pattern(total):
                connection.sendall(piece)
                written[0] += len(piece)

        server = Server(count)
        with Sandbox() as world:
            host = world.serve(services={"count": {"tcp": f"127.0.0.1:{server.port}"}})
            client = world.popen(PROGRAM, "proxy", *world.client(host), "--service", "count", "here",
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            sha = hashlib.sha256()
            sha.update(first := os.read(client.stdout.fileno(), 1000))
            nothing = select.poll()

            def full():
                before = written[0]
                nothing.poll(1000)
                return written[0] == before

            wait_until(full, "the writer is blocked")
            stalled = written[0]
            self.assertLess(stalled, 64 << 20)
            nothing.poll(30_000)
            self.assertEqual(written[0], stalled, "the writer went on against a full line")
            self.check_memory(host, client)
            left = total - len(first)
            while left:
                data = os.read(client.stdout.fileno(), min(left, 1 << 18))
                self.assertTrue(data, f"end of file with {left} bytes missing")
                sha.update(data)
                left -= len(data)
            self.assertEqual(sha.hexdigest(), digest(total))
        server.close()


class Many(unittest.TestCase):
    SESSIONS = 40 if SANITIZED else 200

    def start(self, world, client):
        return world.popen(PROGRAM, "exec", *client, "here", "--", "cat", stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, bufsize=0)

    def echo(self, process, text):
        process.stdin.write(f"{text}\n".encode())
        self.assertEqual(read_line(process.stdout, f"the echo of {text}"), text)

    def test_many_sessions_and_ten_that_are_killed(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host)
            # The first one enrols, the others find its certificate.
            self.assertEqual(world.mux("exec", *client, "here", "--", "true").returncode, 0)
            processes = [self.start(world, client) for _ in range(self.SESSIONS)]
            for index, process in enumerate(processes):
                self.echo(process, f"session {index}")
            victims = [process for index, process in enumerate(processes) if index % (self.SESSIONS // 10) == 3][:10]
            self.assertEqual(len(victims), 10)
            for process in victims:
                process.send_signal(signal.SIGKILL)
                process.wait(PATIENCE)
            living = [process for process in processes if process not in victims]
            for round_ in range(3):
                for index, process in enumerate(living):
                    self.echo(process, f"round {round_} session {index}")
            status = world.mux("status", "--json")
            self.assertEqual(status.returncode, 0, status.stderr)
            for process in living:
                process.stdin.close()
            for process in living:
                self.assertEqual(process.stdout.read(), b"")
                self.assertEqual(process.wait(PATIENCE), 0)
            self.assertEqual(world.mux("exec", *client, "here", "--", "true").returncode, 0)
            self.assertEqual(host.stop(), 0)


if __name__ == "__main__":
    tap.main()
