"""Header blocks without end, or that are far longer when read than when sent (CVE-2016-6581, CVE-2024-27316)."""

from hpack.huffman_constants import REQUEST_CODES_LENGTH
from wire import GET, request_headers
from wire_bytes import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    block,
    frame,
    indexed,
    literal,
    table_size,
)

from attack import Category, Field
from subject import headers

category = Category("headers")

FRAME_BYTES = 16_384
NEWEST = indexed(62)
BLOCK = block(request_headers(GET))


def streams(count: int) -> range:
    return range(1, 2 * count, 2)


def in_frames(stream: int, header_block: bytes, end_stream: bool = True) -> bytes:
    """A header block in as many frames as it takes."""
    pieces = [header_block[i : i + FRAME_BYTES] for i in range(0, len(header_block), FRAME_BYTES)]
    parts = [frame(HEADERS, END_STREAM if end_stream else 0, stream, pieces[0])]
    parts += [frame(CONTINUATION, 0, stream, piece) for piece in pieces[1:]]
    return b"".join(parts) + frame(CONTINUATION, END_HEADERS, stream)


ENDLESS = {
    "HEADERS, then CONTINUATION without contents": lambda: frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1) * 200_000,
    "HEADERS, then CONTINUATION of small fields": lambda: (
        frame(HEADERS, 0, 1, BLOCK) + frame(CONTINUATION, 0, 1, literal("x", "y")) * 100_000
    ),
    "HEADERS, then CONTINUATION of 16 KB": lambda: (
        frame(HEADERS, 0, 1, BLOCK) + frame(CONTINUATION, 0, 1, literal("x", "v" * 16_000)) * 4_000
    ),
    "HEADERS, then CONTINUATION of table sizes": lambda: (
        frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1, table_size(0) * FRAME_BYTES) * 1_000
    ),
    "HEADERS, then CONTINUATION of one field that never ends": lambda: (
        # A value of 256 MiB.
        frame(HEADERS, 0, 1, BLOCK + b"\x00\x01x\x7f\x81\xff\xff\x7f")
        + frame(CONTINUATION, 0, 1, bytes(16_000)) * 4_000
    ),
    "trailers without end": lambda: (
        headers(1) + frame(HEADERS, END_STREAM, 1) + frame(CONTINUATION, 0, 1, literal("x", "v" * 16_000)) * 4_000
    ),
}

for title, flood in ENDLESS.items():

    @category.attack(title)
    def endless(field: Field, flood=flood) -> None:
        attacker = field.attacker()
        sent_all = attacker.send(flood())
        assert not sent_all or attacker.ends_within(5), "the server takes it all"


EVERY_STREAM = {
    "fields without a name or a value": lambda: BLOCK + literal("", "") * 100,
    "2,000 fields": lambda: BLOCK + literal("x", "y") * 2_000,
    "a field of 60 KB": lambda: BLOCK + literal("x", "v" * 60_000),
    "a field of 4 KB, 16,000 times by its index": lambda: (
        BLOCK + literal("x", "v" * 4_000, kind=0x40) + NEWEST * 16_000
    ),
    "a field without contents, 16,000 times by its index": lambda: (
        BLOCK + literal("x", "", kind=0x40) + NEWEST * 16_000
    ),
    "table sizes by turns of nothing and all": lambda: (table_size(0) + table_size(4096)) * 3_000 + BLOCK,
    "the longest Huffman codes": lambda: BLOCK + literal("x", bytes([LONGEST_CODE]) * 4_000, huffman=True),
    "the shortest Huffman codes": lambda: BLOCK + literal("x", "0" * 24_000, huffman=True),
    "entries that drive each other from the table": lambda: (
        BLOCK + b"".join(literal(f"x-{i}", "v" * 100, kind=0x40) for i in range(120))
    ),
    "100 KB of metadata in base64": lambda: BLOCK + literal("x-bin", "A" * 100_000),
    "metadata that is no base64": lambda: BLOCK + literal("x-bin", "!" * 10_000),
    "timeouts of many digits": lambda: BLOCK + literal("grpc-timeout", "9" * 10_000 + "n"),
    "100 timeouts": lambda: BLOCK + literal("grpc-timeout", "1n") * 100,
    "authorization of 10 KB that is guessed": lambda: BLOCK + literal("authorization", "Bearer " + "x" * 10_000),
    "a path of 15 KB": lambda: block(request_headers("/" + "x" * 15_000)),
    "500 cookies": lambda: BLOCK + literal("cookie", "a=b") * 300,
}
LONGEST_CODE = max(range(256), key=REQUEST_CODES_LENGTH.__getitem__)

for title, make in EVERY_STREAM.items():

    @category.attack(f"on 200 streams: {title}")
    def on_every_stream(field: Field, make=make) -> None:
        header_block = make()
        attacker = field.attacker()
        attacker.send(b"".join(in_frames(stream, header_block) for stream in streams(200)))
        # A block that is too long ends its call, one that is wrong its stream or the connection.
        attacker.settle()


@category.attack("header blocks of a byte a frame, padded")
def padded_bytes(field: Field) -> None:
    attacker = field.attacker()
    pieces = [
        frame(HEADERS, PADDED | END_STREAM, stream, b"\xff" + BLOCK[:1] + bytes(255))
        + b"".join(frame(CONTINUATION, 0, stream, BLOCK[i : i + 1]) for i in range(1, len(BLOCK)))
        + frame(CONTINUATION, END_HEADERS, stream)
        for stream in streams(500)
    ]
    attacker.send(b"".join(pieces))
    attacker.settle()


@category.attack("guessed tokens, another with each call")
def guessed_tokens(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(
        b"".join(
            headers(stream, end=True, extra=literal("authorization", f"Bearer {stream:032x}"))
            for stream in streams(5_000)
        )
    )
    attacker.expect_open()
