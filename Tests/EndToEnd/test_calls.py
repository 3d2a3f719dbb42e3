"""Deadlines, cancellation, compression and many calls at once, as a stock client makes them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from orchestration.session.v1 import event_service_pb2 as events_pb
from orchestration.session.v1.event_service_pb2_grpc import EventServiceStub
from orchestration.session.v1.session_service_pb2_grpc import SessionServiceStub

from refusal import StatusCode
from sessions import PATIENCE_SECONDS, create, draft, get, list_sessions, sessions_pb
from watch import Watch, assert_unbroken, history


def test_a_watch_ends_at_its_deadline(server):
    watch = Watch(server, deadline=0.5)
    assert watch.bookmark() == 0
    assert watch.end().code == StatusCode.DEADLINE_EXCEEDED
    assert create(server).revision == 1


def test_a_call_with_a_deadline_in_time_is_answered(server):
    request = sessions_pb.CreateSessionRequest(session=draft())
    assert server.sessions.CreateSession(request, timeout=PATIENCE_SECONDS).session.revision == 1


def test_a_cancelled_watch_leaves_others_untouched(server):
    other = Watch(server)
    assert other.bookmark() == 0
    for _ in range(200):
        watch = Watch(server)
        assert watch.bookmark() == 0
        watch.cancel()
        assert watch.stream.code() == StatusCode.CANCELLED
    create(server)
    assert other.event().sequence == 1
    other.cancel()


def test_a_closed_channel_leaves_others_untouched(server):
    with server.new_channel() as channel:
        stream = EventServiceStub(channel).WatchEvents(events_pb.WatchEventsRequest(), timeout=PATIENCE_SECONDS)
        assert next(stream).WhichOneof("item") == "bookmark"
    with pytest.raises(grpc.RpcError):
        next(stream)
    assert create(server).revision == 1


def test_many_callers_on_many_connections_are_all_answered(server):
    channels = [server.new_channel() for _ in range(8)]
    stubs = [SessionServiceStub(channel) for channel in channels]

    def create_one(i: int) -> str:
        request = sessions_pb.CreateSessionRequest(session=draft(f"s{i}"))
        return stubs[i % len(stubs)].CreateSession(request, timeout=PATIENCE_SECONDS).session.id

    with ThreadPoolExecutor(32) as pool:
        ids = list(pool.map(create_one, range(1000)))
    assert len(set(ids)) == 1000
    events = history(server)
    assert_unbroken(events, 0)
    assert {event.session_id for event in events} == set(ids)
    for channel in channels:
        channel.close()


def test_metadata_of_the_callers_own_disturbs_nothing(server):
    metadata = [("x-trace", "abc"), ("x-bytes-bin", bytes(range(256))), ("user-note", 'a, b; c="d"')]
    request = sessions_pb.CreateSessionRequest(session=draft())
    assert server.sessions.CreateSession(request, metadata=metadata, timeout=PATIENCE_SECONDS).session.revision == 1


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 65_000])
def test_messages_of_every_frame_size_come_through(shared_server, size):
    session = create(shared_server, metadata={"text": "x" * size})
    assert get(shared_server, session.id).metadata["text"] == "x" * size


def test_a_response_larger_than_every_window_comes_through(server):
    for i in range(60):
        create(server, f"s{i}", metadata={"text": "x" * 65_000})
    response = list_sessions(server, page_size=1000)
    # As many as a page may take.
    assert response.ByteSize() > 30 * 65_000
    assert response.next_page_token


def test_asyncio_creates_and_watches(server):
    async def work() -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            sessions = SessionServiceStub(channel)
            stream = EventServiceStub(channel).WatchEvents(events_pb.WatchEventsRequest(), timeout=PATIENCE_SECONDS)
            first = await stream.read()
            assert first.bookmark.sequence == 0
            creates = [
                sessions.CreateSession(
                    sessions_pb.CreateSessionRequest(session=draft(f"s{i}")), timeout=PATIENCE_SECONDS
                )
                for i in range(200)
            ]
            created = await asyncio.gather(*creates)
            events = [(await stream.read()).event for _ in range(200)]
            assert_unbroken(events, 0)
            by_sequence = {event.sequence: event.session_id for event in events}
            assert by_sequence == {answer.session.revision: answer.session.id for answer in created}
            stream.cancel()

    asyncio.run(work())


def test_asyncio_cancels_a_waiting_call(server):
    async def work() -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stream = EventServiceStub(channel).WatchEvents(events_pb.WatchEventsRequest(), timeout=PATIENCE_SECONDS)
            await stream.read()
            waiting = asyncio.ensure_future(stream.read())
            stream.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(work())
    assert create(server).revision == 1
