"""Connections that are not HTTP/2, or stop being it before the first call."""

import random
import socket
import struct

import pytest
from hyperframe.frame import PingFrame, SettingsFrame

from server import Server
from wire import DEADLINE_SECONDS, PREFACE, connected
from wire_checks import assert_connection_serves, assert_others_are_served

CLIENT_HELLO = bytes.fromhex(
    "16030100f8010000f40303" + "11" * 32 + "20" + "22" * 32 + "0026130213031301c02cc030009fcca9cca8ccaa"
)
SEED = random.SystemRandom().randrange(2**32)

NOT_HTTP2 = {
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.1 with an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "a TLS hello": CLIENT_HELLO + b"\0" * 200,
    "a line of text": b"hello\n" * 10,
    "zeros": b"\0" * 1000,
    "a wrong preface": PREFACE[:-1] + b"x" + SettingsFrame().serialize(),
    "a preface with no SETTINGS after it": PREFACE + PingFrame(0, b"12345678").serialize() * 4,
    "a preface and text": PREFACE + b"GET / HTTP/1.1\r\n\r\n",
    "a preface and HTTP/1.1's longest frame": PREFACE + b"\xff" * 100,
}


def exchange(server: Server, data: bytes) -> bytes:
    """Sends bytes, and reads until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), DEADLINE_SECONDS) as connection:
        received = b""
        try:
            connection.sendall(data)
            while chunk := connection.recv(65_536):
                received += chunk
        except ConnectionError:
            pass
        return received


@pytest.mark.parametrize("data", NOT_HTTP2.values(), ids=NOT_HTTP2.keys())
def test_what_is_not_http2_is_closed(shared_server, data):
    received = exchange(shared_server, data)
    # Whatever is said before the end is frames, and little.
    assert len(received) < 1000
    assert_others_are_served(shared_server)


@pytest.mark.parametrize("round", range(20))
def test_random_bytes_are_closed(shared_server, round):
    print(f"seed {SEED}, round {round}")
    source = random.Random(SEED + round)
    exchange(shared_server, source.randbytes(source.randrange(24, 5000)))
    assert_others_are_served(shared_server)


@pytest.mark.parametrize("round", range(20))
def test_random_bytes_after_a_preface_are_closed(shared_server, round):
    print(f"seed {SEED}, round {round}")
    source = random.Random(SEED + round)
    head = PREFACE + SettingsFrame().serialize()
    # A frame type and length that make the bytes wrong soon, whatever they are.
    exchange(shared_server, head + b"\x00\x40\x01" + source.randbytes(20_000))
    assert_others_are_served(shared_server)


@pytest.mark.parametrize("length", [0, 1, 10, len(PREFACE), len(PREFACE) + 5])
def test_a_connection_that_ends_early_leaves_nothing(shared_server, length):
    data = (PREFACE + SettingsFrame().serialize())[:length]
    with socket.create_connection(("127.0.0.1", shared_server.port), DEADLINE_SECONDS) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    assert_others_are_served(shared_server)


def test_a_connection_that_is_reset_leaves_nothing(shared_server):
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", shared_server.port), DEADLINE_SECONDS)
        connection.sendall(PREFACE + SettingsFrame().serialize())
        # Closing with a linger of zero sends RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    assert_others_are_served(shared_server)


def test_idle_connections_hold_up_nobody(shared_server):
    connections = [socket.create_connection(("127.0.0.1", shared_server.port), DEADLINE_SECONDS) for _ in range(200)]
    assert_others_are_served(shared_server)
    for connection in connections:
        connection.close()


def test_a_preface_a_byte_at_a_time_is_good(shared_server):
    with connected(shared_server) as wire:
        data = PingFrame(0, b"12345678").serialize()
        for i in range(len(data)):
            wire.send_bytes(data[i : i + 1])
        assert_connection_serves(wire)
        assert wire.pongs == [b"12345678"]
