"""One call of grpc.testing.TestService that looks at the flags of the responses."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived

from frames import DEADLINE_SECONDS, Connection, Messages


@dataclass
class Target:
    """A server on this machine; TLS if there is an authority to trust."""

    port: int
    server_name: str
    ca_file: Path | None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        channel = socket.create_connection(("127.0.0.1", self.port), DEADLINE_SECONDS)
        if not self.ca_file:
            return channel
        context = ssl.create_default_context(cafile=self.ca_file)
        context.set_alpn_protocols(["h2"])
        return context.wrap_socket(channel, server_hostname=self.server_name)


def flags_of_responses(target: Target, method: str, request: bytes) -> list[bool]:
    """Whether each response was compressed."""
    with target.connect() as channel:
        connection = Connection(channel, client_side=True)
        headers = {
            ":method": "POST",
            ":scheme": "https" if target.ca_file else "http",
            ":path": f"/grpc.testing.TestService/{method}",
            ":authority": target.server_name,
            "te": "trailers",
            "content-type": "application/grpc",
            "grpc-accept-encoding": "identity,gzip",
        }
        stream = connection.h2.get_next_available_stream_id()
        connection.h2.send_headers(stream, list(headers.items()))
        connection.send_message(stream, request, ends_stream=True)
        return _read_flags(connection)


def _read_flags(connection: Connection) -> list[bool]:
    messages, flags, headers = Messages(), [], {}
    while True:
        for event in connection.events():
            match event:
                case ResponseReceived() | TrailersReceived():
                    headers |= {key.decode(): value.decode() for key, value in event.headers}
                case DataReceived():
                    flags += [flag for flag, _ in messages.take(event.data)]
                case StreamEnded():
                    assert headers.get("grpc-status") == "0", headers
                    assert not any(flags) or headers.get("grpc-encoding") == "gzip", headers
                    return flags
                case StreamReset() | ConnectionTerminated():
                    raise AssertionError(f"the call was not answered: {event}")
