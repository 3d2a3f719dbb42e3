"""What hostile clients of the admin port cost: themselves, and nobody else."""

import os
import random
import select
import socket
import time

import pytest

from admin import ANYWHERE, Scrape, status
from pulse import until
from server import PATIENCE_SECONDS
from sessions import create, get

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


def connect(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.admin_port), timeout=PATIENCE_SECONDS)


def read_all(client: socket.socket) -> bytes:
    """What comes until the server closes, be it in order or not."""
    received = b""
    try:
        while piece := client.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


@pytest.fixture
def observed(start_server):
    server = start_server(*ANYWHERE, "--admin-timeout", "1000", "--admin-max-connections", "8")
    yield server
    # Whatever was done to it, it serves, calls and scrapes alike.
    get(server, create(server).id)
    assert status(server, "/readyz") == (200, "serving")
    assert Scrape(server).value("sessiond_ready") == 1


WRONG = {
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "a NUL in a field": b"GET / HTTP/1.1\r\nA: \0\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length and chunks": b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a field that goes on": b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
    "a long path": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "a long field": b"GET / HTTP/1.1\r\nA: " + b"a" * 20_000 + b"\r\n\r\n",
    "many fields": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
}


@pytest.mark.parametrize("request_bytes", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused_and_closed(observed, request_bytes):
    with connect(observed) as client:
        try:
            client.sendall(request_bytes)
        except (ConnectionResetError, BrokenPipeError):
            pass
        answer = read_all(client)
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answer[:100]


def test_random_bytes_are_refused(observed):
    generator = random.Random(1)
    for _ in range(200):
        request = bytearray(REQUEST)
        for _ in range(generator.randint(1, 8)):
            request[generator.randrange(len(request))] = generator.randrange(256)
        with connect(observed) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            read_all(client)


def test_who_says_nothing_is_closed_in_time(observed):
    began = time.monotonic()
    with connect(observed) as client:
        assert read_all(client) == b""
    assert 0.9 <= time.monotonic() - began < PATIENCE_SECONDS / 2


def test_who_says_little_at_a_time_gets_no_more_time(observed):
    began = time.monotonic()
    with connect(observed) as client:
        for byte in REQUEST:
            client.sendall(bytes([byte]))
            # There is something to read once the server has closed.
            if select.select([client], [], [], 0.1)[0]:
                break
        assert read_all(client) == b""
    assert 0.9 <= time.monotonic() - began < PATIENCE_SECONDS / 2


def test_who_does_not_read_is_closed_in_time(observed):
    files = len(os.listdir(f"/proc/{observed.pid}/fd"))
    clients = []
    for _ in range(8):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.connect(("127.0.0.1", observed.admin_port))
        client.sendall(REQUEST)
        clients.append(client)
    until(lambda: len(os.listdir(f"/proc/{observed.pid}/fd")) <= files)
    for client in clients:
        client.close()


def test_the_oldest_of_too_many_connections_gives_way(observed):
    clients = [connect(observed) for _ in range(8)]
    # All places are taken, and yet who comes with a request is answered.
    assert status(observed, "/readyz") == (200, "serving")
    assert read_all(clients[0]) == b""
    for client in clients:
        client.close()


def test_hundreds_of_connections_hold_no_more_than_there_may_be(observed):
    files = len(os.listdir(f"/proc/{observed.pid}/fd"))
    clients = []
    for _ in range(300):
        clients.append(connect(observed))
        assert len(os.listdir(f"/proc/{observed.pid}/fd")) <= files + 16
    assert status(observed, "/healthz") == (200, "alive")
    for client in clients:
        client.close()


def test_a_flood_of_content_is_cut_off(observed):
    with connect(observed) as client:
        client.sendall(b"POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000000\r\n\r\n")
        sent = 0
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while sent < 64 << 20:
                sent += client.send(bytes(65536))
    assert sent < 64 << 20


def test_an_answer_reaches_who_sent_more_than_was_asked(observed):
    with connect(observed) as client:
        client.sendall(REQUEST + bytes(1000))
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\n")


def test_who_has_said_all_still_hears(observed):
    with connect(observed) as client:
        client.sendall(REQUEST)
        client.shutdown(socket.SHUT_WR)
        head, _, content = read_all(client).partition(b"\r\n\r\n")
    assert f"content-length: {len(content)}".encode() in head
