"""RFC 9113 section 5: stream states, identifiers, concurrency, priority, errors, extensions."""

from case import Table
from peer import Peer
from wire import CANCEL, PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED
from wire_bytes import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PRIORITIZED,
    PRIORITY,
    PUSH_PROMISE,
    UNKNOWN_FRAME,
    WINDOW_MAX,
    Setting,
    frame,
    ping,
    priority,
    reset,
    settings,
    window_update,
)

table = Table("9113")

# No answer can end while the window is closed.
CLOSED_WINDOW = {Setting.INITIAL_WINDOW_SIZE: 0}


def on_half_closed(title: str, late, codes: tuple[int, ...] | None) -> None:
    """What comes on a stream after its END_STREAM; no codes where it must be taken."""

    @table.case("5.1", f"half-closed (remote): {title}", settings=CLOSED_WINDOW)
    def check(peer: Peer) -> None:
        peer.new_stream()
        peer.try_to_send(peer.request(1) + late(peer))
        if codes:
            return peer.expect_stream_error(1, *codes)
        peer.settle()
        peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 1 << 20)))
        peer.expect_service()


def on_closed(title: str, late, codes: tuple[int, ...] | None, by_reset: bool) -> None:
    """What comes on a stream that is over, because both ends have ended it or because the client reset it."""
    state = "closed by the client's RST_STREAM" if by_reset else "closed"

    @table.case("5.1", f"{state}: {title}")
    def check(peer: Peer) -> None:
        peer.new_stream()
        if by_reset:
            peer.try_to_send(peer.headers(1) + reset(1))
        else:
            peer.try_to_send(peer.request(1))
            peer.expect_answer(1)
        peer.settle()
        peer.answers.pop(1, None)
        peer.try_to_send(late(peer))
        if codes:
            return peer.expect_stream_error(1, *codes)
        peer.settle()
        peer.expect_service()


# Streams are idle until their first HEADERS.
table.connection_errors(
    "5.1",
    {
        "idle: DATA": (lambda peer: peer.data(1), PROTOCOL_ERROR),
        "idle: RST_STREAM": (lambda peer: reset(1), PROTOCOL_ERROR),
        "idle: WINDOW_UPDATE": (lambda peer: window_update(1, 100), PROTOCOL_ERROR),
        "idle: CONTINUATION": (lambda peer: frame(CONTINUATION, END_HEADERS, 1, peer.block), PROTOCOL_ERROR),
        "idle: PUSH_PROMISE": (
            lambda peer: frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + peer.block),
            PROTOCOL_ERROR,
        ),
        "idle: RST_STREAM of the server's streams": (lambda peer: reset(2), PROTOCOL_ERROR),
        "idle: WINDOW_UPDATE of the server's streams": (lambda peer: window_update(2, 100), PROTOCOL_ERROR),
    },
)
table.harmless("5.1", {"idle: PRIORITY": lambda peer: frame(PRIORITY, 0, 101, priority())})
table.harmless(
    "5.1",
    {
        "open: RST_STREAM": lambda peer: peer.headers(1) + reset(1),
        "open: RST_STREAM inside a message": lambda peer: (
            peer.headers(1) + peer.data(1, peer.body[:3], end=False) + reset(1)
        ),
    },
)

on_half_closed("DATA", lambda peer: peer.data(1), (STREAM_CLOSED,))
on_half_closed("empty DATA", lambda peer: frame(DATA, END_STREAM, 1), (STREAM_CLOSED,))
on_half_closed("HEADERS", lambda peer: peer.headers(1, end=True), (STREAM_CLOSED,))
on_half_closed(
    "CONTINUATION",
    lambda peer: frame(CONTINUATION, END_HEADERS, 1, peer.block),
    (STREAM_CLOSED, PROTOCOL_ERROR),
)
on_half_closed("WINDOW_UPDATE", lambda peer: window_update(1, 1), None)
on_half_closed("PRIORITY", lambda peer: frame(PRIORITY, 0, 1, priority(weight=7)), None)
on_half_closed("RST_STREAM", lambda peer: reset(1), None)

for by_reset in (True, False):
    on_closed("DATA", lambda peer: peer.data(1), (STREAM_CLOSED,), by_reset)
    on_closed("HEADERS", lambda peer: peer.headers(1, end=True), (STREAM_CLOSED, PROTOCOL_ERROR), by_reset)
    on_closed(
        "CONTINUATION",
        lambda peer: frame(CONTINUATION, END_HEADERS, 1, peer.block),
        (STREAM_CLOSED, PROTOCOL_ERROR),
        by_reset,
    )
    on_closed("PRIORITY", lambda peer: frame(PRIORITY, 0, 1, priority(weight=7)), None, by_reset)
# Both may cross the server's END_STREAM on their way.
on_closed("WINDOW_UPDATE", lambda peer: window_update(1, 1), None, by_reset=False)
on_closed("RST_STREAM", lambda peer: reset(1), None, by_reset=False)

table.connection_errors(
    "5.1.1",
    {
        "a request on an even stream": (lambda peer: peer.request(2), PROTOCOL_ERROR),
        "a request on a stream below the last": (lambda peer: peer.headers(5) + peer.headers(3), PROTOCOL_ERROR),
        "a whole request on a stream below the last": (
            lambda peer: peer.request(5) + peer.request(3),
            PROTOCOL_ERROR,
        ),
    },
    settings=CLOSED_WINDOW,
)


@table.case("5.1.1", "streams may be left out")
def left_out_streams(peer: Peer) -> None:
    peer.try_to_send(peer.request(1001))
    peer.expect_answer(1001)


@table.case("5.1.1", "the last stream there is")
def last_stream(peer: Peer) -> None:
    peer.try_to_send(peer.request(WINDOW_MAX))
    peer.expect_answer(WINDOW_MAX)


@table.case("5.1.2", "one stream more than the server allows", settings=CLOSED_WINDOW)
def too_many_streams(peer: Peer) -> None:
    limit = peer.peer_settings[Setting.MAX_CONCURRENT_STREAMS]
    peer.settle()
    streams = [peer.new_stream() for _ in range(limit + 1)]
    peer.try_to_send(b"".join(map(peer.headers, streams)))
    peer.expect_stream_error(streams[-1], PROTOCOL_ERROR, REFUSED_STREAM)


@table.case("5.1.2", "a stream that is reset makes room for another")
def room_after_reset(peer: Peer) -> None:
    limit = peer.peer_settings[Setting.MAX_CONCURRENT_STREAMS]
    streams = [peer.new_stream() for _ in range(limit)]
    peer.try_to_send(b"".join(map(peer.headers, streams)) + reset(streams[0]))
    peer.expect_service()


table.stream_errors(
    "5.3.1",
    {
        "HEADERS that depend on their own stream": (
            lambda peer: (
                frame(HEADERS, END_HEADERS | PRIORITIZED, 1, priority(depends_on=1) + peer.block) + peer.data(1)
            ),
            PROTOCOL_ERROR,
        ),
        "PRIORITY that depends on its own stream": (
            lambda peer: peer.headers(1) + frame(PRIORITY, 0, 1, priority(depends_on=1)),
            PROTOCOL_ERROR,
        ),
    },
)
table.answered(
    "5.3.2",
    {
        "HEADERS with a priority": lambda peer: (
            frame(HEADERS, END_HEADERS | PRIORITIZED, 1, priority(exclusive=True) + peer.block) + peer.data(1)
        ),
        "HEADERS that depend on an idle stream": lambda peer: (
            frame(HEADERS, END_HEADERS | PRIORITIZED, 1, priority(depends_on=99) + peer.block) + peer.data(1)
        ),
        "PRIORITY of weight 1 before its request": lambda peer: (
            frame(PRIORITY, 0, 1, priority(weight=0)) + peer.request(1)
        ),
        "PRIORITY of weight 256 before its request": lambda peer: (
            frame(PRIORITY, 0, 1, priority(weight=255)) + peer.request(1)
        ),
        "PRIORITY of a higher stream before a request": lambda peer: (
            frame(PRIORITY, 0, 9, priority(depends_on=1)) + peer.request(1)
        ),
        "PRIORITY between the frames of a request": lambda peer: (
            peer.headers(1) + frame(PRIORITY, 0, 1, priority(depends_on=7)) + peer.data(1)
        ),
        "priorities in a circle": lambda peer: (
            frame(PRIORITY, 0, 1, priority(depends_on=3))
            + frame(PRIORITY, 0, 3, priority(depends_on=1))
            + peer.request(1)
        ),
    },
)


@table.case("5.4.1", "the GOAWAY of an error names the last stream that was taken, and then the connection ends")
def last_stream_in_goaway(peer: Peer) -> None:
    peer.try_to_send(peer.headers(1) + peer.headers(7) + frame(6, payload=b"123"))
    peer.settle()
    assert peer.is_closed and peer.goaway and peer.goaway_last_stream == 7, peer.seen()


@table.case("5.4.1", "what comes after an error is not acted on")
def after_an_error(peer: Peer) -> None:
    peer.try_to_send(peer.data(0) + peer.request(1))
    peer.expect_connection_error(PROTOCOL_ERROR)
    assert not peer.answers[1].blocks, peer.seen(1)


@table.case("5.4.2", "RST_STREAM is not answered with RST_STREAM")
def no_reset_for_a_reset(peer: Peer) -> None:
    peer.new_stream()
    peer.try_to_send(peer.headers(1) + reset(1, CANCEL))
    peer.settle()
    assert peer.answers[1].reset is None, peer.seen(1)
    peer.expect_service()


@table.case("5.4.2", "a stream's error leaves the others alone")
def others_after_a_stream_error(peer: Peer) -> None:
    peer.try_to_send(peer.headers(1) + window_update(1, WINDOW_MAX) + peer.request(3))
    peer.expect_answer(3)


table.harmless(
    "5.5",
    {
        "an extension's frame": lambda peer: frame(UNKNOWN_FRAME, payload=bytes(8)),
        "an extension's setting": lambda peer: settings((0xFFFF, 1)),
        "an extension's frame between requests": lambda peer: (
            frame(UNKNOWN_FRAME, 0, 1, bytes(8)) + ping() + frame(0xFF, 0, WINDOW_MAX, bytes(8))
        ),
    },
)
table.answered(
    "5.5",
    {
        "an extension's frame between HEADERS and DATA": lambda peer: (
            peer.headers(1) + frame(UNKNOWN_FRAME, 0xFF, 1, bytes(8)) + peer.data(1)
        )
    },
)
table.connection_errors(
    "5.5",
    {
        "an extension's frame inside a header block": (
            lambda peer: (
                frame(HEADERS, END_STREAM, 1, peer.block)
                + frame(UNKNOWN_FRAME, payload=bytes(8))
                + frame(CONTINUATION, END_HEADERS, 1)
            ),
            PROTOCOL_ERROR,
        )
    },
)
