import pytest

from lifecycle import bootstrap, migrate, resources
from refusal import StatusCode, refused
from sessions import ACTIVE, COMPLETED, ERROR, IDLE, INITIALIZING, TERMINATED, UNKNOWN_ID, create, create_in, get
from test_status import short
from watch import DEREGISTERED, MIGRATED, UPDATED, history

ALIVE = [INITIALIZING, ACTIVE, IDLE]


@pytest.mark.parametrize("status", ALIVE, ids=short)
def test_a_migration_changes_the_workspace_in_one_step(shared_server, status):
    session = create_in(shared_server, status, metadata={"k": 1})
    moved = migrate(shared_server, session.id, "/workspace/new", preserve_state=True)
    (event,) = history(shared_server, after=session.revision)
    assert (event.kind, event.new_status, list(event.changed_fields)) == (MIGRATED, status, ["workspace"])
    assert get(shared_server, session.id) == moved
    assert moved.last_activity_time.ToNanoseconds() >= session.last_activity_time.ToNanoseconds()
    session.workspace = "/workspace/new"
    session.revision = event.sequence
    for field in ["update_time", "last_activity_time"]:
        getattr(session, field).CopyFrom(getattr(moved, field))
    assert moved == session


def test_state_is_kept_where_that_is_asked_for(server):
    session = bootstrap(server, metadata={"k": 1}, resources=resources("1g"))
    moved = migrate(server, session.id, "/new", preserve_state=True)
    assert (moved.metadata, moved.registration, moved.resources) == (
        session.metadata,
        session.registration,
        session.resources,
    )


def test_state_that_is_not_kept_starts_afresh(server):
    session = bootstrap(server, metadata={"k": 1}, capabilities=["c"], resources=resources("1g"))
    moved = migrate(server, session.id, "/new")
    assert moved.workspace == "/new" and moved.status == ACTIVE
    assert not moved.metadata.fields and not moved.HasField("registration")
    assert moved.resources == session.resources and list(moved.capabilities) == ["c"]
    events = history(server, after=session.revision)
    assert [(event.kind, list(event.changed_fields)) for event in events] == [
        (MIGRATED, ["workspace"]),
        (UPDATED, ["metadata"]),
        (DEREGISTERED, []),
    ]
    assert events[2].reason == "migrated"
    assert moved.revision == events[2].sequence


def test_a_migration_to_where_it_is_changes_nothing(server):
    session = create(server)
    moved = migrate(server, session.id, session.workspace, preserve_state=True)
    assert moved.revision == session.revision
    assert len(history(server)) == 1


@pytest.mark.parametrize("status", [COMPLETED, ERROR, TERMINATED], ids=short)
def test_what_has_finished_or_failed_stays(shared_server, status):
    session = create_in(shared_server, status)
    with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION") as refusal:
        migrate(shared_server, session.id, "/new")
    assert refusal.metadata["from"] == short(status)
    assert get(shared_server, session.id) == session


def test_a_wrong_migration_is_refused(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["workspace", "timeout"]):
        migrate(shared_server, UNKNOWN_ID, "relative", timeout_ms=-1)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id", "workspace"]):
        migrate(shared_server, "", "/a/../b")
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        migrate(shared_server, UNKNOWN_ID, "/new")


def test_migration_can_be_switched_off(start_server):
    server = start_server("--enable-migration", "false")
    session = create(server)
    with refused(StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED") as refusal:
        migrate(server, session.id, "/new")
    assert refusal.metadata == {"setting": "enableMigration"}
    assert get(server, session.id) == session
