from lifecycle import bootstrap
from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    ERROR,
    IDLE,
    INITIALIZING,
    TERMINATED,
    UNKNOWN_ID,
    create,
    create_in,
    delete,
    get,
)
from watch import (
    DELETED,
    DEREGISTERED,
    ERROR_KIND,
    STATUS_CHANGED,
    TERMINATED_KIND,
    UPDATED,
    assert_unbroken,
    history,
    shape,
)


def test_a_finished_session_is_deleted_with_one_event(server):
    session = create_in(server, COMPLETED)
    assert delete(server, session.id)
    (event,) = history(server, after=session.revision)
    assert shape(event) == (DELETED, "main", 0, COMPLETED)
    assert event.session_id == session.id
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        get(server, session.id)


def test_a_session_in_no_final_status_needs_force(server):
    for status in [INITIALIZING, ACTIVE, IDLE, ERROR]:
        session = create_in(server, status)
        with refused(StatusCode.FAILED_PRECONDITION, "NOT_FINISHED"):
            delete(server, session.id)
        assert get(server, session.id) == session


def test_a_session_with_children_needs_force(server):
    parent = create_in(server, COMPLETED)
    create(server, "child", parent_id=parent.id)
    with refused(StatusCode.FAILED_PRECONDITION, "HAS_CHILDREN"):
        delete(server, parent.id)
    assert delete(server, parent.id, force=True)


def test_a_forced_delete_tells_the_children_then_the_end_then_the_deletion(server):
    parent = create(server, "parent")
    children = [create(server, f"child-{i}", parent_id=parent.id) for i in (1, 2)]
    create_in(server, ACTIVE, "bystander")
    start = history(server)[-1].sequence
    assert delete(server, parent.id, force=True)
    events = history(server, after=start)
    assert_unbroken(events, start)
    assert sorted(shape(event) for event in events[:2]) == [
        (UPDATED, "child-1", 0, INITIALIZING),
        (UPDATED, "child-2", 0, INITIALIZING),
    ]
    assert [list(event.changed_fields) for event in events[:2]] == [["parent_id"]] * 2
    assert [shape(event) for event in events[2:]] == [
        (STATUS_CHANGED, "parent", INITIALIZING, ERROR),
        (ERROR_KIND, "parent", 0, ERROR),
        (STATUS_CHANGED, "parent", ERROR, TERMINATED),
        (TERMINATED_KIND, "parent", 0, TERMINATED),
        (DELETED, "parent", 0, TERMINATED),
    ]
    assert events[3].error == "shut down before it started: forced"
    assert [events[4].reason, events[5].reason] == ["forced", "forced"]
    for child in children:
        orphan = get(server, child.id)
        assert orphan.parent_id == ""
        assert orphan.revision in (start + 1, start + 2)


def test_a_live_session_goes_straight_to_terminated(server):
    session = create_in(server, ACTIVE)
    assert delete(server, session.id, force=True)
    assert [shape(event) for event in history(server, after=2)] == [
        (STATUS_CHANGED, "main", ACTIVE, TERMINATED),
        (TERMINATED_KIND, "main", 0, TERMINATED),
        (DELETED, "main", 0, TERMINATED),
    ]


def test_a_registered_session_leaves_the_bus_before_it_is_deleted(server):
    session = bootstrap(server)
    assert delete(server, session.id, force=True)
    events = history(server, after=session.revision)
    assert [event.kind for event in events] == [STATUS_CHANGED, TERMINATED_KIND, DEREGISTERED, DELETED]
    assert [event.reason for event in events] == ["forced"] * 3 + [""]


def test_the_expected_revision_must_be_the_actual_one(server):
    session = create_in(server, COMPLETED)
    with refused(StatusCode.ABORTED, "REVISION_CONFLICT") as refusal:
        delete(server, session.id, expected_revision=1, force=True)
    assert (refusal.metadata["expected"], refusal.metadata["actual"]) == ("1", "3")
    assert delete(server, session.id, expected_revision=3)


def test_a_missing_session_is_not_found_unless_that_is_allowed(server):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        delete(server, UNKNOWN_ID)
    assert not delete(server, UNKNOWN_ID, allow_missing=True)
    assert not delete(server, UNKNOWN_ID, allow_missing=True, force=True, expected_revision=4)


def test_a_second_delete_finds_nothing(server):
    session = create_in(server, COMPLETED)
    assert delete(server, session.id)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        delete(server, session.id)


def test_the_history_of_a_deleted_session_stays(server):
    session = create_in(server, COMPLETED)
    delete(server, session.id)
    assert len(history(server, session_ids=[session.id])) == 4


def test_an_id_and_a_revision_that_are_wrong_are_told_at_once(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id", "expected_revision"]):
        delete(shared_server, "", expected_revision=-1)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["expected_revision"]):
        delete(shared_server, "no id", expected_revision=-1, allow_missing=True)
