"""A network of UDP between clients and one server that can be dark, lose, delay, forget where a client is, and come back."""

import heapq
import random
import select
import socket
import threading
import time


class Relay:
    """Use as a context manager; clients dial `port`. Seeded, but time is real."""

    def __init__(self, port, seed=1):
        self.server = ("127.0.0.1", port)
        self.random = random.Random(seed)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        # An error that made a socket ready may be gone with what was sent meanwhile.
        self.front.setblocking(False)
        self.port = self.front.getsockname()[1]
        self.dark = False
        self.loss = 0.0
        self.duplicate = 0.0
        self.delay = 0.0
        self.jitter = 0.0  # seconds, uniform on top of the delay: reorders
        self.cut_off = set()  # clients' addresses that nothing gets to or from any more
        self.passed = 0  # bytes
        self.backs = {}  # client's address -> socket towards the server
        self.clients = {}  # that socket -> client's address
        self.late = []
        self.count = 0
        self.dropped = 0
        self.lock = threading.Lock()
        self.wake, self.waken = socket.socketpair()
        self.over = False
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *what):
        self.over = True
        self.waken.send(b"x")
        self.thread.join()
        for one in (self.front, self.wake, self.waken, *self.clients):
            one.close()

    def rebind(self):
        """A NAT that forgot: from now on each client has another port towards the server, and the old ones lead nowhere."""
        with self.lock:
            for back in self.clients:
                back.close()
            self.backs.clear()
            self.clients.clear()
        self.waken.send(b"x")

    def cut(self):
        """Whoever is connected now is cut off for good; who dials again, from another port, gets through."""
        with self.lock:
            self.cut_off.update(self.backs)

    def _back(self, client):
        if client not in self.backs:
            back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            back.connect(self.server)
            back.setblocking(False)
            self.backs[client] = back
            self.clients[back] = client
        return self.backs[client]

    def _send(self, client, send, data):
        if self.dark or client in self.cut_off or self.random.random() < self.loss:
            self.dropped += 1
            return
        self.passed += len(data)
        for _ in range(1 + (self.random.random() < self.duplicate)):
            if self.delay == 0 and self.jitter == 0:
                send(data)
                continue
            self.count += 1
            heapq.heappush(self.late, (time.monotonic() + self.delay + self.random.random() * self.jitter, self.count, send, data))

    def _deliver(self):
        while self.late and self.late[0][0] <= time.monotonic():
            _, _, send, data = heapq.heappop(self.late)
            try:
                send(data)
            except OSError:
                pass

    def _take(self, ready):
        for one in ready:
            try:
                if one is self.wake:
                    one.recv(1)
                elif one is self.front:
                    data, client = one.recvfrom(65536)
                    self._send(client, self._back(client).send, data)
                else:
                    client = self.clients[one]
                    self._send(client, lambda data, to=client: self.front.sendto(data, to), one.recv(65536))
            except (OSError, KeyError, ValueError):
                pass  # it went meanwhile, or nobody listens there

    def _run(self):
        while not self.over:
            with self.lock:
                sockets = [self.wake, self.front, *self.clients]
                timeout = max(0, self.late[0][0] - time.monotonic()) if self.late else None
            try:
                ready, _, _ = select.select(sockets, [], [], timeout)
            except (OSError, ValueError):
                continue
            with self.lock:
                self._take(ready)
                self._deliver()
