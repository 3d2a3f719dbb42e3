"""Clients that ask for much and read nothing, or a byte at a time."""

from orchestration.session.v1 import event_service_pb2 as events_pb
from orchestration.session.v1 import session_service_pb2 as sessions_pb
from wire import LIST, PREFACE, WATCH, framed
from wire_bytes import Setting, reset, settings, window_update
from wire_checks import get_body

from attack import Category, Field
from subject import MIB, request

category = Category("readers")

LONG_LIST = framed(sessions_pb.ListSessionsRequest(page_size=1000).SerializeToString())
ALL_EVENTS = framed(events_pb.WatchEventsRequest(from_oldest=True).SerializeToString())
SNAPSHOT = framed(events_pb.WatchEventsRequest(include_snapshot=True).SerializeToString())
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"
WIDE_OPEN = settings((Setting.INITIAL_WINDOW_SIZE, 2**31 - 1)) + window_update(0, 2**31 - 1 - 65_535)
CLOSED = settings((Setting.INITIAL_WINDOW_SIZE, 0))


def streams(count: int) -> range:
    return range(1, 2 * count, 2)


def calls(count: int, path: str, body: bytes) -> bytes:
    return b"".join(request(stream, path, body) for stream in streams(count))


def expect_bounded(field: Field, most: int) -> None:
    """Expects that the server has no more memory than this, whatever it was asked for."""
    found = field.subject.peak_bytes()
    assert found < most, f"the server takes {found / MIB:.0f} MiB"


UNREAD = {
    "lists of 2 MB, 200 of them": (200, LIST, LONG_LIST),
    "watches of all events, 500 of them": (500, WATCH, ALL_EVENTS),
    "watches with a snapshot, 100 of them": (100, WATCH, SNAPSHOT),
    "health watches, 900 of them": (900, HEALTH_WATCH, framed(b"")),
}
for title, (count, path, body) in UNREAD.items():

    @category.attack(f"{title}, with all windows open and nothing read")
    def unread(field: Field, count=count, path=path, body=body) -> None:
        attacker = field.attacker(PREFACE + WIDE_OPEN, reads=False)
        attacker.send(calls(count, path, body))

    @category.attack(f"{title}, with windows that are closed")
    def closed_windows(field: Field, count=count, path=path, body=body) -> None:
        attacker = field.attacker(PREFACE + CLOSED)
        attacker.send(calls(count, path, body))
        attacker.expect_open()
        assert attacker.data_bytes == 0, f"{attacker.data_bytes} bytes past the window"


@category.attack("answers that wait for a window that never opens, on 900 streams")
def waiting_answers(field: Field) -> None:
    attacker = field.attacker(PREFACE + CLOSED)
    body = get_body(field.subject.session_id)
    attacker.send(b"".join(request(stream, body=body) for stream in streams(900)))
    attacker.expect_open()
    assert attacker.data_bytes == 0, f"{attacker.data_bytes} bytes past the window"


@category.attack("an answer of 2 MB, let through a byte at a time")
def byte_windows(field: Field) -> None:
    attacker = field.attacker(PREFACE + CLOSED)
    attacker.send(request(1, LIST, LONG_LIST))
    for _ in range(200):
        attacker.send(window_update(1, 1) * 10)
    # So many updates of a byte may be called a flood; past them nothing may come.
    attacker.read_until(lambda: attacker.data_bytes >= 2_000)
    if attacker.settle():
        assert attacker.data_bytes == 2_000, f"{attacker.data_bytes} bytes for 2,000 of window"
    else:
        attacker.expect_calm()


@category.attack("900 windows that open a byte, each for 1 byte of its answer")
def one_byte_each(field: Field) -> None:
    attacker = field.attacker(PREFACE + CLOSED)
    body = get_body(field.subject.session_id)
    attacker.send(b"".join(request(stream, body=body) for stream in streams(900)))
    attacker.send(b"".join(window_update(stream, 1) for stream in streams(900)))
    assert attacker.read_until(lambda: attacker.data_bytes >= 900), f"{attacker.data_bytes} bytes"
    attacker.expect_open()
    assert attacker.data_bytes == 900, f"{attacker.data_bytes} bytes for 900 of window"


@category.attack("lists of 2 MB whose client returns the window frame by frame, as good clients may")
def diligent_reader(field: Field) -> None:
    wire = field.wire()
    for _ in range(3):
        answer = wire.call(LIST, LONG_LIST)
        assert answer.grpc_status == 0, f"status {answer.grpc_status}"


@category.attack("900 answers, each let through a byte at a time")
def many_byte_windows(field: Field) -> None:
    attacker = field.attacker(PREFACE + CLOSED)
    body = get_body(field.subject.session_id)
    attacker.send(b"".join(request(stream, body=body) for stream in streams(900)))
    attacker.send(b"".join(window_update(stream, 1) for stream in streams(900)) * 30)
    attacker.settle()


@category.attack("windows that open and close with each other setting")
def flapping_windows(field: Field) -> None:
    attacker = field.attacker(PREFACE + CLOSED)
    attacker.send(calls(50, WATCH, ALL_EVENTS))
    attacker.send((settings((Setting.INITIAL_WINDOW_SIZE, 10)) + CLOSED) * 500)
    attacker.settle()


@category.attack("lists of 2 MB on 30 connections that read nothing")
def many_unread_connections(field: Field) -> None:
    for attacker in field.attackers(30, PREFACE + WIDE_OPEN, reads=False):
        attacker.send(calls(10, LIST, LONG_LIST))


@category.attack("watches of one client on 100 connections that read nothing")
def unread_watches(field: Field) -> None:
    for attacker in field.attackers(100, PREFACE + WIDE_OPEN, reads=False):
        attacker.send(calls(5, WATCH, ALL_EVENTS))


@category.attack("lists of 2 MB that are cancelled when they have begun to come")
def begun_lists(field: Field) -> None:
    attacker = field.attacker(PREFACE + WIDE_OPEN)
    for stream in streams(20):
        attacker.send(request(stream, LIST, LONG_LIST))
        seen = attacker.data_bytes
        attacker.read_until(lambda seen=seen: attacker.data_bytes > seen)
        attacker.send(reset(stream))
    attacker.expect_open()
