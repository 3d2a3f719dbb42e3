"""Compressed messages: those of stock clients, and what stands on the wire."""

import gzip
import socket
import threading
import zlib
from contextlib import contextmanager

import grpc
import pytest
from grpc import Compression
from orchestration.session.v1.session_service_pb2_grpc import SessionServiceStub

from server import PATIENCE_SECONDS, Server
from sessions import create, draft, sessions_pb, struct
from wire import GET, connected, framed
from wire_checks import INTERNAL, OK, assert_connection_serves, assert_refused

TEXT = "compressible " * 1000
SAID = TEXT[:130].encode()


class Relay:
    """Stands between one client and the server, and keeps what each of them says."""

    def __init__(self, server: Server):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._server = server
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests, self.responses = bytearray(), bytearray()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection(("127.0.0.1", self._server.port)) as server:
            back = threading.Thread(target=self._pass, args=(server, client, self.responses))
            back.start()
            self._pass(client, server, self.requests)
            back.join()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, said: bytearray) -> None:
        try:
            while data := source.recv(65_536):
                said += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One of them has hung up, which the other is told by the end of the connection.
            return

    def close(self) -> None:
        self._thread.join(PATIENCE_SECONDS)
        self._listener.close()
        assert not self._thread.is_alive()


@contextmanager
def relayed(server: Server):
    relay = Relay(server)
    try:
        yield relay
    finally:
        relay.close()


@pytest.mark.parametrize(
    "compression", [Compression.Deflate, Compression.Gzip, Compression.NoCompression], ids=lambda value: value.name
)
def test_a_stock_client_compresses_and_is_answered_in_kind(shared_server, compression):
    request = sessions_pb.CreateSessionRequest(session=draft(metadata={"text": TEXT}))
    with relayed(shared_server) as relay:
        with grpc.insecure_channel(relay.address, compression=compression) as channel:
            created = SessionServiceStub(channel).CreateSession(request, timeout=PATIENCE_SECONDS).session
    assert created.metadata == struct({"text": TEXT})
    is_plain = compression == Compression.NoCompression
    assert (SAID in relay.requests) == is_plain
    assert (SAID in relay.responses) == is_plain


@pytest.mark.parametrize("encoding, codec", [("deflate", zlib), ("gzip", gzip)], ids=["deflate", "gzip"])
def test_a_compressed_request_gets_a_compressed_response(shared_server, encoding, codec):
    session = create(shared_server, metadata={"text": TEXT})
    request = sessions_pb.GetSessionRequest(session_id=session.id).SerializeToString()
    with connected(shared_server) as wire:
        body = framed(codec.compress(request), flag=1)
        answer = wire.call(GET, body, grpc_encoding=encoding, grpc_accept_encoding=f"identity,{encoding}")
    assert answer.grpc_status == OK
    assert answer.blocks[0]["grpc-encoding"] == encoding
    assert answer.data[0] == 1
    response = sessions_pb.GetSessionResponse.FromString(codec.decompress(answer.messages[0]))
    assert response.session == session


def test_deflate_is_the_format_of_zlib(shared_server):
    compressor = zlib.compressobj(wbits=-15)
    bare = compressor.compress(b"\x0a\x04name") + compressor.flush()
    with connected(shared_server) as wire:
        assert_refused(wire.call(GET, framed(bare, flag=1), grpc_encoding="deflate"), INTERNAL)
        assert_connection_serves(wire)
