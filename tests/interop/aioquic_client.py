"""A QUIC client that shares no code with ours. Runs inside a virtual environment that has aioquic.

usage: aioquic_client.py PORT CA [--cert CHAIN KEY] [--alpn NAME] [--bytes N]
Opens one stream without any protocol of ours, sends N bytes, reads them back. Prints one JSON line: sent, received, equal,
and, when the connection ended, error (the CONNECTION_CLOSE code) and reason.
"""

import argparse
import asyncio
import hashlib
import json
import os

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StreamDataReceived


class Protocol(QuicConnectionProtocol):
    terminated = None
    completed = False
    delivered = 0

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.terminated = event
        elif isinstance(event, HandshakeCompleted):
            self.completed = True
        elif isinstance(event, StreamDataReceived):
            self.delivered += len(event.data)
        super().quic_event_received(event)


async def run(arguments):
    configuration = QuicConfiguration(is_client=True, server_name="localhost", idle_timeout=30,
                                      alpn_protocols=[arguments.alpn] if arguments.alpn else None,
                                      cafile=arguments.ca, max_data=16 << 20, max_stream_data=8 << 20)
    if arguments.cert:
        configuration.load_cert_chain(*arguments.cert)
    answer = {"sent": 0, "received": 0, "equal": False}
    client = None
    try:
        async with connect("127.0.0.1", arguments.port, configuration=configuration, create_protocol=Protocol,
                           wait_connected=False) as client:
            client.transmit()
            await client.wait_connected()
            reader, writer = await client.create_stream()
            data = os.urandom(arguments.bytes)

            async def send():
                for offset in range(0, len(data), 65536):
                    writer.write(data[offset : offset + 65536])
                    answer["sent"] += len(data[offset : offset + 65536])
                    await asyncio.sleep(0)
                writer.write_eof()

            sender = asyncio.ensure_future(send())
            sha = hashlib.sha256()
            while piece := await asyncio.wait_for(reader.read(65536), 60):
                sha.update(piece)
                answer["received"] += len(piece)
            await sender
            answer["equal"] = sha.hexdigest() == hashlib.sha256(data).hexdigest()
            if answer["received"] < len(data):
                await asyncio.wait_for(client.wait_closed(), 30)
    except (ConnectionError, asyncio.TimeoutError) as error:
        answer["exception"] = repr(error)
    if client is not None:
        answer["delivered"] = client.delivered
        if client.terminated is not None:
            answer["error"] = client.terminated.error_code
            answer["reason"] = client.terminated.reason_phrase
    print(json.dumps(answer))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("ca")
    parser.add_argument("--cert", nargs=2)
    parser.add_argument("--alpn")
    parser.add_argument("--bytes", type=int, default=10 << 20)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
