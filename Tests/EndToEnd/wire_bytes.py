"""Frames (RFC 9113 chapter 4) and header blocks (RFC 7541) as bytes, so that each part of them can be wrong."""

import struct
from collections.abc import Iterable
from enum import IntEnum

from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
UNKNOWN_FRAME = 0x16
ACK, END_STREAM, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
WINDOW_MAX = 2**31 - 1
FRAME_BYTES_MAX = 1 << 14

_huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


class Setting(IntEnum):
    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", length: int | None = None) -> bytes:
    """A frame; `length` is what its header says where that differs from the payload's."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*entries: tuple[int, int]) -> bytes:
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *entry) for entry in entries))


def ping(payload: bytes = b"12345678", flags: int = 0) -> bytes:
    return frame(PING, flags, payload=payload)


def reset(stream: int, code: int = 8) -> bytes:
    return frame(RST_STREAM, stream=stream, payload=struct.pack(">I", code))


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, stream=stream, payload=struct.pack(">I", increment))


def priority(depends_on: int = 0, weight: int = 15, exclusive: bool = False) -> bytes:
    """The payload of PRIORITY, and what begins that of HEADERS with the flag PRIORITIZED."""
    return struct.pack(">IB", depends_on | exclusive << 31, weight)


def goaway(code: int = 0, last_stream: int = 0, data: bytes = b"") -> bytes:
    return frame(GOAWAY, payload=struct.pack(">II", last_stream, code) + data)


def integer(value: int, prefix_bits: int, first: int = 0) -> bytes:
    """An integer of RFC 7541 section 5.1 whose first byte also has the bits of `first`."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([first | value])
    encoded = bytearray([first | limit])
    value -= limit
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def text(value: str | bytes, huffman: bool = False) -> bytes:
    """A string literal of RFC 7541 section 5.2."""
    octets = value.encode() if isinstance(value, str) else value
    if huffman:
        octets = _huffman.encode(octets)
    return integer(len(octets), 7, 0x80 if huffman else 0) + octets


def indexed(index: int) -> bytes:
    return integer(index, 7, 0x80)


def literal(name: str | bytes | int, value: str | bytes, kind: int = 0x00, huffman: bool = False) -> bytes:
    """A literal field by name or by the name's index; `kind` is 0x40 with indexing, 0x00 without, 0x10 never."""
    prefix_bits = 6 if kind == 0x40 else 4
    head = integer(name, prefix_bits, kind) if isinstance(name, int) else bytes([kind]) + text(name, huffman)
    return head + text(value, huffman)


def table_size(value: int) -> bytes:
    return integer(value, 5, 0x20)


def block(fields: Iterable[tuple[str | bytes, str | bytes]]) -> bytes:
    """A header block that leaves the table as it is."""
    return b"".join(literal(name, value) for name, value in fields)
