"""RFC 9113 sections 6.5 and 6.9: settings, and the windows that they and WINDOW_UPDATE open."""

from case import Table
from peer import Peer
from wire import FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR
from wire_bytes import (
    ACK,
    SETTINGS,
    WINDOW_MAX,
    WINDOW_UPDATE,
    Setting,
    frame,
    settings,
    window_update,
)

table = Table("9113")


def expect_data(peer: Peer, stream: int, count: int) -> None:
    """Expects so many bytes and no more."""
    answer = peer.answers[stream]
    peer.read_until(lambda: len(answer.data) >= count or answer.is_over or peer.is_closed)
    peer.settle()
    assert len(answer.data) == count, f"{len(answer.data)} bytes of DATA"


# 6.5 SETTINGS

table.connection_errors(
    "6.5",
    {
        "an acknowledgement with contents": (lambda peer: frame(SETTINGS, ACK, payload=bytes(6)), FRAME_SIZE_ERROR),
        "an acknowledgement with one byte": (lambda peer: frame(SETTINGS, ACK, payload=b"\0"), FRAME_SIZE_ERROR),
        "SETTINGS on a stream": (lambda peer: frame(SETTINGS, 0, 1, b"\0\3\0\0\0\x64"), PROTOCOL_ERROR),
        "empty SETTINGS on a stream": (lambda peer: frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
        "SETTINGS of 3 bytes": (lambda peer: frame(SETTINGS, payload=b"\0\3\0"), FRAME_SIZE_ERROR),
        "SETTINGS of 7 bytes": (lambda peer: frame(SETTINGS, payload=bytes(7)), FRAME_SIZE_ERROR),
    },
)
table.connection_errors(
    "6.5.2",
    {
        "ENABLE_PUSH of 2": (lambda peer: settings((Setting.ENABLE_PUSH, 2)), PROTOCOL_ERROR),
        "INITIAL_WINDOW_SIZE of 2^31": (
            lambda peer: settings((Setting.INITIAL_WINDOW_SIZE, 2**31)),
            FLOW_CONTROL_ERROR,
        ),
        "MAX_FRAME_SIZE of 2^14 - 1": (lambda peer: settings((Setting.MAX_FRAME_SIZE, 16_383)), PROTOCOL_ERROR),
        "MAX_FRAME_SIZE of 2^24": (lambda peer: settings((Setting.MAX_FRAME_SIZE, 2**24)), PROTOCOL_ERROR),
        "MAX_FRAME_SIZE of 0": (lambda peer: settings((Setting.MAX_FRAME_SIZE, 0)), PROTOCOL_ERROR),
        "a wrong setting after a good one": (
            lambda peer: settings((Setting.ENABLE_PUSH, 0), (Setting.ENABLE_PUSH, 2**32 - 1)),
            PROTOCOL_ERROR,
        ),
    },
)
table.harmless(
    "6.5.2",
    {
        "no setting": lambda peer: settings(),
        "an unknown setting": lambda peer: settings((0xFF, 1)),
        "ENABLE_PUSH of 0 and 1": lambda peer: settings((Setting.ENABLE_PUSH, 0), (Setting.ENABLE_PUSH, 1)),
        "HEADER_TABLE_SIZE of 0": lambda peer: settings((Setting.HEADER_TABLE_SIZE, 0)),
        "HEADER_TABLE_SIZE of 2^32 - 1": lambda peer: settings((Setting.HEADER_TABLE_SIZE, 2**32 - 1)),
        "MAX_CONCURRENT_STREAMS of 0": lambda peer: settings((Setting.MAX_CONCURRENT_STREAMS, 0)),
        "INITIAL_WINDOW_SIZE of 2^31 - 1": lambda peer: settings((Setting.INITIAL_WINDOW_SIZE, WINDOW_MAX)),
        "MAX_FRAME_SIZE of 2^14": lambda peer: settings((Setting.MAX_FRAME_SIZE, 16_384)),
        "MAX_FRAME_SIZE of 2^24 - 1": lambda peer: settings((Setting.MAX_FRAME_SIZE, 2**24 - 1)),
        "MAX_HEADER_LIST_SIZE of 2^32 - 1": lambda peer: settings((Setting.MAX_HEADER_LIST_SIZE, 2**32 - 1)),
    },
)


@table.case("6.5.3", "each SETTINGS is acknowledged")
def acknowledged(peer: Peer) -> None:
    peer.settle()
    before = peer.settings_acks
    peer.try_to_send(settings() + settings((Setting.ENABLE_PUSH, 0)) + settings())
    peer.settle()
    assert peer.settings_acks - before == 3, f"{peer.settings_acks - before} acknowledgements"


@table.case("6.5.3", "the last of several values counts", opens_windows=False)
def last_value(peer: Peer) -> None:
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 100), (Setting.INITIAL_WINDOW_SIZE, 1)) + peer.request(1))
    expect_data(peer, 1, 1)


@table.case("6.5.3", "a header table of size 0 is kept to, and said so")
def no_header_table(peer: Peer) -> None:
    peer.expect_service()
    peer.try_to_send(settings((Setting.HEADER_TABLE_SIZE, 0)))
    peer.settle()
    # The decoder insists on the update that RFC 7541 section 4.2 asks for, and on entries that are there.
    peer.limit_header_table(0)
    peer.expect_service()
    peer.expect_service()


@table.case("6.5.2", "no frame is longer than MAX_FRAME_SIZE")
def longest_frames(peer: Peer) -> None:
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 1 << 20)))
    peer.expect_service()
    assert peer.longest_frame <= 16_384, f"{peer.longest_frame} bytes"


# 6.9 WINDOW_UPDATE

table.connection_errors(
    "6.9",
    {
        "an increment of 0 for the connection": (lambda peer: window_update(0, 0), PROTOCOL_ERROR),
        "WINDOW_UPDATE of 3 bytes": (lambda peer: frame(WINDOW_UPDATE, payload=bytes(3)), FRAME_SIZE_ERROR),
        "WINDOW_UPDATE of 5 bytes": (lambda peer: frame(WINDOW_UPDATE, payload=bytes(5)), FRAME_SIZE_ERROR),
        "WINDOW_UPDATE of 3 bytes on a stream": (
            lambda peer: peer.headers(1) + frame(WINDOW_UPDATE, 0, 1, bytes(3)),
            FRAME_SIZE_ERROR,
        ),
    },
)
table.stream_errors(
    "6.9",
    {"an increment of 0 for a stream": (lambda peer: peer.headers(1) + window_update(1, 0), PROTOCOL_ERROR)},
)
table.harmless("6.9", {"WINDOW_UPDATE for the connection": lambda peer: window_update(0, 1)})
table.answered(
    "6.9",
    {
        "WINDOW_UPDATE for a stream": lambda peer: peer.headers(1) + window_update(1, 1) + peer.data(1),
        "the reserved bit of an increment": lambda peer: (
            peer.headers(1) + frame(WINDOW_UPDATE, 0, 1, b"\x80\0\0\x01") + peer.data(1)
        ),
    },
)
table.connection_errors(
    "6.9.1",
    {
        "the connection's window above 2^31 - 1": (lambda peer: window_update(0, WINDOW_MAX) * 2, FLOW_CONTROL_ERROR),
    },
)
table.stream_errors(
    "6.9.1",
    {
        "a stream's window above 2^31 - 1": (
            lambda peer: peer.headers(1) + window_update(1, WINDOW_MAX) * 2,
            FLOW_CONTROL_ERROR,
        )
    },
)


@table.case("6.9.1", "a window of 1 byte lets 1 byte through", opens_windows=False)
def window_of_one(peer: Peer) -> None:
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 1)) + peer.request(1))
    expect_data(peer, 1, 1)


@table.case("6.9.1", "the connection's window holds for its streams together", opens_windows=False)
def window_of_the_connection(peer: Peer) -> None:
    streams = [peer.new_stream() for _ in range(4)]
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 1 << 20)) + b"".join(map(peer.request, streams)))

    def total() -> int:
        return sum(len(peer.answers[stream].data) for stream in streams)

    peer.read_until(lambda: total() >= 65_535 or peer.is_closed)
    peer.settle()
    assert total() == 65_535, f"{total()} bytes of DATA"
    peer.try_to_send(window_update(0, 1 << 20))
    for stream in streams:
        peer.expect_answer(stream)


@table.case("6.9.2", "INITIAL_WINDOW_SIZE changes the windows of open streams", opens_windows=False)
def changed_window(peer: Peer) -> None:
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 0)) + peer.request(1))
    peer.settle()
    expect_data(peer, 1, 0)
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 1)))
    expect_data(peer, 1, 1)


@table.case("6.9.2", "a window may be below 0, and opens above it", opens_windows=False)
def negative_window(peer: Peer) -> None:
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 3)) + peer.request(1))
    expect_data(peer, 1, 3)
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 2)) + window_update(1, 1))
    expect_data(peer, 1, 3)
    peer.try_to_send(window_update(1, 1))
    expect_data(peer, 1, 4)


@table.case("6.9.2", "INITIAL_WINDOW_SIZE leaves the connection's window as it is", opens_windows=False)
def unchanged_connection_window(peer: Peer) -> None:
    peer.try_to_send(settings((Setting.INITIAL_WINDOW_SIZE, 0)) + peer.request(1) + window_update(1, 1 << 20))
    peer.expect_answer(1)


table.connection_errors(
    "6.9.2",
    {
        "INITIAL_WINDOW_SIZE that brings a window above 2^31 - 1": (
            lambda peer: (
                peer.headers(1)
                + window_update(1, WINDOW_MAX - 65_535)
                + settings((Setting.INITIAL_WINDOW_SIZE, 65_536))
            ),
            FLOW_CONTROL_ERROR,
        )
    },
)
