"""The ABI suffices on its own: a host that has nothing but include/mux serves and dials through the plugin."""

import os
import pathlib
import socket
import unittest

from sandbox import MODULE, PROGRAM, Sandbox, free_udp_port
import tap


class SecondHost(unittest.TestCase):
    def test_serves_an_echo_and_dials_itself(self):
        with Sandbox() as world:
            # The client half of the file must name a port before the server half has it; another may take it meanwhile.
            for _ in range(5):
                port = free_udp_port()
                # The second host has directories of its own; the enrolment is asked of its control socket.
                enroll = world.write("enroll", "#!/bin/sh\nexec " + PROGRAM + " enroll --application second-host\n", 0o700)
                config = world.config("second.lua", servers=[{"bind_address": f"127.0.0.1:{port}"}],
                                      clients=[{"name": "self", "remote_address": f"127.0.0.1:{port}",
                                                "enroll_command": [enroll]}])
                done = world.run(os.environ["MUX_QUIC_SECOND_HOST"], MODULE, config, "self")
                if b"in use" not in done.stderr:
                    break
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertEqual(done.stdout.decode().splitlines(), [f"serving 127.0.0.1:{port}", f"echoed {1 << 20} bytes"])
            self.assertTrue((world.home / ".local/share/second-host/pki/ca.pem").exists())

    def test_source_uses_the_contract_only(self):
        source = pathlib.Path(os.environ["MUX_QUIC_SOURCE"], "tests/integration/second-host.c").read_text()
        includes = [line for line in source.splitlines() if line.startswith("#include")]
        self.assertEqual(includes, ["#include <gmodule.h>", "#include <mux/transport.h>", "#include <stdlib.h>",
                                    "#include <string.h>"])


if __name__ == "__main__":
    tap.main()
