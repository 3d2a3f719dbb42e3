"""Taking sessions down: ShutdownSession, ForceShutdownSession, EmergencyShutdown."""

import pytest

from lifecycle import bootstrap, force, shut_down, shut_down_all
from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    ERROR,
    IDLE,
    INITIALIZING,
    STATUSES,
    TERMINATED,
    UNKNOWN_ID,
    create,
    create_in,
    get,
    update,
)
from test_status import short
from watch import (
    DEREGISTERED,
    ERROR_KIND,
    STATUS_CHANGED,
    TERMINATED_KIND,
    assert_unbroken,
    history,
    shape,
    watching,
)


def end(server, session_id, how, **fields):
    return shut_down(server, session_id, **fields) if how == "graceful" else force(server, session_id, **fields).session


HOWS = {"graceful": "normal", "forced": "forced"}


@pytest.mark.parametrize("status", STATUSES, ids=short)
@pytest.mark.parametrize("how", HOWS)
def test_a_session_ends_from_every_status_along_allowed_moves(shared_server, how, status):
    session = create_in(shared_server, status)
    ended = end(shared_server, session.id, how, reason="enough")
    events = history(shared_server, after=session.revision)
    assert_unbroken(events, session.revision)
    assert get(shared_server, session.id) == ended
    if status in [COMPLETED, TERMINATED]:
        assert ended == session and events == []
        return
    assert (ended.status, ended.status_reason) == (TERMINATED, "enough") and ended.HasField("end_time")
    straight = [(STATUS_CHANGED, "main", status, TERMINATED), (TERMINATED_KIND, "main", 0, TERMINATED)]
    if status == INITIALIZING:
        assert [shape(event) for event in events] == [
            (STATUS_CHANGED, "main", INITIALIZING, ERROR),
            (ERROR_KIND, "main", 0, ERROR),
            (STATUS_CHANGED, "main", ERROR, TERMINATED),
            (TERMINATED_KIND, "main", 0, TERMINATED),
        ]
        assert events[1].error == "shut down before it started: enough"
    else:
        assert [shape(event) for event in events] == straight
    assert [event.reason for event in events[-2:]] == ["enough"] * 2


@pytest.mark.parametrize("how", HOWS)
def test_the_end_takes_the_registration_last(server, how):
    session = bootstrap(server)
    ended = end(server, session.id, how)
    events = history(server, after=session.revision)
    assert [event.kind for event in events] == [STATUS_CHANGED, TERMINATED_KIND, DEREGISTERED]
    assert [event.reason for event in events] == [HOWS[how]] * 3
    assert ended.status_reason == HOWS[how] and not ended.HasField("registration")
    # In one transaction.
    assert len({event.time.ToNanoseconds() for event in events}) == 1


def family(server, status=ACTIVE):
    """A session and those below it, the deepest first."""
    top = create_in(server, status, "top")
    left = create_in(server, status, "left", parent_id=top.id)
    right = create_in(server, status, "right", parent_id=top.id)
    lower = create_in(server, status, "lower", parent_id=left.id)
    return [lower, left, right, top]


@pytest.mark.parametrize("how", HOWS)
def test_without_cascade_children_are_left_alone(server, how):
    lower, left, right, top = family(server)
    end(server, left.id, how)
    end(server, top.id, how)
    assert get(server, lower.id) == lower
    assert get(server, right.id) == right


@pytest.mark.parametrize("how", HOWS)
def test_a_cascade_ends_all_below_the_deepest_first(server, how):
    sessions = family(server)
    bystander = create_in(server, ACTIVE, "bystander")
    ended = end(server, sessions[-1].id, how, cascade=True, reason="all")
    assert ended.id == sessions[-1].id
    events = history(server, after=bystander.revision)
    ends = [event for event in events if event.kind == TERMINATED_KIND]
    assert [event.session_id for event in ends] == [session.id for session in sessions]
    assert {event.reason for event in events} == {"all"}
    assert get(server, bystander.id) == bystander


@pytest.mark.parametrize("how", HOWS)
def test_a_cascade_goes_on_below_what_is_final(server, how):
    lower, left, right, top = family(server)
    force(server, left.id)
    final = force(server, top.id).session
    assert end(server, top.id, how, cascade=True) == final
    assert [get(server, session.id).status for session in [lower, right]] == [TERMINATED] * 2


def test_a_forced_shutdown_tells_how_many_messages_were_lost(server):
    assert force(server, bootstrap(server).id).dead_lettered == 0


@pytest.mark.parametrize("how", HOWS)
def test_wrong_ends_are_refused(shared_server, how):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        end(shared_server, UNKNOWN_ID, how)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id"]):
        end(shared_server, "", how)


def test_a_reason_has_at_most_4096_bytes(server):
    session = create_in(server, ACTIVE)
    calls = {
        "session.status_reason": lambda reason: update(server, session.id, status=ERROR, status_reason=reason),
        "reason": lambda reason: shut_down_all(server, reason),
    }
    for path, call in calls.items():
        with refused(StatusCode.INVALID_ARGUMENT, paths=[path]):
            call("r" * 4097)
    for how in HOWS:
        with refused(StatusCode.INVALID_ARGUMENT, paths=["reason"]):
            end(server, session.id, how, reason="é" * 2049)
    assert get(server, session.id) == session
    assert end(server, session.id, "graceful", reason="é" * 2048).status_reason == "é" * 2048


@pytest.mark.parametrize("timeout_ms", [-1, -60_000])
def test_a_negative_timeout_is_refused(shared_server, timeout_ms):
    session = create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["timeout"]):
        shut_down(shared_server, session.id, timeout_ms=timeout_ms)
    assert get(shared_server, session.id) == session
    # Without messages, no time is enough.
    assert shut_down(shared_server, session.id, timeout_ms=0).status == TERMINATED


def test_an_emergency_ends_everything_children_before_parents(server):
    done = create_in(server, COMPLETED, "done")
    below = create_in(server, ERROR, "below", parent_id=done.id)
    sessions = family(server, INITIALIZING) + [create_in(server, IDLE, "idle")]
    start = history(server)[-1].sequence
    with watching(server) as watch:
        ended = shut_down_all(server, "fire")
        events = history(server, after=start)
        assert watch.events(len(events)) == events
    assert sorted(ended) == sorted(session.id for session in [*sessions, below])
    place = {session_id: index for index, session_id in enumerate(ended)}
    lower, left, right, top = (session.id for session in sessions[:4])
    assert place[lower] < place[left] < place[top] and place[right] < place[top]
    assert [event.session_id for event in events if event.kind == TERMINATED_KIND] == ended
    for session_id in ended:
        session = get(server, session_id)
        assert (session.status, session.status_reason) == (TERMINATED, "fire")
    assert get(server, done.id) == done
    assert shut_down_all(server) == []
    assert history(server)[-1].sequence == events[-1].sequence


def test_an_emergency_without_a_reason_is_an_emergency(server):
    session = create_in(server, ACTIVE)
    assert shut_down_all(server) == [session.id]
    assert get(server, session.id).status_reason == "emergency"


def test_an_emergency_can_be_switched_off(start_server):
    server = start_server("--enable-emergency-shutdown", "false")
    session = create(server)
    with refused(StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED") as refusal:
        shut_down_all(server)
    assert refusal.metadata == {"setting": "enableEmergencyShutdown"}
    assert get(server, session.id) == session


def test_an_emergency_of_many_is_one_transaction(server):
    parent = create(server, "parent")
    for number in range(300):
        parent = create(server, f"s{number}", parent_id=parent.id if number % 3 else "")
    newest = history(server)[-1].sequence
    assert len(shut_down_all(server)) == 301
    events = history(server, after=newest)
    assert_unbroken(events, newest)
    assert len(events) == 4 * 301
