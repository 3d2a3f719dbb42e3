import pytest
from orchestration.session.v1 import session_pb2 as pb

from lifecycle import bootstrap
from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    ERROR,
    IDLE,
    INITIALIZING,
    STATUSES,
    TERMINATED,
    create,
    create_in,
    get,
    update,
)
from watch import DEREGISTERED, ERROR_KIND, STATUS_CHANGED, TERMINATED_KIND, assert_unbroken, history, shape

ALLOWED = {
    INITIALIZING: {ACTIVE, ERROR},
    ACTIVE: {IDLE, COMPLETED, ERROR, TERMINATED},
    IDLE: {ACTIVE, TERMINATED},
    ERROR: {TERMINATED},
    COMPLETED: set(),
    TERMINATED: set(),
}


def short(status: int) -> str:
    return pb.SessionStatus.Name(status).removeprefix("SESSION_STATUS_")


PAIRS = [(old, new) for old in STATUSES for new in STATUSES]


@pytest.mark.parametrize("old, new", PAIRS, ids=[f"{short(old)} to {short(new)}" for old, new in PAIRS])
def test_the_table_of_moves_holds(shared_server, old, new):
    session = create_in(shared_server, old)
    before = session.revision
    if new == old:
        # An update is activity, and nothing else changes.
        updated = update(shared_server, session.id, status=new)
        session.last_activity_time.CopyFrom(updated.last_activity_time)
        assert updated == session
        assert history(shared_server, after=before) == []
    elif new in ALLOWED[old]:
        updated = update(shared_server, session.id, status=new, status_reason="why")
        events = history(shared_server, after=before, session_ids=[session.id])
        assert (updated.status, updated.status_reason) == (new, "why")
        assert shape(events[0]) == (STATUS_CHANGED, "main", old, new)
        assert updated.revision == events[-1].sequence
    else:
        with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION") as refusal:
            update(shared_server, session.id, status=new)
        assert short(old) in refusal.metadata["from"]
        assert short(new) in refusal.metadata["to"]
        assert all(short(allowed) in refusal.metadata["allowed"] for allowed in ALLOWED[old])
        assert get(shared_server, session.id) == session


def test_entering_error_is_a_move_and_an_error_with_its_text(server):
    session = create_in(server, ACTIVE)
    updated = update(server, session.id, status=ERROR, status_reason="out of memory")
    events = history(server, after=2)
    assert [shape(event) for event in events] == [
        (STATUS_CHANGED, "main", ACTIVE, ERROR),
        (ERROR_KIND, "main", 0, ERROR),
    ]
    assert_unbroken(events, 2)
    assert events[1].error == "out of memory"
    assert updated.status_reason == "out of memory"
    assert not updated.HasField("end_time")


def test_entering_terminated_is_a_move_and_a_termination_with_its_reason(server):
    session = create_in(server, IDLE)
    updated = update(server, session.id, status=TERMINATED, status_reason="done for today")
    events = history(server, after=3)
    assert [shape(event) for event in events] == [
        (STATUS_CHANGED, "main", IDLE, TERMINATED),
        (TERMINATED_KIND, "main", 0, TERMINATED),
    ]
    assert [event.reason for event in events] == ["done for today"] * 2
    assert updated.HasField("end_time")


def test_completing_is_one_event(server):
    session = create_in(server, ACTIVE)
    assert update(server, session.id, status=COMPLETED).HasField("end_time")
    assert [event.kind for event in history(server, after=2)] == [STATUS_CHANGED]


@pytest.mark.parametrize(
    "status, kinds",
    [(COMPLETED, [STATUS_CHANGED, DEREGISTERED]), (TERMINATED, [STATUS_CHANGED, TERMINATED_KIND, DEREGISTERED])],
    ids=["COMPLETED", "TERMINATED"],
)
def test_a_final_status_ends_the_registration(server, status, kinds):
    session = bootstrap(server)
    ended = update(server, session.id, status=status, status_reason="done")
    events = history(server, after=session.revision)
    assert [event.kind for event in events] == kinds
    assert {event.reason for event in events} == {"done"}
    assert not ended.HasField("registration") and ended.revision == events[-1].sequence
    assert get(server, session.id) == ended


def test_an_error_is_not_final_and_leaves_the_registration(server):
    session = bootstrap(server)
    failed = update(server, session.id, status=ERROR, status_reason="out of memory")
    assert failed.registration == session.registration
    assert [event.kind for event in history(server, after=session.revision)] == [STATUS_CHANGED, ERROR_KIND]


def test_the_start_time_is_that_of_the_first_start(server):
    session = create_in(server, ACTIVE)
    assert session.HasField("start_time")
    update(server, session.id, status=IDLE)
    assert update(server, session.id, status=ACTIVE).start_time == session.start_time


def test_a_move_without_a_reason_clears_it(server):
    session = create(server)
    assert update(server, session.id, status=ACTIVE, status_reason="start").status_reason == "start"
    assert update(server, session.id, status=IDLE).status_reason == ""


def test_a_reason_goes_with_a_status(server):
    session = create(server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session.status_reason"]):
        update(server, session.id, status_reason="why")


@pytest.mark.parametrize("status", [0, 7, -1])
def test_a_status_that_does_not_exist_is_refused(server, status):
    session = create(server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session.status"]):
        update(server, session.id, status=status)


def test_a_refused_move_changes_no_field_either(server):
    session = create(server)
    with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION"):
        update(server, session.id, name="new", status=COMPLETED)
    assert get(server, session.id) == session
    assert len(history(server)) == 1
