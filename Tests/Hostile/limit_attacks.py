"""What only a limit in time or in bytes ends; the limits are set short, so that the tests are."""

from wire import CREATE, GET, PREFACE, WATCH, framed, request_headers
from wire_bytes import (
    CONTINUATION,
    DATA,
    HEADERS,
    PRIORITY,
    SETTINGS,
    UNKNOWN_FRAME,
    Setting,
    block,
    frame,
    goaway,
    literal,
    ping,
    priority,
    settings,
    window_update,
)

from attack import Category, Field
from attacker import Attacker
from subject import MIB, headers, request

category = Category("limits")

HELLO = PREFACE + settings()
# Each limit in time is 0.3 s here; what is to end must end, and what is to live must live, within this.
LIMIT = "300"
LONGER_SECONDS = 3
MEANWHILE_SECONDS = 0.7
DRIP_SECONDS = 0.05


def expect_ends(attackers: list[Attacker]) -> None:
    for attacker in attackers:
        assert attacker.ends_within(LONGER_SECONDS), "not closed"


def expect_drip_ends(attacker: Attacker, drip: bytes, condition=lambda: False) -> None:
    """Sends a little again and again, which must not put the end off."""
    for _ in range(int(LONGER_SECONDS / DRIP_SECONDS)):
        if attacker.read_until(condition, DRIP_SECONDS) or attacker.is_closed or not attacker.send(drip):
            return
    raise AssertionError("a drip puts the end off")


# Time to the first request, and between requests.

SILENT = {
    "nothing": b"",
    "half a preface": PREFACE[:12],
    "a preface": PREFACE,
    "a preface and SETTINGS": HELLO,
    "half a frame": HELLO + frame(DATA, length=16_000)[:5],
}
for title, data in SILENT.items():

    @category.attack(f"100 connections that send {title} and then wait", "--first-request-timeout", LIMIT)
    def silent(field: Field, data=data) -> None:
        expect_ends(field.attackers(100, hello=data))


@category.attack("a preface byte by byte, slowly", "--first-request-timeout", LIMIT)
def slow_preface(field: Field) -> None:
    attacker = field.attacker(hello=PREFACE[:1], acknowledges=False)
    for byte in PREFACE[1:] * 3:
        if attacker.read_until(lambda: False, DRIP_SECONDS) or attacker.is_closed or not attacker.send(bytes([byte])):
            return
    raise AssertionError("a drip puts the end off")


@category.attack("PING and SETTINGS, but no request", "--first-request-timeout", LIMIT)
def chatter(field: Field) -> None:
    expect_drip_ends(field.attacker(), settings())


@category.attack("a request in time, and then a watch", "--first-request-timeout", LIMIT)
def in_time(field: Field) -> None:
    attacker = field.attacker(HELLO + request(1, WATCH, framed(b"")))
    assert not attacker.ends_within(MEANWHILE_SECONDS), attacker.last_words


@category.attack("100 connections with a call, and then nothing", "--idle-timeout", LIMIT)
def idle(field: Field) -> None:
    attackers = field.attackers(100, HELLO + request(1))
    expect_ends(attackers)
    assert {attacker.goaway for attacker in attackers} == {0}, "not told why"


@category.attack("a watch, which is not idle", "--idle-timeout", LIMIT)
def watch_is_not_idle(field: Field) -> None:
    attacker = field.attacker(HELLO + request(1, WATCH, framed(b"")))
    assert not attacker.ends_within(MEANWHILE_SECONDS), attacker.last_words


@category.attack("a call, and then frames that are no call", "--idle-timeout", LIMIT)
def idle_chatter(field: Field) -> None:
    expect_drip_ends(field.attacker(HELLO + request(1)), frame(UNKNOWN_FRAME))


# Time for one request.


@category.attack("header blocks that stop half-way, on 100 connections", "--header-timeout", LIMIT)
def half_headers(field: Field) -> None:
    expect_ends(field.attackers(100, HELLO + frame(HEADERS, 0, 1, b"\x82")))


@category.attack("a header block of a byte a frame, slowly", "--header-timeout", LIMIT)
def slow_headers(field: Field) -> None:
    expect_drip_ends(field.attacker(HELLO + frame(HEADERS, 0, 1)), frame(CONTINUATION, 0, 1, b"\x82"))


BLOCKS = {"good": literal("x", "y"), "malformed": literal(":method", "again")}
for title, field_bytes in BLOCKS.items():

    @category.attack(f"a {title} header block inside a frame, slowly", "--header-timeout", LIMIT)
    def slow_header_bytes(field: Field, field_bytes=field_bytes) -> None:
        start = block(request_headers(GET))
        header = frame(HEADERS, 0, 1, start, length=10_000)
        expect_drip_ends(field.attacker(HELLO + header, acknowledges=False), field_bytes)


@category.attack("halves of requests on 100 streams", "--body-timeout", LIMIT)
def half_bodies(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(b"".join(headers(stream) + frame(DATA, 0, stream, b"\0\0\0\1\0") for stream in range(1, 200, 2)))
    ended = "the streams do not end"
    assert attacker.read_until(lambda: sum(attacker.resets.values()) >= 100, LONGER_SECONDS), ended
    attacker.expect_open()


@category.attack("requests without a body", "--body-timeout", LIMIT)
def no_bodies(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(b"".join(map(headers, range(1, 200, 2))))
    ended = "the streams do not end"
    assert attacker.read_until(lambda: sum(attacker.resets.values()) >= 100, LONGER_SECONDS), ended
    attacker.expect_open()


@category.attack("a request of a byte a frame, slowly", "--body-timeout", LIMIT)
def slow_body(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(headers(1) + frame(DATA, 0, 1, b"\0\0\0\1\0"))
    expect_drip_ends(attacker, frame(DATA, 0, 1, b"x"), lambda: attacker.resets)


# Signs of life.

KEEPALIVE = ("--keepalive-time", LIMIT, "--keepalive-timeout", LIMIT)


@category.attack("100 connections that answer no PING", *KEEPALIVE)
def dead_peers(field: Field) -> None:
    expect_ends(field.attackers(100, HELLO + request(1, WATCH, framed(b""))))


@category.attack("a watch whose client answers PING", *KEEPALIVE)
def live_peer(field: Field) -> None:
    wire = field.wire()
    stream = wire.open(WATCH)
    wire.send_data(stream, framed(b""))
    wire.read_until(lambda: wire.answers[stream].blocks and (wire.is_closed or wire.pings >= 3))
    assert not wire.is_closed, f"GOAWAY {wire.goaway}"


IMPATIENT = ("--keepalive-minimum-time", "60000")


@category.attack("PING without calls, sooner than is allowed", *IMPATIENT)
def impatient(field: Field) -> None:
    attacker = field.attacker()
    attacker.send(ping() * 10)
    attacker.expect_calm()
    assert attacker.goaway_data == b"too_many_pings", attacker.last_words


@category.attack("PING beside a watch, sooner than is allowed", *IMPATIENT)
def impatient_watch(field: Field) -> None:
    attacker = field.attacker(HELLO + request(1, WATCH, framed(b"")))
    attacker.read_until(lambda: attacker.frames[DATA])
    attacker.send(ping() * 10)
    attacker.expect_calm()
    assert attacker.goaway_data == b"too_many_pings", attacker.last_words


AGE = ("--max-connection-age", LIMIT, "--max-connection-age-grace", LIMIT)


@category.attack("100 connections with a watch that never ends", *AGE)
def old_connections(field: Field) -> None:
    attackers = field.attackers(100, HELLO + request(1, WATCH, framed(b"")))
    expect_ends(attackers)
    assert {attacker.goaway for attacker in attackers} == {0}, "not told why"


# Bytes.

IN_FLIGHT_BYTES = 16 * MIB
IN_FLIGHT = ("--max-request-bytes-in-flight", str(IN_FLIGHT_BYTES))


@category.attack("most of 4 MiB on each of 64 streams, never finished", *IN_FLIGHT)
def requests_in_flight(field: Field) -> None:
    before = field.subject.resident_bytes()
    body = framed(bytes(4 * MIB - 5))[: 4 * MIB - 16_384]
    attacker = field.attacker()
    attacker.settle()
    attacker.send(b"".join(headers(stream, CREATE) for stream in range(1, 128, 2)))
    for stream in range(1, 128, 2):
        attacker.send_message(stream, body, end=False)
    attacker.expect_open()
    # What each stream's buffer has to spare, and a read of the socket, come on top.
    taken = field.subject.peak_bytes() - before
    assert taken < 2 * IN_FLIGHT_BYTES, f"{taken / MIB:.0f} MiB for {IN_FLIGHT_BYTES / MIB:.0f} allowed"


@category.attack("most of 4 MiB on one stream of each of 40 connections", *IN_FLIGHT)
def requests_in_flight_everywhere(field: Field) -> None:
    before = field.subject.resident_bytes()
    body = framed(bytes(4 * MIB - 5))[: 4 * MIB - 16_384]
    for attacker in field.attackers(40):
        attacker.settle()
        attacker.send(headers(1, CREATE))
        attacker.send_message(1, body, end=False)
    taken = field.subject.peak_bytes() - before
    assert taken < 2 * IN_FLIGHT_BYTES, f"{taken / MIB:.0f} MiB for {IN_FLIGHT_BYTES / MIB:.0f} allowed"


# Frames that are no call.

CALM = ("--control-frames-burst", "1000", "--control-frames-per-second", "100")
CONTROL_FRAMES = {
    "PING": lambda i: ping(),
    "PING acknowledgements": lambda i: ping(flags=1),
    "SETTINGS": lambda i: settings((Setting.ENABLE_PUSH, 0)),
    "SETTINGS without entries": lambda i: frame(SETTINGS),
    "PRIORITY": lambda i: frame(PRIORITY, 0, 2 * i + 1, priority()),
    "WINDOW_UPDATE of 1 for the connection": lambda i: window_update(0, 1),
    "WINDOW_UPDATE of 1 for a stream": lambda i: window_update(1, 1),
    "empty DATA": lambda i: frame(DATA, 0, 1),
    "GOAWAY": lambda i: goaway(),
}

for title, make in CONTROL_FRAMES.items():

    @category.attack(f"5,000 frames: {title}", *CALM)
    def control_frames(field: Field, make=make) -> None:
        attacker = field.attacker(HELLO + headers(1))
        # A few at a time, as a peer that means to stay below other limits would.
        for start in range(0, 5_000, 100):
            if not attacker.send(b"".join(make(i) for i in range(start, start + 100))):
                break
        attacker.expect_calm()
