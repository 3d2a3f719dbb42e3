"""What counts as activity of a session, and what does not."""

import pytest
from orchestration.session.v1 import session_pb2 as pb

from affinities import get_affinity, resolve, set_affinity
from lifecycle import bootstrap, clone, initialize, migrate, start
from messages import create_receiver, dead_letters, send
from pulse import check, metrics, stats, watch_health, watch_metrics
from sessions import create, get, list_sessions, search, update
from watch import history, watching


def last_activity(session: pb.Session) -> int:
    return session.last_activity_time.ToMicroseconds()


ACTIVITIES = {
    "an update": lambda server, id: update(server, id, name="new"),
    "an update that changes nothing": lambda server, id: update(server, id, name="main"),
    "a start": start,
    "a migration": lambda server, id: migrate(server, id, "/new", preserve_state=True),
    "a migration to where it is": lambda server, id: migrate(server, id, "/workspace/main", preserve_state=True),
}


@pytest.mark.parametrize("act", ACTIVITIES.values(), ids=ACTIVITIES.keys())
def test_updating_starting_and_migrating_are_activity(shared_server, act):
    session = bootstrap(shared_server)
    active = act(shared_server, session.id)
    assert last_activity(active) > last_activity(session)
    assert get(shared_server, session.id) == active


def test_reads_lists_and_searches_are_no_activity(server):
    session = create(server)
    get(server, session.id)
    list_sessions(server)
    search(server, "main")
    history(server, session_ids=[session.id])
    assert get(server, session.id) == session
    assert list(list_sessions(server).sessions) == [session]


def test_watches_are_no_activity(server):
    session = create(server)
    with watching(server, session_ids=[session.id], from_oldest=True) as watch:
        assert watch.event().session_id == session.id
    with watching(server, include_snapshot=True) as watch:
        assert watch.snapshot() == ([session], 1)
    assert get(server, session.id) == session


def test_health_metrics_and_messages_that_are_looked_at_are_no_activity(server):
    session = create_receiver(server)
    send(server, session)
    before = get(server, session)
    check(server, session)
    metrics(server, session)
    stats(server)
    dead_letters(server, session)
    for stream in [watch_health(server, session), watch_metrics(server, session, 100)]:
        next(stream)
        stream.cancel()
    assert get(server, session) == before


def test_what_is_done_with_others_is_no_activity(server):
    target, owner = bootstrap(server, "target"), bootstrap(server, "owner")
    set_affinity(server, owner.id, [target.id])
    get_affinity(server, owner.id)
    assert resolve(server, owner.id).target_session_id == target.id
    clone(server, owner.id)
    create(server, "child", parent_id=owner.id)
    assert [get(server, session.id) for session in [target, owner]] == [target, owner]


def test_an_allocation_is_no_activity(server):
    session = create(server)
    assert last_activity(initialize(server, session.id, "1g")) == last_activity(session)
