"""Clients that read nothing, open too much, or give up all the time."""

import socket
import struct

import pytest
from hyperframe.frame import PingFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame
from orchestration.session.v1 import event_service_pb2 as events_pb

from sessions import create
from watch import watching
from wire import CANCEL, GET, LIST, PROTOCOL_ERROR, REFUSED_STREAM, WATCH, connected, framed
from wire_checks import NOT_FOUND, assert_connection_serves, assert_others_are_served, get_body

INITIAL_WINDOW_SIZE = 4
MAX_CONCURRENT_STREAMS = 3


def test_an_answer_waits_for_its_window(shared_server):
    session = create(shared_server)
    with connected(shared_server, settings={INITIAL_WINDOW_SIZE: 0}, opens_windows=False) as wire:
        stream = wire.open(GET)
        wire.send_data(stream, get_body(session.id))
        wire.ping()
        assert wire.answers[stream].data == b""
        wire.send(WindowUpdateFrame(stream, 3))
        wire.read_until(lambda: len(wire.answers[stream].data) == 3)
        wire.ping()
        assert len(wire.answers[stream].data) == 3
        wire.send(WindowUpdateFrame(stream, 10_000))
        answer = wire.answer(stream)
        assert (answer.grpc_status, len(answer.messages)) == (0, 1)


def test_a_window_closed_by_a_setting_opens_again(shared_server):
    session = create(shared_server)
    with connected(shared_server, settings={INITIAL_WINDOW_SIZE: 10}) as wire:
        stream = wire.open(GET)
        wire.send_data(stream, get_body(session.id))
        wire.read_until(lambda: len(wire.answers[stream].data) == 10)
        wire.send(SettingsFrame(settings={INITIAL_WINDOW_SIZE: 0}))
        wire.ping()
        wire.send(SettingsFrame(settings={INITIAL_WINDOW_SIZE: 65_535}))
        assert wire.answer(stream).grpc_status == 0


def test_a_watch_that_reads_nothing_holds_up_nobody_and_misses_nothing(server):
    with connected(server, settings={INITIAL_WINDOW_SIZE: 0}) as wire, watching(server) as quick:
        stream = wire.open(WATCH)
        wire.send_data(stream, framed(b""))
        wire.read_until(lambda: wire.answers[stream].blocks)
        for i in range(2000):
            create(server, "n" * 200)
            assert quick.event().sequence == i + 1
        wire.send(SettingsFrame(settings={INITIAL_WINDOW_SIZE: 1 << 20}))
        wire.read_until(lambda: len(wire.answers[stream].messages) >= 2001)
        responses = [events_pb.WatchEventsResponse.FromString(data) for data in wire.answers[stream].messages]
        sequences = [response.event.sequence for response in responses if response.WhichOneof("item") == "event"]
        assert sequences == list(range(1, 2001))


def test_watches_that_nobody_reads_leave_one_on_the_same_connection_that_is_read(server):
    for _ in range(500):
        create(server, "n" * 250)
    body = framed(events_pb.WatchEventsRequest(from_oldest=True).SerializeToString())
    with connected(server, settings={INITIAL_WINDOW_SIZE: 0}) as wire:
        # Together they fill what may wait for a connection.
        for _ in range(40):
            wire.send_data(wire.open(WATCH), body)
        wire.ping()
        stream = wire.open(WATCH)
        wire.send(WindowUpdateFrame(stream, 1 << 20))
        wire.send_data(stream, body)
        wire.read_until(lambda: len(wire.answers[stream].messages) == 501)


def test_a_connection_that_is_reset_while_answers_are_written_ends_alone(server):
    for _ in range(20):
        create(server, metadata={"key": "x" * 60_000})
    for _ in range(50):
        with connected(server, settings={INITIAL_WINDOW_SIZE: 1 << 30}, opens_windows=False) as wire:
            wire.send(WindowUpdateFrame(0, 1 << 30))
            streams = [wire.open(LIST) for _ in range(8)]
            for stream in streams:
                wire.send_data(stream, framed(b""))
            wire.read_until(lambda: any(wire.answers[stream].data for stream in streams))
            # Closing then sends RST instead of FIN.
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert_others_are_served(server)


def test_every_stream_that_is_allowed_is_served_and_one_more_is_not(shared_server):
    with connected(shared_server) as wire:
        limit = wire.peer_settings[MAX_CONCURRENT_STREAMS]
        streams = [wire.open(WATCH) for _ in range(limit)]
        for stream in streams:
            wire.send_data(stream, framed(b""))
        wire.read_until(lambda: all(wire.answers[stream].data for stream in streams))
        wire.send(RstStreamFrame(streams[0], CANCEL))
        assert wire.call(GET, get_body()).grpc_status == NOT_FOUND
        wire.open(WATCH)
        extra = wire.open(GET)
        # A client that has seen the setting breaks the protocol here (RFC 9113 section 5.1.2).
        wire.read_until(lambda: wire.is_closed or wire.answers[extra].is_over)
        assert wire.goaway == PROTOCOL_ERROR or wire.answers[extra].reset in (PROTOCOL_ERROR, REFUSED_STREAM)
    assert_others_are_served(shared_server)


FLOODS = {
    "resets": lambda wire: wire.send(RstStreamFrame(wire.open(GET), CANCEL)),
    "settings": lambda wire: wire.send(*[SettingsFrame(settings={INITIAL_WINDOW_SIZE: 65_535})] * 10),
    "pings": lambda wire: wire.send(*[PingFrame(0, b"12345678")] * 10),
    "empty data": lambda wire: wire.send_data(wire.stream, b"", end=False),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_on_one_connection_leaves_others_untouched(shared_server, flood):
    with connected(shared_server) as wire:
        wire.stream = wire.open(GET)
        try:
            for _ in range(5000):
                flood(wire)
        except ConnectionError:
            # Ending the connection is one way to be calm.
            pass
        assert_others_are_served(shared_server)


def test_many_calls_at_once_on_one_connection_are_all_answered(shared_server):
    with connected(shared_server) as wire:
        streams = [wire.open(GET) for _ in range(100)]
        for stream in reversed(streams):
            wire.send_data(stream, get_body())
        assert {wire.answer(stream).grpc_status for stream in streams} == {NOT_FOUND}
        assert_connection_serves(wire)
