"""Frames that break HTTP/2 (RFC 9113): the connection ends with the code that the RFC names, and no other does."""

import struct

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from wire import (
    COMPRESSION_ERROR,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GET,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    Wire,
    connected,
    request_headers,
)
from wire_checks import NOT_FOUND, assert_connection_serves, assert_others_are_served, get_body

HEADERS, DATA, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, WINDOW_UPDATE, CONTINUATION = (
    1, 0, 2, 3, 4, 5, 6, 8, 9,
)  # fmt: skip
END_STREAM, END_HEADERS, PADDED, ACK = 0x1, 0x4, 0x8, 0x1


def raw(kind: int, flags: int, stream: int, payload: bytes, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def headers(wire: Wire) -> bytes:
    return wire.encode(request_headers(GET))


WRONG = {
    "an oversized frame": (lambda wire: raw(DATA, 0, wire.open(), b"x" * 16_385), FRAME_SIZE_ERROR),
    "an oversized frame of no known kind": (lambda wire: raw(99, 0, 0, b"x" * 16_385), FRAME_SIZE_ERROR),
    "padding as long as its DATA": (lambda wire: raw(DATA, PADDED, wire.open(), b"\x05abcd"), PROTOCOL_ERROR),
    "padding as long as its HEADERS": (
        lambda wire: raw(HEADERS, PADDED | END_HEADERS, 1, b"\xff" + headers(wire)),
        PROTOCOL_ERROR,
    ),
    "DATA on an idle stream": (lambda wire: raw(DATA, 0, 5, b"abc"), PROTOCOL_ERROR),
    "DATA on the connection": (lambda wire: raw(DATA, 0, 0, b"abc"), PROTOCOL_ERROR),
    "HEADERS on the connection": (lambda wire: raw(HEADERS, END_HEADERS, 0, headers(wire)), PROTOCOL_ERROR),
    "HEADERS on an even stream": (lambda wire: raw(HEADERS, END_HEADERS, 2, headers(wire)), PROTOCOL_ERROR),
    "a reset of an idle stream": (lambda wire: raw(RST_STREAM, 0, 7, b"\0\0\0\x08"), PROTOCOL_ERROR),
    "a short reset": (lambda wire: raw(RST_STREAM, 0, wire.open(), b"\0\0\0"), FRAME_SIZE_ERROR),
    "a window opened by nothing": (lambda wire: raw(WINDOW_UPDATE, 0, 0, b"\0\0\0\0"), PROTOCOL_ERROR),
    "a window of an idle stream": (lambda wire: raw(WINDOW_UPDATE, 0, 9, b"\0\0\0\x01"), PROTOCOL_ERROR),
    "a short window update": (lambda wire: raw(WINDOW_UPDATE, 0, 0, b"\0\0\x01"), FRAME_SIZE_ERROR),
    "the connection's window past its limit": (
        lambda wire: raw(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"),
        FLOW_CONTROL_ERROR,
    ),
    "SETTINGS of a wrong length": (lambda wire: raw(SETTINGS, 0, 0, b"\0" * 5), FRAME_SIZE_ERROR),
    "SETTINGS on a stream": (lambda wire: raw(SETTINGS, 0, 1, b""), PROTOCOL_ERROR),
    "an acknowledgement with contents": (lambda wire: raw(SETTINGS, ACK, 0, b"\0" * 6), FRAME_SIZE_ERROR),
    "a window setting past its limit": (
        lambda wire: raw(SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31)),
        FLOW_CONTROL_ERROR,
    ),
    "a frame size setting below the least": (
        lambda wire: raw(SETTINGS, 0, 0, struct.pack(">HI", 5, 100)),
        PROTOCOL_ERROR,
    ),
    "a push setting of two": (lambda wire: raw(SETTINGS, 0, 0, struct.pack(">HI", 2, 2)), PROTOCOL_ERROR),
    "a short PING": (lambda wire: raw(PING, 0, 0, b"1234567"), FRAME_SIZE_ERROR),
    "a PING on a stream": (lambda wire: raw(PING, 0, 1, b"12345678"), PROTOCOL_ERROR),
    "a push": (lambda wire: raw(PUSH_PROMISE, END_HEADERS, wire.open(), b"\0\0\0\x02"), PROTOCOL_ERROR),
    "a CONTINUATION of nothing": (lambda wire: raw(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL_ERROR),
    "a frame between HEADERS and CONTINUATION": (
        lambda wire: raw(HEADERS, 0, 1, headers(wire)[:4]) + raw(PING, 0, 0, b"12345678"),
        PROTOCOL_ERROR,
    ),
    "a CONTINUATION of another stream": (
        lambda wire: raw(HEADERS, 0, 1, headers(wire)[:4]) + raw(CONTINUATION, END_HEADERS, 3, b""),
        PROTOCOL_ERROR,
    ),
    "a header index past the table": (lambda wire: raw(HEADERS, END_HEADERS, 1, b"\xff\xff\x0f"), COMPRESSION_ERROR),
    "a header that is cut": (lambda wire: raw(HEADERS, END_HEADERS, 1, b"\x40\x0aabc"), COMPRESSION_ERROR),
    "a header table over its limit": (
        lambda wire: raw(HEADERS, END_HEADERS, 1, b"\x3f\xe1\xff\x7f"),
        COMPRESSION_ERROR,
    ),
    "a wrong Huffman code": (
        lambda wire: raw(HEADERS, END_HEADERS, 1, b"\x40\x84\xff\xff\xff\xff\x01a"),
        COMPRESSION_ERROR,
    ),
}


@pytest.mark.parametrize("data, code", WRONG.values(), ids=WRONG.keys())
def test_a_frame_that_breaks_the_protocol_ends_its_connection(shared_server, data, code):
    with connected(shared_server) as wire:
        wire.send_bytes(data(wire))
        assert wire.end() == code
    assert_others_are_served(shared_server)


def test_a_stream_number_that_goes_back_starts_no_call(shared_server):
    with connected(shared_server) as wire:
        unused = wire.new_stream()
        stream = wire.open()
        wire.send(HeadersFrame(unused, headers(wire), flags=["END_HEADERS"]))
        wire.send_data(stream, get_body())
        # The RFC would have the connection end; nghttp2 passes over what comes too late.
        wire.read_until(lambda: wire.is_closed or wire.answers[stream].is_over)
        assert not wire.answers[unused].blocks
    assert_others_are_served(shared_server)


def test_data_that_heeds_no_window_ends_its_call_or_its_connection(shared_server):
    with connected(shared_server) as wire:
        stream = wire.open()
        try:
            wire.send(DataFrame(stream, b"\0\x00\x00\x00\x01x"))
            for _ in range(16 << 20 >> 14):
                wire.send(DataFrame(stream, b"x" * 16_384))
        except ConnectionError:
            pass
        wire.read_until(lambda: wire.is_closed or wire.answers[stream].is_over)
        assert wire.answers[stream].grpc_status != 0
        assert wire.goaway in (None, FLOW_CONTROL_ERROR)
    assert_others_are_served(shared_server)


def test_a_streams_window_past_its_limit_ends_the_stream_only(shared_server):
    with connected(shared_server) as wire:
        stream = wire.open()
        wire.send(WindowUpdateFrame(stream, 2**31 - 1))
        assert wire.answer(stream).reset == FLOW_CONTROL_ERROR
        assert_connection_serves(wire)
    assert_others_are_served(shared_server)


def test_data_after_the_end_of_a_stream_is_refused(shared_server):
    with connected(shared_server) as wire:
        stream = wire.open()
        wire.send(
            DataFrame(stream, get_body(), flags=["END_STREAM"]), DataFrame(stream, get_body(), flags=["END_STREAM"])
        )
        wire.read_until(lambda: wire.is_closed or wire.answers[stream].is_over)
        assert wire.goaway in (None, STREAM_CLOSED, PROTOCOL_ERROR)
    assert_others_are_served(shared_server)


UNUSUAL = {
    "a frame of no known kind": lambda wire: raw(200, 0xFF, 1, b"whatever"),
    "an unknown setting": lambda wire: SettingsFrame(settings={99: 7}).serialize(),
    "a priority": lambda wire: PriorityFrame(1, depends_on=3, stream_weight=9, exclusive=True).serialize(),
    "a PING": lambda wire: PingFrame(0, b"87654321").serialize(),
    "a larger table": lambda wire: SettingsFrame(settings={1: 65_536}).serialize(),
    "no table": lambda wire: SettingsFrame(settings={1: 0}).serialize(),
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_what_is_unusual_but_allowed_disturbs_nothing(shared_server, data):
    with connected(shared_server) as wire:
        wire.send_bytes(data(wire))
        assert_connection_serves(wire)


def test_headers_in_pieces_and_padded_data_are_good(shared_server):
    with connected(shared_server) as wire:
        stream = wire.new_stream()
        block = headers(wire)
        wire.send(HeadersFrame(stream, block[:1]))
        wire.send(ContinuationFrame(stream, b""))
        wire.send(ContinuationFrame(stream, block[1:20]))
        wire.send(ContinuationFrame(stream, block[20:], flags=["END_HEADERS"]))
        for byte in get_body():
            wire.send(DataFrame(stream, bytes([byte]), flags=["PADDED"], pad_length=100))
        wire.send(DataFrame(stream, b"", flags=["END_STREAM"]))
        assert wire.answer(stream).grpc_status == NOT_FOUND


def test_trailers_of_a_request_are_good(shared_server):
    with connected(shared_server) as wire:
        stream = wire.open()
        wire.send(DataFrame(stream, get_body()))
        wire.send(HeadersFrame(stream, wire.encode([("x-checksum", "1")]), flags=["END_HEADERS", "END_STREAM"]))
        assert wire.answer(stream).grpc_status == NOT_FOUND
        assert_connection_serves(wire)


def test_a_reset_stream_leaves_its_connection_working(shared_server):
    with connected(shared_server) as wire:
        stream = wire.open()
        wire.send(DataFrame(stream, get_body()[:10]), RstStreamFrame(stream, 8))
        assert_connection_serves(wire)
