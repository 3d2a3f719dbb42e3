"""Requests that are small on the wire and large to work on."""

import gzip
import struct

from google.protobuf.struct_pb2 import Value
from orchestration.session.v1 import session_service_pb2 as sessions_pb
from wire import CREATE, LIST, WATCH, framed
from wire_bytes import DATA, END_STREAM, HEADERS, frame, reset

from attack import Category, Field
from attacker import Attacker
from subject import MIB, headers, request

category = Category("messages")
SEARCH = "/orchestration.session.v1.SessionService/SearchSessions"


def call(attacker: Attacker, stream: int, path: str, body: bytes, **changes: str) -> None:
    # Windows are known once the server's SETTINGS are there.
    attacker.settle()
    attacker.send(headers(stream, path, **changes))
    attacker.send_message(stream, body)


def varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def field_of(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def nested(depth: int, wrap) -> bytes:
    value = b""
    for _ in range(depth):
        value = wrap(value)
    return value


def in_struct(value: bytes) -> bytes:
    """A Value that holds a Struct whose one entry has this value."""
    return field_of(5, field_of(1, field_of(1, b"a") + field_of(2, value)))


def metadata(value: bytes) -> bytes:
    """A CreateSessionRequest whose session's metadata has this one value."""
    return field_of(1, field_of(6, field_of(1, field_of(1, b"a") + field_of(2, value))))


BOMBS = {
    "nesting of 5,000 levels": lambda: metadata(nested(5_000, in_struct)),
    "lists of lists, 20,000 levels": lambda: metadata(nested(20_000, lambda value: field_of(6, field_of(1, value)))),
    "empty submessages, 2 bytes each": lambda: field_of(1, b"\x62\x00" * (MIB // 2)),
    "empty texts, 2 bytes each": lambda: field_of(1, b"\x3a\x00" * MIB),
    "empty values, 2 bytes each": lambda: metadata(field_of(6, b"\x0a\x00" * MIB)),
    "a submessage merged again and again": lambda: field_of(1, field_of(6, field_of(1, field_of(1, b"a"))) * 100_000),
    "a session merged again and again": lambda: field_of(1, b"\x3a\x00") * 300_000,
    "unknown fields": lambda: field_of(1, b"\xc2\x3e\x00" * MIB),
    "unknown groups": lambda: field_of(1, b"\xc3\x3e" * MIB),
    "a varint of 10 bytes, again and again": lambda: field_of(1, (b"\x10" + b"\xff" * 9 + b"\x01") * 200_000),
    "text that is no UTF-8 at its end": lambda: field_of(1, field_of(3, b"a" * 3 * MIB + b"\xff")),
    "100,000 capabilities": lambda: field_of(1, field_of(7, b"x") * 100_000),
    "a map of 100,000 entries": lambda: field_of(
        1, b"".join(field_of(9, field_of(1, str(i).encode()) + b"\x12\x00") for i in range(100_000))
    ),
    "noise": lambda: bytes((i * i * 31 + i * 7919) >> 8 & 0xFF for i in range(MIB)),
}

for title, make in BOMBS.items():

    @category.attack(f"in a request: {title}")
    def bomb(field: Field, make=make) -> None:
        body = framed(make())
        attacker = field.attacker()
        for stream in (1, 3, 5, 7):
            call(attacker, stream, CREATE, body)
        assert attacker.read_until(lambda: attacker.frames[HEADERS] >= 4), "not all calls are answered"


LIES = {
    "a length of 4 GiB": b"\0\xff\xff\xff\xff" + b"x" * 100,
    "a length one above the limit": b"\0" + struct.pack(">I", 4 * MIB + 1) + b"x" * 100,
    "a length shorter than the message": b"\0\0\0\0\x01" + bytes(1000),
    "a flag of 2": b"\2\0\0\0\1x",
    "a gzip bomb that no encoding announces": b"\1" + framed(gzip.compress(bytes(4 * MIB)))[1:],
    "10,000 messages where one is expected": framed(b"") * 10_000,
}

for title, body in LIES.items():

    @category.attack(f"on 900 streams: {title}")
    def lie(field: Field, body=body) -> None:
        attacker = field.attacker()
        attacker.send(
            b"".join(headers(stream) + frame(DATA, END_STREAM, stream, body[:16_384]) for stream in range(1, 1800, 2))
        )
        attacker.expect_open()


@category.attack("gzip bombs of 1 to 1,000")
def gzip_bombs(field: Field) -> None:
    body = b"\1" + framed(gzip.compress(bytes(64 * MIB), 6))[1:]
    attacker = field.attacker()
    for stream in range(1, 2 * 50, 2):
        call(attacker, stream, CREATE, body, grpc_encoding="gzip")
    attacker.expect_open()


@category.attack("lengths of 4 MiB announced on 1,000 streams, and nothing more")
def announced(field: Field) -> None:
    attacker = field.attacker()
    prefix = b"\0" + struct.pack(">I", 4 * MIB)
    attacker.send(b"".join(headers(stream) + frame(DATA, 0, stream, prefix) for stream in range(1, 2000, 2)))
    attacker.expect_open()
    grown = field.subject.peak_bytes()
    assert grown < 400 * MIB, f"{grown / MIB:.0f} MiB are set aside"


@category.attack("a watch with a million filters")
def wide_watch(field: Field) -> None:
    body = framed(b"\x12\x01x" * 1_000_000)
    attacker = field.attacker()
    for stream in (1, 3):
        call(attacker, stream, WATCH, body)
    attacker.expect_open()


CONDITIONS = {
    "100,000 parentheses": lambda: ("(" * 100_000 + "name = 'a'" + ")" * 100_000, []),
    "100,000 times NOT": lambda: ("NOT " * 100_000 + "name = 'a'", []),
    "50,000 conditions": lambda: (" OR ".join(["name = 'a'"] * 50_000), []),
    "a pattern of 1,000 wildcards": lambda: (f"name LIKE '{'%a' * 1_000}'", []),
    "a text of 1 MB": lambda: (f"name = '{'a' * MIB}'", []),
    "a list of 50,000 marks": lambda: (f"status IN ({','.join('?' * 50_000)})", ["ACTIVE"] * 50_000),
    "another statement": lambda: ("name = 'a'; DROP TABLE sessions; --", []),
    "noise": lambda: ("'\"`\\%_;--/**/\u0001\ud7ff" * 10_000, []),
}

for title, make in CONDITIONS.items():

    @category.attack(f"a list whose condition has {title}")
    def condition(field: Field, make=make) -> None:
        where, values = make()
        message = sessions_pb.ListSessionsRequest(where=where, params=[Value(string_value=value) for value in values])
        body = framed(message.SerializeToString())
        attacker = field.attacker()
        for stream in (1, 3, 5, 7):
            call(attacker, stream, LIST, body)
        assert attacker.read_until(lambda: attacker.frames[HEADERS] >= 4), "not all lists are answered"


@category.attack("page tokens that are guessed")
def page_tokens(field: Field) -> None:
    bodies = [
        framed(sessions_pb.ListSessionsRequest(page_token=f"{'A' * (i % 90)}{i:08x}").SerializeToString())
        for i in range(2_000)
    ]
    attacker = field.attacker()
    for start in range(0, 2_000, 500):
        numbers = range(start, start + 500)
        attacker.send(b"".join(request(2 * i + 1, LIST, bodies[i]) for i in numbers))
        assert attacker.read_until(lambda end=start + 500: attacker.frames[HEADERS] >= end), (
            "not all lists are answered"
        )


@category.attack("searches for 100 KB of words")
def long_searches(field: Field) -> None:
    body = framed(sessions_pb.SearchSessionsRequest(query='word* OR "a" NEAR(' * 5_000).SerializeToString())
    attacker = field.attacker()
    for stream in (1, 3, 5, 7):
        call(attacker, stream, SEARCH, body)
    assert attacker.read_until(lambda: attacker.frames[HEADERS] >= 4), "not all searches are answered"


@category.attack("lists and searches beyond what can run at once")
def many_lists(field: Field) -> None:
    long_list = framed(sessions_pb.ListSessionsRequest(where="name LIKE '%o%o%'", page_size=1).SerializeToString())
    search = framed(sessions_pb.SearchSessionsRequest(query="short").SerializeToString())
    for attacker in field.attackers(4):
        attacker.send(
            b"".join(
                request(stream, LIST, long_list) + request(stream + 2, SEARCH, search) for stream in range(1, 800, 4)
            )
        )


@category.attack("DATA after the end of the request")
def data_after_end(field: Field) -> None:
    for attacker in field.attackers(50):
        attacker.send(request(1) + frame(DATA, 0, 1, bytes(16_000)) * 20)


@category.attack("halves of 1,000 requests, then resets")
def halves(field: Field) -> None:
    attacker = field.attacker()
    body = framed(bytes(30_000))[:16_000]
    attacker.send(b"".join(headers(stream) + frame(DATA, 0, stream, body) for stream in range(1, 1600, 2)))
    attacker.send(b"".join(reset(stream) for stream in range(1, 1600, 2)))
    attacker.expect_open()


@category.attack("halves of large requests on 64 streams")
def large_halves(field: Field) -> None:
    attacker = field.attacker()
    body = framed(bytes(4 * MIB - 5))[: 4 * MIB - 16_384]
    attacker.settle()
    attacker.send(b"".join(map(headers, range(1, 128, 2))))
    for stream in range(1, 128, 2):
        attacker.send_message(stream, body, end=False)
