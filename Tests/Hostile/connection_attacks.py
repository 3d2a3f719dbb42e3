"""Connections that are no HTTP/2, are too many, or say nothing."""

import socket

from wire import PREFACE, WATCH, framed
from wire_bytes import CONTINUATION, DATA, HEADERS, frame, settings

from attack import Category, Field
from subject import headers, request

category = Category("connections")

HELLO = PREFACE + settings()
# A TLS 1.2 ClientHello's record and first bytes.
CLIENT_HELLO = bytes.fromhex("16030100f8010000f40303") + b"\x11" * 32 + b"\x20" + b"\x22" * 32 + bytes(150)
SSL_V2_HELLO = bytes.fromhex("802e0100020015000000100700c00300800100800600400200800400800000") + b"\x33" * 17

SILENT = {
    "nothing": b"",
    "half a preface": PREFACE[:12],
    "a preface": PREFACE,
    "a preface and SETTINGS": HELLO,
    "half a frame": HELLO + frame(DATA, length=16_000)[:5],
    "half of its headers": HELLO + frame(HEADERS, 0, 1, b"\x82"),
    "CONTINUATION that does not come to an end": HELLO + frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1) * 10,
    "headers without their request": HELLO + headers(1),
    "half a request": HELLO + headers(1) + frame(DATA, 0, 1, b"\0\0\x01\0\0half"),
    "a call, and then nothing": HELLO + request(1),
    "a watch, and then nothing": HELLO + request(1, WATCH, framed(b"")),
}

for title, data in SILENT.items():

    @category.attack(f"300 connections that send {title}")
    def silent(field: Field, data=data) -> None:
        field.attackers(300, hello=data)


@category.attack("100 connections that send a preface byte by byte")
def slow_prefaces(field: Field) -> None:
    attackers = field.attackers(100, hello=b"", acknowledges=False)
    for byte in PREFACE + settings():
        for attacker in attackers:
            attacker.send(bytes([byte]))
    for attacker in attackers:
        assert attacker.settle(), "a preface in pieces is a preface"


@category.attack("100 connections that send a request byte by byte")
def slow_requests(field: Field) -> None:
    attackers = field.attackers(100, acknowledges=False)
    for byte in request(1):
        for attacker in attackers:
            attacker.send(bytes([byte]))
    for attacker in attackers:
        assert attacker.settle(), "a request in pieces is a request"


NOT_HTTP2 = {
    "a TLS hello": CLIENT_HELLO,
    "half a TLS hello": CLIENT_HELLO[:20],
    "an SSL 2 hello": SSL_V2_HELLO,
    "a TLS hello with an impossible length": b"\x16\x03\x01\xff\xff" + bytes(1000),
    "a wish to renegotiate": bytes.fromhex("1603030004000000001503030002022800"),
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/1.1 with a header without end": b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000,
    "an upgrade from HTTP/1.1": b"GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
    "zeros": bytes(100_000),
    "noise": bytes((i * i * 31 + i * 7919) >> 8 & 0xFF for i in range(10_000)),
    "noise after a preface": HELLO + bytes((i * i * 17 + i * 7919) >> 8 & 0xFF for i in range(10_000)),
}

for title, data in NOT_HTTP2.items():

    @category.attack(f"100 connections of {title}")
    def not_http2(field: Field, data=data) -> None:
        for _ in range(100):
            attacker = field.attacker(hello=data)
            # Half of something might still become a preface; all else is closed.
            if len(data) >= len(PREFACE):
                assert attacker.ends_within(5), "not closed"


@category.attack("1,000 connections that come and go")
def churn(field: Field) -> None:
    for _ in range(1_000):
        socket.create_connection(("127.0.0.1", field.port)).close()


@category.attack("500 connections that are reset with calls under way")
def abrupt_ends(field: Field) -> None:
    data = b"".join(request(stream, WATCH, framed(b"")) for stream in range(1, 20, 2))
    for _ in range(500):
        field.attacker(hello=HELLO + data).close(abruptly=True)


@category.attack("500 connections that close with their calls just sent")
def pipelined_and_closed(field: Field) -> None:
    data = b"".join(request(stream) for stream in range(1, 40, 2))
    for _ in range(500):
        field.attacker(hello=HELLO + data).close()


@category.attack("100 connections that close their half and read on")
def half_closed(field: Field) -> None:
    data = b"".join(request(stream) for stream in range(1, 40, 2))
    attackers = field.attackers(100, hello=HELLO + data)
    for attacker in attackers:
        attacker.socket.shutdown(socket.SHUT_WR)
    for attacker in attackers:
        assert attacker.ends_within(5), "not closed"


@category.attack("100 connections that end inside a request")
def cut_requests(field: Field) -> None:
    data = HELLO + request(1)
    for length in range(100):
        field.attacker(hello=data[: -1 - length]).close()


@category.attack("6,000 streams at once where 1,000 are allowed")
def too_many_streams(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(b"".join(map(headers, range(1, 12_000, 2))))
    assert not attacker.settle() or sum(attacker.resets.values()) >= 5_000, "streams beyond the limit are taken"


@category.attack("1,000 watches on each of 5 connections")
def many_watches(field: Field) -> None:
    for attacker in field.attackers(5):
        attacker.send(b"".join(request(stream, WATCH, framed(b"")) for stream in range(1, 2_000, 2)))
        attacker.expect_open()


@category.attack("200 connections where 50 are allowed", "--max-connections", "50")
def too_many_connections(field: Field) -> None:
    attackers = field.attackers(200)
    # The stock client's connection is one of the 50.
    turned_away = [attacker for attacker in attackers if not attacker.settle()]
    assert len(turned_away) >= 150, f"{200 - len(turned_away)} connections are served"
