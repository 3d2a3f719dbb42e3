import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    DEPARTMENT,
    ERROR,
    IDLE,
    INITIALIZING,
    PATIENCE_SECONDS,
    UNKNOWN_ID,
    create,
    create_in,
    get,
    pb,
    sessions_pb,
    update,
)
from watch import STATUS_CHANGED, UPDATED, assert_unbroken, history, shape


def test_masked_fields_change_and_others_stay(server):
    session = create(server, "before", capabilities=["a"], environment={"A": "1"})
    updated = update(server, session.id, ["name", "environment"], name="after", workspace="/ignored", environment={})
    assert (updated.name, updated.workspace) == ("after", session.workspace)
    assert list(updated.capabilities) == ["a"]
    assert dict(updated.environment) == {}
    assert updated.revision == 2
    assert updated.create_time == session.create_time
    assert updated.update_time.ToNanoseconds() >= session.update_time.ToNanoseconds()
    assert updated.last_activity_time.ToNanoseconds() >= session.last_activity_time.ToNanoseconds()
    assert get(server, session.id) == updated


def test_the_event_names_only_what_really_changed(server):
    session = create(server, "same", capabilities=["a"])
    update(server, session.id, name="same", capabilities=["b"], workspace="/new", constraints=["max-cpu:1"])
    event = history(server)[-1]
    assert shape(event) == (UPDATED, "same", 0, INITIALIZING)
    assert sorted(event.changed_fields) == ["capabilities", "constraints", "workspace"]


def test_every_field_has_its_path_in_the_event(server):
    parent = create(server, "parent")
    session = create(server, "old")
    update(
        server,
        session.id,
        name="new",
        workspace="/new",
        capabilities=["a"],
        constraints=["max-cpu:1"],
        environment={"A": "1"},
        parent_id=parent.id,
        metadata={"k": 1},
    )
    event = history(server)[-1]
    assert event.session_name == "new"
    assert sorted(event.changed_fields) == [
        "capabilities",
        "constraints",
        "environment",
        "metadata",
        "name",
        "parent_id",
        "workspace",
    ]


def test_an_update_that_changes_nothing_makes_no_event_and_keeps_the_revision(server):
    session = create_in(server, ACTIVE, metadata={"a": 1}, capabilities=["x"])
    updated = update(
        server, session.id, name=session.name, metadata={"a": 1}, capabilities=["x"], status=ACTIVE, status_reason="new"
    )
    assert updated.revision == session.revision
    assert updated.update_time == session.update_time
    assert updated.status_reason == ""
    assert len(history(server)) == session.revision


def test_an_empty_mask_takes_every_field_that_is_not_the_default(server):
    session = create(server, "before", workspace="/kept", capabilities=["kept"])
    updated = update(server, session.id, [], name="after", status=ACTIVE, metadata={"k": "v"})
    assert (updated.name, updated.workspace, updated.status) == ("after", "/kept", ACTIVE)
    assert list(updated.capabilities) == ["kept"]
    assert updated.metadata["k"] == "v"


def test_an_update_without_a_mask_message_is_one_with_an_empty_mask(server):
    session = create(server, "before")
    request = sessions_pb.UpdateSessionRequest(session=pb.Session(id=session.id, name="after"))
    assert server.sessions.UpdateSession(request, timeout=PATIENCE_SECONDS).session.name == "after"


def test_fields_and_a_status_are_an_update_and_then_a_move(server):
    session = create(server, "before")
    updated = update(server, session.id, name="after", status=ACTIVE, status_reason="go")
    events = history(server, after=1)
    assert [shape(event) for event in events] == [
        (UPDATED, "after", 0, INITIALIZING),
        (STATUS_CHANGED, "after", INITIALIZING, ACTIVE),
    ]
    assert_unbroken(events, 1)
    assert list(events[0].changed_fields) == ["name"]
    assert list(events[1].changed_fields) == []
    assert events[1].reason == "go"
    assert updated.revision == 3


@pytest.mark.parametrize("path", ["id", "type", "revision", "create_time", "nonsense", "", "session.name", "Metadata"])
def test_a_path_that_cannot_be_updated_is_refused(shared_server, path):
    session = create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        update(shared_server, session.id, [path, "name"], name="new")
    assert all(violated.startswith("update_mask") for violated in refusal.paths) and refusal.paths
    assert get(shared_server, session.id).name == session.name


def test_the_type_never_changes(server):
    session = create(server)
    request = sessions_pb.UpdateSessionRequest(
        session=pb.Session(id=session.id, type=DEPARTMENT, name="new"), update_mask=FieldMask(paths=["name"])
    )
    assert server.sessions.UpdateSession(request, timeout=PATIENCE_SECONDS).session.type == session.type


def test_the_expected_revision_must_be_the_actual_one(server):
    session = create(server)
    updated = update(server, session.id, name="second", expected_revision=1)
    with refused(StatusCode.ABORTED, "REVISION_CONFLICT") as refusal:
        update(server, session.id, name="third", expected_revision=1)
    assert (refusal.metadata["expected"], refusal.metadata["actual"]) == ("1", "2")
    assert get(server, session.id) == updated


def test_a_parent_can_be_given_and_taken(server):
    parent = create(server, "parent")
    child = create(server, "child")
    assert update(server, child.id, parent_id=parent.id).parent_id == parent.id
    assert update(server, child.id, parent_id="").parent_id == ""


def test_a_cycle_of_parents_is_refused(server):
    top = create(server, "top")
    middle = create(server, "middle", parent_id=top.id)
    bottom = create(server, "bottom", parent_id=middle.id)
    for parent in [top, middle, bottom]:
        with refused(StatusCode.INVALID_ARGUMENT, paths=["session.parent_id"]):
            update(server, top.id, parent_id=parent.id)


def test_the_fields_of_a_finished_session_may_change(server):
    session = create_in(server, COMPLETED)
    assert update(server, session.id, name="renamed", metadata={"k": 1}).name == "renamed"


def test_a_session_that_does_not_exist_cannot_be_updated(shared_server):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        update(shared_server, UNKNOWN_ID, name="new")


def test_when_several_errors_apply_the_first_kind_is_told(server):
    session = create_in(server, IDLE)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session.name"]):
        update(server, UNKNOWN_ID, name="")
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session.name"]):
        update(server, session.id, name="", status=ERROR, expected_revision=1)
    with refused(StatusCode.NOT_FOUND):
        update(server, UNKNOWN_ID, name="new", expected_revision=1)
    with refused(StatusCode.ABORTED, "REVISION_CONFLICT"):
        update(server, session.id, status=ERROR, expected_revision=1)
