"""UnaryCall and StreamingInputCall for the cases in which a client compresses: it looks at the flags of the requests,
and refuses those that are not as `expect_compressed` says. One connection after the other."""

import argparse
import gzip
import socket
import ssl
from pathlib import Path

from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset

from frames import Connection, Messages
from protos import messages_pb2, zeros

UNARY, STREAMING = "/grpc.testing.TestService/UnaryCall", "/grpc.testing.TestService/StreamingInputCall"
INVALID_ARGUMENT, UNIMPLEMENTED = 3, 12


class Call:
    """The requests of one stream."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._path = headers[":path"]
        self._encoding = headers.get("grpc-encoding", "identity")
        self._messages = Messages()
        self._requests: list[tuple[bool, bytes]] = []

    def take(self, data: bytes) -> None:
        self._requests += self._messages.take(data)

    def answer(self) -> tuple[int, bytes | None]:
        """The status and the response."""
        kinds = {UNARY: messages_pb2.SimpleRequest, STREAMING: messages_pb2.StreamingInputCallRequest}
        if self._path not in kinds:
            return UNIMPLEMENTED, None
        requests = []
        for flag, data in self._requests:
            assert not flag or self._encoding == "gzip", self._encoding
            requests.append(kinds[self._path].FromString(gzip.decompress(data) if flag else data))
            expected = requests[-1].expect_compressed
            if requests[-1].HasField("expect_compressed") and expected.value != flag:
                return INVALID_ARGUMENT, None
        if self._path == UNARY:
            response = messages_pb2.SimpleResponse(payload=zeros(requests[0].response_size))
        else:
            size = sum(len(request.payload.body) for request in requests)
            response = messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)
        return 0, response.SerializeToString()


def serve(connection: Connection) -> None:
    calls: dict[int, Call] = {}
    while True:
        for event in connection.events():
            match event:
                case RequestReceived():
                    calls[event.stream_id] = Call({key.decode(): value.decode() for key, value in event.headers})
                case DataReceived() if event.stream_id in calls:
                    calls[event.stream_id].take(event.data)
                case StreamEnded() if event.stream_id in calls:
                    answer(connection, event.stream_id, calls.pop(event.stream_id))
                case StreamReset():
                    calls.pop(event.stream_id, None)
                case ConnectionTerminated():
                    return


def answer(connection: Connection, stream: int, call: Call) -> None:
    status, response = call.answer()
    headers = [(":status", "200"), ("content-type", "application/grpc")]
    trailers = [("grpc-status", str(status))]
    if response is None:
        connection.h2.send_headers(stream, headers + trailers, end_stream=True)
    else:
        connection.h2.send_headers(stream, headers)
        connection.send_message(stream, response, ends_stream=False)
        connection.h2.send_headers(stream, trailers, end_stream=True)
    connection.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tls_cert_file", type=Path)
    parser.add_argument("--tls_key_file", type=Path)
    arguments = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    context = None
    if arguments.tls_cert_file:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.tls_cert_file, arguments.tls_key_file)
        context.set_alpn_protocols(["h2"])
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        channel, _ = listener.accept()
        if context:
            channel = context.wrap_socket(channel, server_side=True)
        with channel:
            try:
                serve(Connection(channel, client_side=False))
            except OSError:
                # The client is gone, which ends its connection and no other.
                continue


if __name__ == "__main__":
    main()
