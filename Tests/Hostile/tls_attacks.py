"""What comes to a server that speaks TLS, before and inside TLS."""

import socket
import ssl

from wire import PREFACE
from wire_bytes import ping, reset, settings

from attack import Category, Field
from connection_attacks import CLIENT_HELLO, SSL_V2_HELLO
from subject import TLS, headers

category = Category("TLS")

HELLO = PREFACE + settings()
SOON = ("--first-request-timeout", "300")
PATIENCE_SECONDS = 5


def client_hello() -> bytes:
    """The first flight of a real client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake with nobody")


def context(protocols: list[str] | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = version
    if protocols is None:
        protocols = ["h2"]
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


def connect(field: Field, made: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", field.port), PATIENCE_SECONDS)
    try:
        secure = made.wrap_socket(plain, server_hostname="localhost")
    except BaseException:
        plain.close()
        raise
    field.closes_later(secure)
    return secure


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes, after whatever it says."""
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except (ConnectionError, ssl.SSLError):
        pass
    return True


NOT_TLS = {
    "HTTP/2 without TLS": HELLO + headers(1),
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an SSL 2 hello": SSL_V2_HELLO,
    "a hello with a wrong length inside": CLIENT_HELLO + bytes(100),
    "a record of an impossible length": b"\x16\x03\x01\xff\xff" + bytes(70_000),
    "a record of application data": b"\x17\x03\x03\x00\x20" + bytes(32),
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "noise": bytes((i * i * 31 + i * 7919) >> 8 & 0xFF for i in range(10_000)),
}

for title, data in NOT_TLS.items():

    @category.attack(f"100 connections of {title}", *TLS)
    def not_tls(field: Field, data=data) -> None:
        for attacker in field.attackers(100, hello=data):
            assert attacker.ends_within(PATIENCE_SECONDS), "not closed"


WAITING = {
    "nothing": lambda: b"",
    "half a hello": lambda: client_hello()[:100],
    "a hello": client_hello,
    "a hello, and records without contents": lambda: client_hello() + b"\x14\x03\x03\x00\x01\x01",
}

for title, make in WAITING.items():

    @category.attack(f"200 connections that send {title} and then wait", *TLS, *SOON)
    def waiting(field: Field, make=make) -> None:
        data = make()
        for attacker in field.attackers(200, hello=data):
            assert attacker.ends_within(PATIENCE_SECONDS), "not closed"


@category.attack("a hello byte by byte, slowly", *TLS, *SOON)
def slow_hello(field: Field) -> None:
    attacker = field.attacker(hello=b"", acknowledges=False)
    for byte in client_hello():
        if attacker.ends_within(0.02) or not attacker.send(bytes([byte])):
            return
    assert attacker.ends_within(PATIENCE_SECONDS), "a drip puts the end off"


@category.attack("100 handshakes after which nothing comes", *TLS, *SOON)
def silent_handshakes(field: Field) -> None:
    connections = [connect(field, context()) for _ in range(100)]
    assert all(map(is_closed, connections)), "not closed"


@category.attack("200 handshakes, each closed at once", *TLS)
def handshakes(field: Field) -> None:
    for _ in range(200):
        connect(field, context()).close()


@category.attack("TLS 1.1", *TLS)
def old_version(field: Field) -> None:
    made = context(version=ssl.TLSVersion.TLSv1_1)
    made.minimum_version = ssl.TLSVersion.TLSv1
    made.set_ciphers("ALL:@SECLEVEL=0")
    try:
        connect(field, made)
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("it is spoken")


@category.attack("ALPN of HTTP/1.1", *TLS)
def other_protocol(field: Field) -> None:
    try:
        connection = connect(field, context(["http/1.1"]))
    except (ssl.SSLError, ConnectionError):
        return
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert is_closed(connection), "it is spoken"


FLOODS = {
    "calls that are cancelled": lambda: b"".join(headers(stream) + reset(stream) for stream in range(1, 20_000, 2)),
    "PING": lambda: ping() * 50_000,
}

for title, make in FLOODS.items():

    @category.attack(f"inside TLS: {title}", *TLS)
    def inside(field: Field, make=make) -> None:
        connection = connect(field, context())
        try:
            connection.sendall(HELLO + make())
        except (ConnectionError, ssl.SSLError):
            return
        assert is_closed(connection), "the flood is let through"


@category.attack("records of a byte each", *TLS)
def small_records(field: Field) -> None:
    connection = connect(field, context())
    for byte in HELLO + headers(1) * 20:
        try:
            connection.sendall(bytes([byte]))
        except (ConnectionError, ssl.SSLError):
            return


@category.attack("a TLS connection that ends without a farewell, 100 times", *TLS)
def no_farewell(field: Field) -> None:
    for _ in range(100):
        connection = connect(field, context())
        connection.sendall(HELLO + headers(1))
        socket.socket.close(connection)
