"""RFC 9113 sections 3 and 4: the preface, frames, sizes, header compression."""

import socket

from case import Case, Table
from hyperframe.frame import Frame
from peer import Peer
from targets import Target
from wire import COMPRESSION_ERROR, DEADLINE_SECONDS, FRAME_SIZE_ERROR, PREFACE, PROTOCOL_ERROR
from wire_bytes import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_BYTES_MAX,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    SETTINGS,
    UNKNOWN_FRAME,
    frame,
    indexed,
    literal,
    ping,
    priority,
    reset,
    settings,
)

table = Table("9113")


def prefaced(title: str, pieces: list[bytes], is_good: bool = False) -> None:
    """A connection that begins with these bytes, each sent by itself."""

    def check(target: Target) -> None:
        with socket.create_connection(("127.0.0.1", target.port), DEADLINE_SECONDS) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except ConnectionError:
                assert not is_good, "closed"
            kinds = received_kinds(connection, stop=PING)
        # The server's own preface is a SETTINGS frame, before all else; one that closes at once may leave it out.
        assert not kinds or kinds[0] == SETTINGS, f"frames {kinds}"
        assert (PING in kinds) == is_good, "PING answered" if PING in kinds else "PING not answered"

    table.cases.append(Case("9113 3.4", title, check))


def received_kinds(connection: socket.socket, stop: int) -> list[int]:
    """The types of the frames that come, until one of this type or the end."""
    kinds, received = [], b""
    while stop not in kinds:
        try:
            chunk = connection.recv(65_536)
        except ConnectionError:
            break
        if not chunk:
            break
        received += chunk
        while len(received) >= 9:
            received_frame, length = Frame.parse_frame_header(memoryview(received[:9]))
            if len(received) < 9 + length:
                break
            kinds.append(getattr(received_frame, "type", None))
            received = received[9 + length :]
    return kinds


prefaced("the preface", [PREFACE + settings() + ping()], is_good=True)
prefaced("the preface byte by byte", [bytes([byte]) for byte in PREFACE + settings() + ping()], is_good=True)
prefaced("a preface that is none", [b"INVALID CONNECTION PREFACE\r\n\r\n"])
prefaced("a preface whose last byte differs", [PREFACE[:-1] + b"\r" + settings() + ping()])
prefaced("a preface without SETTINGS", [PREFACE + ping() + ping()])
prefaced("a preface with an acknowledgement for SETTINGS", [PREFACE + frame(SETTINGS, ACK) + ping()])
prefaced("SETTINGS without the preface", [settings() + ping() + ping()])


@table.case("3.4", "requests need not wait for the server's SETTINGS")
def early_request(peer: Peer) -> None:
    with socket.create_connection(("127.0.0.1", peer.target.port), DEADLINE_SECONDS) as connection:
        connection.sendall(PREFACE + settings() + peer.request(1))
        assert HEADERS in received_kinds(connection, stop=HEADERS), "no answer"


table.harmless(
    "4.1",
    {
        "a frame of an unknown type": lambda peer: frame(UNKNOWN_FRAME, payload=b"12345678"),
        "a frame of an unknown type on a stream": lambda peer: frame(UNKNOWN_FRAME, 0xFF, 1, b"12345678"),
        "an empty frame of an unknown type": lambda peer: frame(UNKNOWN_FRAME),
        "undefined flags of a PING": lambda peer: ping(flags=0x16),
        "undefined flags of SETTINGS": lambda peer: frame(SETTINGS, 0xFE),
        "the reserved bit of a PING's stream": lambda peer: frame(PING, stream=1 << 31, payload=b"12345678"),
        "the reserved bit of SETTINGS' stream": lambda peer: frame(SETTINGS, stream=1 << 31),
    },
)
table.answered(
    "4.1",
    {
        "undefined flags of HEADERS and DATA": lambda peer: (
            frame(HEADERS, END_HEADERS | 0xD2, 1, peer.block) + frame(DATA, END_STREAM | 0xF6, 1, peer.body)
        ),
        "the reserved bit of a request's stream": lambda peer: (
            frame(HEADERS, END_HEADERS, 1 << 31 | 1, peer.block) + frame(DATA, END_STREAM, 1 << 31 | 1, peer.body)
        ),
    },
)


LONGEST_PADDING = 255


def longest_headers(peer: Peer) -> bytes:
    """The longest frame there may be, in a header list that is within the server's limit."""
    room = FRAME_BYTES_MAX - 1 - LONGEST_PADDING - len(peer.block)
    # A field takes a byte for its kind, 1 and 3 for the lengths, its name and its value.
    header_block = peer.block + literal("x", "v" * (room - 6))
    payload = bytes([LONGEST_PADDING]) + header_block + bytes(LONGEST_PADDING)
    assert len(payload) == FRAME_BYTES_MAX
    return frame(HEADERS, END_HEADERS | PADDED, 1, payload) + peer.data(1)


table.answered(
    "4.2",
    {
        "DATA of 2^14 bytes": lambda peer: peer.headers(1) + peer.data(1, peer.target.body_of(FRAME_BYTES_MAX)),
        "HEADERS of 2^14 bytes": longest_headers,
    },
)
OVERLONG = bytes(FRAME_BYTES_MAX + 1)
table.stream_errors(
    "4.2",
    {"DATA of 2^14 + 1 bytes": (lambda peer: peer.headers(1) + frame(DATA, 0, 1, OVERLONG), FRAME_SIZE_ERROR)},
)
table.connection_errors(
    "4.2",
    {
        "HEADERS of 2^14 + 1 bytes": (lambda peer: frame(HEADERS, END_HEADERS, 1, OVERLONG), FRAME_SIZE_ERROR),
        "CONTINUATION of 2^14 + 1 bytes": (
            lambda peer: frame(HEADERS, 0, 1, peer.block) + frame(CONTINUATION, END_HEADERS, 1, OVERLONG),
            FRAME_SIZE_ERROR,
        ),
        "SETTINGS of 2^14 + 2 bytes": (lambda peer: frame(SETTINGS, payload=bytes(16_386)), FRAME_SIZE_ERROR),
        "PING of 2^14 + 1 bytes": (lambda peer: frame(PING, payload=OVERLONG), FRAME_SIZE_ERROR),
        "an unknown frame of 2^14 + 1 bytes": (
            lambda peer: frame(UNKNOWN_FRAME, payload=OVERLONG),
            FRAME_SIZE_ERROR,
        ),
        "a frame that says 2^24 - 1 bytes": (
            lambda peer: frame(UNKNOWN_FRAME, payload=bytes(100), length=2**24 - 1),
            FRAME_SIZE_ERROR,
        ),
    },
)

table.connection_errors(
    "4.3",
    {
        "a header block that is no HPACK": (
            lambda peer: peer.headers(1, header_block=b"\xff\xff\xff\xff\xff\xff"),
            COMPRESSION_ERROR,
        ),
        "a header block cut short": (
            lambda peer: peer.headers(1, header_block=peer.block[:-1]),
            COMPRESSION_ERROR,
        ),
        "a trailers block that is no HPACK": (
            lambda peer: peer.headers(1) + peer.headers(1, end=True, header_block=b"\xff\xff\xff\xff\xff\xff"),
            COMPRESSION_ERROR,
        ),
        "PRIORITY inside a header block": (
            lambda peer: (
                frame(HEADERS, END_STREAM, 1, peer.block)
                + frame(PRIORITY, 0, 1, priority())
                + frame(CONTINUATION, END_HEADERS, 1)
            ),
            PROTOCOL_ERROR,
        ),
        "HEADERS of another stream inside a header block": (
            lambda peer: (
                frame(HEADERS, END_STREAM, 1, peer.block)
                + peer.headers(3, end=True)
                + frame(CONTINUATION, END_HEADERS, 1)
            ),
            PROTOCOL_ERROR,
        ),
        "PUSH_PROMISE inside a header block": (
            lambda peer: (
                frame(HEADERS, 0, 1, peer.block)
                + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02")
                + frame(CONTINUATION, END_HEADERS, 1)
            ),
            PROTOCOL_ERROR,
        ),
    },
)

# The newest entry of the dynamic table.
NEWEST = indexed(62)


def expect_table_kept(peer: Peer, stream: int) -> None:
    peer.try_to_send(peer.headers(stream, header_block=peer.block + NEWEST) + peer.data(stream))
    peer.expect_answer(stream)


@table.case("4.3", "the table holds what a malformed request's header block put into it")
def table_after_malformed(peer: Peer) -> None:
    header_block = peer.block + literal("Upper-Case", "malformed") + literal("x-kept", "1", kind=0x40)
    peer.try_to_send(peer.headers(1, end=True, header_block=header_block))
    expect_table_kept(peer, 3)


@table.case("4.3", "the table holds what trailers put into it")
def table_after_trailers(peer: Peer) -> None:
    trailers = literal("x-kept", "1", kind=0x40)
    peer.try_to_send(peer.headers(1) + peer.data(1, end=False) + peer.headers(1, end=True, header_block=trailers))
    peer.expect_answer(1)
    expect_table_kept(peer, 3)


@table.case("4.3", "the table holds what a stream's header block put into it that was reset at once")
def table_after_reset(peer: Peer) -> None:
    peer.try_to_send(peer.headers(1, header_block=peer.block + literal("x-kept", "1", kind=0x40)) + reset(1))
    expect_table_kept(peer, 3)
