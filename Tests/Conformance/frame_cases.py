"""RFC 9113 sections 6 and 7: each kind of frame, settings and windows aside, and the error codes."""

from case import Table
from peer import Peer
from wire import FRAME_SIZE_ERROR, PROTOCOL_ERROR
from wire_bytes import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITIZED,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    UNKNOWN_FRAME,
    frame,
    goaway,
    ping,
    priority,
    reset,
    settings,
    window_update,
)

table = Table("9113")

# 6.1 DATA

table.connection_errors(
    "6.1",
    {
        "DATA on the connection": (lambda peer: peer.data(0), PROTOCOL_ERROR),
        "DATA whose padding is as long as the frame": (
            lambda peer: peer.headers(1) + frame(DATA, PADDED | END_STREAM, 1, b"\x05Test"),
            PROTOCOL_ERROR,
        ),
        "DATA whose padding is longer than the frame": (
            lambda peer: peer.headers(1) + frame(DATA, PADDED | END_STREAM, 1, b"\xffTest"),
            PROTOCOL_ERROR,
        ),
    },
)
table.stream_errors(
    "6.1",
    {
        "padded DATA without a length of padding": (
            lambda peer: peer.headers(1) + frame(DATA, PADDED | END_STREAM, 1),
            FRAME_SIZE_ERROR,
            PROTOCOL_ERROR,
        )
    },
)
table.answered(
    "6.1",
    {
        "DATA": lambda peer: peer.request(1),
        "DATA a byte at a time": lambda peer: (
            peer.headers(1)
            + b"".join(peer.data(1, peer.body[i : i + 1], end=False) for i in range(len(peer.body)))
            + peer.data(1, b"")
        ),
        "DATA with padding": lambda peer: (
            peer.headers(1) + frame(DATA, PADDED | END_STREAM, 1, b"\x05" + peer.body + bytes(5))
        ),
        "DATA with padding of no bytes": lambda peer: (
            peer.headers(1) + frame(DATA, PADDED | END_STREAM, 1, b"\0" + peer.body)
        ),
        "DATA that is nothing but padding": lambda peer: (
            peer.headers(1) + frame(DATA, PADDED, 1, b"\xff" + bytes(255)) + peer.data(1)
        ),
        "empty DATA": lambda peer: peer.headers(1) + frame(DATA, 0, 1) * 10 + peer.data(1),
    },
)


@table.case("6.1", "the bytes of padding count, and are given back")
def padding_is_given_back(peer: Peer) -> None:
    # More than the window of a stream and of the connection.
    padding = frame(DATA, PADDED, 1, b"\xff" + bytes(255))
    peer.new_stream()
    peer.try_to_send(peer.headers(1))
    for _ in range(40):
        peer.try_to_send(padding * 100)
        peer.settle()
    peer.try_to_send(peer.data(1))
    peer.expect_answer(1)


# 6.2 HEADERS

table.connection_errors(
    "6.2",
    {
        "HEADERS on the connection": (lambda peer: peer.headers(0), PROTOCOL_ERROR),
        "HEADERS whose padding is as long as the frame": (
            lambda peer: frame(HEADERS, PADDED | END_HEADERS, 1, bytes([len(peer.block) + 1]) + peer.block),
            PROTOCOL_ERROR,
        ),
        "HEADERS whose padding leaves no priority": (
            lambda peer: frame(HEADERS, PADDED | PRIORITIZED | END_HEADERS, 1, b"\x05" + bytes(5)),
            PROTOCOL_ERROR,
        ),
        "HEADERS too short for their priority": (
            lambda peer: frame(HEADERS, PRIORITIZED | END_HEADERS, 1, bytes(4)),
            FRAME_SIZE_ERROR,
        ),
        "padded HEADERS without a length of padding": (
            lambda peer: frame(HEADERS, PADDED | END_HEADERS, 1),
            FRAME_SIZE_ERROR,
            PROTOCOL_ERROR,
        ),
    },
)
table.answered(
    "6.2",
    {
        "HEADERS with padding": lambda peer: (
            frame(HEADERS, PADDED | END_HEADERS, 1, b"\x08" + peer.block + bytes(8)) + peer.data(1)
        ),
        "HEADERS with padding and a priority": lambda peer: (
            frame(HEADERS, PADDED | PRIORITIZED | END_HEADERS, 1, b"\x08" + priority() + peer.block + bytes(8))
            + peer.data(1)
        ),
        "HEADERS without a block, and CONTINUATION": lambda peer: (
            frame(HEADERS, 0, 1) + frame(CONTINUATION, END_HEADERS, 1, peer.block) + peer.data(1)
        ),
        "HEADERS with END_STREAM that end with CONTINUATION, after DATA": lambda peer: (
            peer.headers(1)
            + peer.data(1, end=False)
            + frame(HEADERS, END_STREAM, 1)
            + frame(CONTINUATION, END_HEADERS, 1)
        ),
    },
)
table.stream_errors("6.2", {"HEADERS without fields": (lambda peer: frame(HEADERS, END_HEADERS, 1), PROTOCOL_ERROR)})

# 6.3 PRIORITY, 6.4 RST_STREAM

table.connection_errors(
    "6.3", {"PRIORITY on the connection": (lambda peer: frame(PRIORITY, 0, 0, priority()), PROTOCOL_ERROR)}
)
table.stream_errors(
    "6.3",
    {
        f"PRIORITY of {size} bytes": (
            lambda peer, size=size: peer.headers(1) + frame(PRIORITY, 0, 1, bytes(size)),
            FRAME_SIZE_ERROR,
        )
        for size in (0, 4, 6)
    },
)
table.connection_errors(
    "6.4",
    {"RST_STREAM on the connection": (lambda peer: reset(0), PROTOCOL_ERROR)}
    | {
        f"RST_STREAM of {size} bytes": (
            lambda peer, size=size: peer.headers(1) + frame(RST_STREAM, 0, 1, bytes(size)),
            FRAME_SIZE_ERROR,
        )
        for size in (0, 3, 5)
    },
)

# 6.6 PUSH_PROMISE

table.connection_errors(
    "6.6",
    {
        "PUSH_PROMISE from a client": (
            lambda peer: peer.headers(1) + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + peer.block),
            PROTOCOL_ERROR,
        ),
        "PUSH_PROMISE on the connection": (
            lambda peer: frame(PUSH_PROMISE, END_HEADERS, 0, b"\0\0\0\x02" + peer.block),
            PROTOCOL_ERROR,
        ),
    },
)

# 6.7 PING


@table.case("6.7", "PING comes back with what was in it")
def ping_comes_back(peer: Peer) -> None:
    peer.try_to_send(ping(b"h\0\xff\x01sing") + ping(b"second!!"))
    peer.read_until(lambda: len(peer.pongs) == 2 or peer.is_closed)
    assert peer.pongs == [b"h\0\xff\x01sing", b"second!!"], f"{peer.pongs}"


@table.case("6.7", "an acknowledgement is not answered")
def ping_acknowledgement(peer: Peer) -> None:
    peer.try_to_send(ping(b"invalid!", ACK) + ping(b"answered"))
    peer.read_until(lambda: peer.pongs or peer.is_closed)
    peer.settle()
    assert peer.pongs[0] == b"answered" and b"invalid!" not in peer.pongs, f"{peer.pongs}"


table.connection_errors(
    "6.7",
    {"PING on a stream": (lambda peer: frame(PING, 0, 1, bytes(8)), PROTOCOL_ERROR)}
    | {
        f"PING of {size} bytes": (lambda peer, size=size: frame(PING, payload=bytes(size)), FRAME_SIZE_ERROR)
        for size in (0, 6, 7, 9)
    },
)

# 6.8 GOAWAY

table.connection_errors(
    "6.8",
    {
        "GOAWAY on a stream": (lambda peer: frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL_ERROR),
        "GOAWAY of 7 bytes": (lambda peer: frame(GOAWAY, payload=bytes(7)), FRAME_SIZE_ERROR),
    },
)


@table.case("6.8", "what was asked before GOAWAY is answered after it", opens_windows=False)
def answers_after_goaway(peer: Peer) -> None:
    peer.try_to_send(peer.request(1) + goaway(data=b"leaving"))
    peer.expect_answer(1)


# 6.10 CONTINUATION

INTERRUPTIONS = {
    "DATA": lambda peer: peer.data(1),
    "HEADERS": lambda peer: peer.headers(1),
    "PRIORITY": lambda peer: frame(PRIORITY, 0, 1, priority()),
    "RST_STREAM": lambda peer: reset(1),
    "SETTINGS": lambda peer: settings(),
    "PING": lambda peer: ping(),
    "GOAWAY": lambda peer: goaway(),
    "WINDOW_UPDATE": lambda peer: window_update(0, 1),
    "an unknown frame": lambda peer: frame(UNKNOWN_FRAME),
    "CONTINUATION of another stream": lambda peer: frame(CONTINUATION, END_HEADERS, 3),
    "CONTINUATION on the connection": lambda peer: frame(CONTINUATION, END_HEADERS, 0),
}
table.connection_errors(
    "6.10",
    {
        f"{name} before the last CONTINUATION": (
            lambda peer, data=data: (
                frame(HEADERS, 0, 1, peer.block[:5])
                + frame(CONTINUATION, 0, 1, peer.block[5:10])
                + data(peer)
                + frame(CONTINUATION, END_HEADERS, 1, peer.block[10:])
            ),
            PROTOCOL_ERROR,
        )
        for name, data in INTERRUPTIONS.items()
    }
    | {
        "CONTINUATION after HEADERS with END_HEADERS": (
            lambda peer: peer.headers(1) + frame(CONTINUATION, END_HEADERS, 1),
            PROTOCOL_ERROR,
        ),
        "CONTINUATION after CONTINUATION with END_HEADERS": (
            lambda peer: frame(HEADERS, 0, 1, peer.block) + frame(CONTINUATION, END_HEADERS, 1) * 2,
            PROTOCOL_ERROR,
        ),
        "CONTINUATION after DATA": (
            lambda peer: peer.headers(1) + peer.data(1, end=False) + frame(CONTINUATION, END_HEADERS, 1),
            PROTOCOL_ERROR,
        ),
        "CONTINUATION first of all": (lambda peer: frame(CONTINUATION, END_HEADERS, 0, peer.block), PROTOCOL_ERROR),
    },
)
table.answered(
    "6.10",
    {
        "a header block in three frames": lambda peer: (
            frame(HEADERS, 0, 1, peer.block[:5])
            + frame(CONTINUATION, 0, 1, peer.block[5:10])
            + frame(CONTINUATION, END_HEADERS, 1, peer.block[10:])
            + peer.data(1)
        ),
        "CONTINUATION without contents": lambda peer: (
            frame(HEADERS, 0, 1, peer.block)
            + frame(CONTINUATION, 0, 1)
            + frame(CONTINUATION, END_HEADERS, 1)
            + peer.data(1)
        ),
    },
)

# 7 error codes

table.harmless("7", {"RST_STREAM with an unknown code": lambda peer: peer.headers(1) + reset(1, 0xFF)})


@table.case("7", "GOAWAY with an unknown code")
def unknown_code(peer: Peer) -> None:
    peer.try_to_send(goaway(0xFF) + ping(b"answered"))
    peer.read_until(lambda: peer.pongs or peer.is_closed)
    assert not peer.goaway, peer.seen()
