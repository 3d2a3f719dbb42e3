"""Streams that end as soon as they begin (CVE-2023-44487, CVE-2025-8671): work for the server, none for the client."""

from orchestration.session.v1 import session_service_pb2 as sessions_pb
from wire import CREATE, ENHANCE_YOUR_CALM, GET, LIST, WATCH, framed
from wire_bytes import PRIORITY, WINDOW_MAX, frame, literal, priority, reset, window_update

from attack import Category, Field
from subject import headers, request

category = Category("resets")

# About what the default burst of 1,000 lets through, and twenty times that.
BURST = 900
FLOOD = 20_000
SEARCH = "/orchestration.session.v1.SessionService/SearchSessions"


def streams(count: int) -> range:
    return range(1, 2 * count, 2)


def resets(count: int, path: str, body: bytes | None = None) -> bytes:
    """Whole calls, each cancelled at once."""
    return b"".join(request(stream, path, body) + reset(stream) for stream in streams(count))


def expect_end(field: Field, data: bytes) -> None:
    """Sends a flood that must not be let through to its end."""
    attacker = field.attacker()
    attacker.send(data)
    assert attacker.ends_within(5), "the flood is let through"
    assert attacker.goaway in (None, ENHANCE_YOUR_CALM, 2), f"GOAWAY {attacker.goaway}"


@category.attack("HEADERS and RST_STREAM by turns")
def headers_and_resets(field: Field) -> None:
    expect_end(field, b"".join(headers(stream) + reset(stream) for stream in streams(FLOOD)))


@category.attack("whole calls that are cancelled at once")
def cancelled_calls(field: Field) -> None:
    expect_end(field, resets(FLOOD, GET))


@category.attack("watches that are cancelled at once")
def cancelled_watches(field: Field) -> None:
    expect_end(field, resets(5_000, WATCH, framed(b"")))


@category.attack("watches that are cancelled when they have begun, as many as the burst allows")
def begun_watches(field: Field) -> None:
    attacker = field.attacker()
    for some in range(0, BURST, 100):
        numbers = [2 * i + 1 for i in range(some, some + 100)]
        attacker.send(b"".join(request(stream, WATCH, framed(b"")) for stream in numbers))
        attacker.settle()
        attacker.send(b"".join(map(reset, numbers)))
    attacker.expect_open()


@category.attack("lists that are cancelled at once, as many as the burst allows")
def cancelled_lists(field: Field) -> None:
    body = framed(sessions_pb.ListSessionsRequest(include_total=True, page_size=1000).SerializeToString())
    attacker = field.attacker()
    attacker.send(resets(BURST, LIST, body))
    attacker.expect_open()


@category.attack("searches that are cancelled at once, as many as the burst allows")
def cancelled_searches(field: Field) -> None:
    body = framed(sessions_pb.SearchSessionsRequest(query="short long filler").SerializeToString())
    attacker = field.attacker()
    attacker.send(resets(BURST, SEARCH, body))
    attacker.expect_open()


@category.attack("calls that change nothing when cancelled, on 20 connections within the burst")
def many_connections(field: Field) -> None:
    data = b"".join(headers(stream, CREATE) + reset(stream) for stream in streams(BURST))
    for attacker in field.attackers(20):
        attacker.send(data)


@category.attack("RST_STREAM again and again for one stream that is gone")
def repeated_resets(field: Field) -> None:
    expect_end(field, headers(1) + reset(1) * 200_000)


@category.attack("resets with every code there is and is not")
def all_codes(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(b"".join(request(stream) + reset(stream, stream * 7919) for stream in streams(BURST)))
    attacker.expect_open()


# The server resets these itself, so that a count of the client's resets does not see them.

SELF_MADE = {
    "a window past its limit": lambda stream: request(stream) + window_update(stream, WINDOW_MAX),
    "an increment of 0": lambda stream: request(stream) + window_update(stream, 0),
    "a dependency on itself": lambda stream: request(stream) + frame(PRIORITY, 0, stream, priority(depends_on=stream)),
    "DATA past content-length": lambda stream: request(stream, content_length="1"),
    "a malformed field": lambda stream: headers(stream, extra=literal("Upper", "case"), end=True),
    "a body that no message can have": lambda stream: request(stream, body=b"\x07\xff\xff\xff\xff" * 10, end=False),
}

for title, make in SELF_MADE.items():

    @category.attack(f"streams that the server must reset: {title}")
    def self_made(field: Field, make=make) -> None:
        attacker = field.attacker()
        attacker.send(b"".join(map(make, streams(10_000))))
        # Ending the connection is one way to be calm; otherwise each stream was paid for and is gone.
        attacker.settle()


@category.attack("calls whose deadline is over at once")
def past_deadlines(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(b"".join(request(stream, WATCH, framed(b""), grpc_timeout="1n") for stream in streams(5_000)))
    attacker.expect_open()


@category.attack("calls whose deadline is over while they run")
def short_deadlines(field: Field) -> None:
    for attacker in field.attackers(5):
        attacker.send(b"".join(request(stream, WATCH, framed(b""), grpc_timeout="20m") for stream in streams(900)))
        assert attacker.read_until(lambda attacker=attacker: attacker.frames[1] >= 900), "not all calls have ended"
