"""RFC 9113 section 8: requests, their fields and pseudo-header fields, push, CONNECT."""

from case import Table
from peer import Peer
from wire import PROTOCOL_ERROR
from wire_bytes import DATA, END_STREAM, PADDED, block, frame

table = Table("9113")

Fields = list[tuple[str, str | bytes]]


def trailers(peer: Peer, fields, end: bool = True) -> bytes:
    return peer.headers(1, end=end, header_block=block(fields))


# 8.1 framing

table.stream_errors(
    "8.1",
    {
        "second HEADERS without END_STREAM": (
            lambda peer: peer.headers(1) + trailers(peer, [("x-trailer", "1")], end=False),
            PROTOCOL_ERROR,
        ),
        "a second request's HEADERS on the stream": (lambda peer: peer.headers(1) * 2, PROTOCOL_ERROR),
    },
)
table.answered(
    "8.1",
    {
        "a request with trailers": lambda peer: (
            peer.headers(1) + peer.data(1, end=False) + trailers(peer, [("x-trailer", "1")])
        ),
        "a request with empty trailers": lambda peer: peer.headers(1) + peer.data(1, end=False) + trailers(peer, []),
    },
)


@table.case("8.1", "requests whose frames alternate")
def alternating(peer: Peer) -> None:
    streams = [peer.new_stream() for _ in range(5)]
    peer.try_to_send(b"".join(map(peer.headers, streams)) + b"".join(map(peer.data, reversed(streams))))
    for stream in streams:
        peer.expect_answer(stream)


@table.case("8.1", "GET and HEAD are answered, whatever the answer is")
def other_methods(peer: Peer) -> None:
    for method in ("GET", "HEAD"):
        stream = peer.new_stream()
        fields = with_field(peer, ":method", method)
        peer.try_to_send(peer.headers(stream, end=True, header_block=block(fields)))
        answer = peer.answer(stream)
        assert answer.blocks, peer.seen(stream)
        assert method != "HEAD" or not answer.data, f"{len(answer.data)} bytes of DATA"


# 8.1.1 malformed, 8.2 fields, 8.3 pseudo-header fields: what a request must not have


def with_field(peer: Peer, name: str, value: str | bytes) -> Fields:
    """The normal fields with this one in its place, or last."""
    if name in dict(peer.fields):
        return [(key, value if key == name else old) for key, old in peer.fields]
    return [*peer.fields, (name, value)]


def without_field(peer: Peer, name: str) -> Fields:
    return [field for field in peer.fields if field[0] != name]


def malformed(section: str, rules: dict) -> None:
    """Whole requests whose fields are wrong."""
    for title, fields in rules.items():

        @table.case(section, title)
        def check(peer: Peer, fields=fields) -> None:
            peer.new_stream()
            peer.try_to_send(peer.request(1, fields(peer)))
            peer.expect_refusal(1, PROTOCOL_ERROR)


def good(section: str, rules: dict) -> None:
    table.answered(
        section,
        {title: lambda peer, fields=fields: peer.request(1, fields(peer)) for title, fields in rules.items()},
    )


def length_rule(title: str, data, is_good: bool = False) -> None:
    """Requests whose content-length is, or is not, the length of what follows."""

    @table.case("8.1.1", title)
    def check(peer: Peer) -> None:
        peer.new_stream()
        peer.try_to_send(data(peer))
        if is_good:
            peer.expect_answer(1)
        else:
            peer.expect_refusal(1, PROTOCOL_ERROR)


def sized_headers(peer: Peer, length: object, end: bool = False) -> bytes:
    return peer.headers(1, end, block([*peer.fields, ("content-length", str(length))]))


length_rule("content-length above the DATA", lambda peer: sized_headers(peer, len(peer.body) + 1) + peer.data(1))
length_rule("content-length below the DATA", lambda peer: sized_headers(peer, len(peer.body) - 1) + peer.data(1))
length_rule(
    "content-length above several DATA",
    lambda peer: (
        sized_headers(peer, len(peer.body) + 1) + peer.data(1, peer.body[:4], end=False) + peer.data(1, peer.body[4:])
    ),
)
length_rule("content-length and no DATA", lambda peer: sized_headers(peer, 5, end=True))
length_rule(
    "content-length above DATA that end with trailers",
    lambda peer: sized_headers(peer, len(peer.body) + 1) + peer.data(1, end=False) + trailers(peer, [("x", "1")]),
)
length_rule(
    "content-length that counts padding",
    lambda peer: (
        sized_headers(peer, len(peer.body) + 6) + frame(DATA, PADDED | END_STREAM, 1, b"\x05" + peer.body + bytes(5))
    ),
)
length_rule(
    "content-length of the DATA",
    lambda peer: sized_headers(peer, len(peer.body)) + peer.data(1),
    is_good=True,
)
length_rule(
    "content-length of the DATA without padding",
    lambda peer: (
        sized_headers(peer, len(peer.body)) + frame(DATA, PADDED | END_STREAM, 1, b"\x05" + peer.body + bytes(5))
    ),
    is_good=True,
)
malformed(
    "8.1.1",
    {
        f"content-length {value!r}": lambda peer, value=value: with_field(peer, "content-length", value)
        for value in ("abc", "-1", "+1", "1 1", "", "0x10", "9" * 30)
    }
    | {
        "content-length twice, unlike": lambda peer: [
            *peer.fields,
            ("content-length", str(len(peer.body))),
            ("content-length", "1"),
        ]
    },
)

FIELD_NAMES = {
    "in upper case": "X-Upper",
    "of no characters": "",
    "with a space": "x y",
    "with a tab": "x\ty",
    "with a line feed": "x\ny",
    "with a carriage return": "x\ry",
    "with a NUL": "x\0y",
    "with a DEL": "x\x7fy",
    "past ASCII": b"x\xc3\xa9",
    "with a colon inside": "x:y",
    "of a colon alone": ":",
}
FIELD_VALUES = {
    "with a NUL": "a\0b",
    "with a line feed": "a\nb",
    "with a carriage return": "a\rb",
    "that begins with a space": " a",
    "that ends with a space": "a ",
    "that begins with a tab": "\ta",
    "that ends with a tab": "a\t",
}
malformed(
    "8.2.1",
    {
        f"a field name {kind}": lambda peer, name=name: [*peer.fields, (name, "value")]
        for kind, name in FIELD_NAMES.items()
    }
    | {
        f"a field value {kind}": lambda peer, value=value: with_field(peer, "x-field", value)
        for kind, value in FIELD_VALUES.items()
    },
)
good(
    "8.2.1",
    {
        "every character that a field name may have": lambda peer: with_field(
            peer, "x!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", "1"
        ),
        "a field value past ASCII": lambda peer: with_field(peer, "x-field", "é€".encode()),
        "a field value with spaces and tabs inside": lambda peer: with_field(peer, "x-field", "a \t b"),
        "a field without a value": lambda peer: with_field(peer, "x-field", ""),
        "a cookie in pieces (8.2.3)": lambda peer: [*peer.fields, ("cookie", "a=b"), ("cookie", "c=d")],
    },
)
CONNECTION_FIELDS = {
    "connection": "keep-alive",
    "proxy-connection": "keep-alive",
    "keep-alive": "timeout=5",
    "transfer-encoding": "chunked",
    "upgrade": "h2c",
}
malformed(
    "8.2.2",
    {
        f"the field {name}": lambda peer, name=name, value=value: with_field(peer, name, value)
        for name, value in CONNECTION_FIELDS.items()
    }
    | {"te of other than trailers": lambda peer: with_field(peer, "te", "trailers, deflate;q=0.5")},
)
good("8.2.2", {"te of trailers": lambda peer: with_field(peer, "te", "trailers")})

malformed(
    "8.3",
    {
        "an unknown pseudo-header field": lambda peer: [(":test", "ok"), *peer.fields],
        "a response's pseudo-header field": lambda peer: [(":status", "200"), *peer.fields],
        "a pseudo-header field after others": lambda peer: [*peer.fields[1:], peer.fields[0]],
    },
)
table.stream_errors(
    "8.3",
    {
        f"{name} in trailers": (
            lambda peer, name=name: (
                peer.headers(1) + peer.data(1, end=False) + trailers(peer, [(name, "200"), ("x-trailer", "1")])
            ),
            PROTOCOL_ERROR,
        )
        for name in (":method", ":status")
    },
)
PSEUDO_FIELDS = (":method", ":scheme", ":path")
malformed(
    "8.3.1",
    {f"no {name}": lambda peer, name=name: without_field(peer, name) for name in PSEUDO_FIELDS}
    | {
        f"{name} twice": lambda peer, name=name: [(name, dict(peer.fields)[name]), *peer.fields]
        for name in (*PSEUDO_FIELDS, ":authority")
    }
    | {
        "an empty :path": lambda peer: with_field(peer, ":path", ""),
        "a :path without a slash": lambda peer: with_field(peer, ":path", "index.html"),
        "a :path of * for another method than OPTIONS": lambda peer: with_field(peer, ":path", "*"),
        "an empty :method": lambda peer: with_field(peer, ":method", ""),
        "a :method with a space": lambda peer: with_field(peer, ":method", "PO ST"),
        "an empty :scheme": lambda peer: with_field(peer, ":scheme", ""),
        "a :path with a space": lambda peer: with_field(peer, ":path", "/a b"),
        "no :authority and no host": lambda peer: without_field(peer, ":authority"),
    },
)
good(
    "8.3.1",
    {"host for :authority": lambda peer: [*without_field(peer, ":authority"), ("host", "localhost")]},
)

# 8.5 CONNECT

malformed(
    "8.5",
    {
        "CONNECT with :scheme and :path": lambda peer: with_field(peer, ":method", "CONNECT"),
        "CONNECT without :authority": lambda peer: [(":method", "CONNECT")],
        # RFC 8441: only a server that says so takes this.
        "CONNECT with a :protocol": lambda peer: [
            *with_field(peer, ":method", "CONNECT")[:4],
            (":protocol", "websocket"),
        ],
    },
)


@table.case("8.5", "CONNECT is refused and its connection goes on")
def connect(peer: Peer) -> None:
    stream = peer.new_stream()
    fields = [(":method", "CONNECT"), (":authority", "localhost:1")]
    peer.try_to_send(peer.headers(stream, end=True, header_block=block(fields)))
    answer = peer.answer(stream)
    assert answer.reset or answer.http_status != "200" or not answer.data, peer.seen(stream)
    peer.expect_service()
