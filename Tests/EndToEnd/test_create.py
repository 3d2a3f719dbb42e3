import uuid

from google.protobuf.timestamp_pb2 import Timestamp
from orchestration.session.v1 import session_pb2 as pb

from sessions import (
    ACTIVE,
    COMPLETED,
    DEPARTMENT,
    INITIALIZING,
    OBSERVER,
    PARTICIPANT,
    UNKNOWN_ID,
    create,
    create_in,
    get,
    struct,
)
from watch import CREATED, history, shape


def test_a_created_session_has_what_was_given_and_what_the_server_chose(server):
    parent = create(server, "director")
    session = create(
        server,
        "data",
        type=DEPARTMENT,
        workspace="/workspace/data",
        metadata={"domain": "data", "nested": {"list": [1, "two", None, True]}},
        capabilities=["batch-processing", "stream-processing"],
        constraints=["max-memory:4gb", "house-rule:quiet"],
        environment={"LOG_LEVEL": "info", "_x1": ""},
        parent_id=parent.id,
    )
    assert uuid.UUID(session.id).version == 7
    assert session.id == session.id.lower()
    assert session.type == DEPARTMENT
    assert session.name == "data"
    assert session.status == INITIALIZING
    assert session.workspace == "/workspace/data"
    assert session.metadata == struct({"domain": "data", "nested": {"list": [1, "two", None, True]}})
    assert list(session.capabilities) == ["batch-processing", "stream-processing"]
    assert list(session.constraints) == ["max-memory:4gb", "house-rule:quiet"]
    assert dict(session.environment) == {"LOG_LEVEL": "info", "_x1": ""}
    assert session.parent_id == parent.id
    assert session.revision == 2
    assert session.create_time == session.update_time
    assert session.create_time.ToNanoseconds() > 0
    assert session.last_activity_time.ToNanoseconds() > 0
    for absent in ["start_time", "end_time", "resources", "registration"]:
        assert not session.HasField(absent)
    assert (session.template_name, session.cloned_from, session.status_reason) == ("", "", "")
    assert get(server, session.id) == session


def test_ids_grow_with_every_create(server):
    ids = [create(server, f"session-{i}").id for i in range(20)]
    assert ids == sorted(set(ids))


def test_a_create_is_one_created_event(server):
    session = create(server, "watcher", type=OBSERVER)
    (event,) = history(server)
    assert shape(event) == (CREATED, "watcher", 0, INITIALIZING)
    assert (event.sequence, event.session_id, event.session_type) == (1, session.id, OBSERVER)
    assert event.time.ToNanoseconds() > 0
    assert (event.reason, event.error, list(event.changed_fields)) == ("", "", [])


def test_output_only_fields_are_ignored(server):
    session = create(
        server,
        type=PARTICIPANT,
        id=UNKNOWN_ID,
        status=ACTIVE,
        resources=pb.ResourceAllocation(memory_bytes=1),
        registration=pb.Registration(draining=True),
        template_name="template",
        cloned_from=UNKNOWN_ID,
        status_reason="because",
        create_time=Timestamp(seconds=1),
        update_time=Timestamp(seconds=1),
        start_time=Timestamp(seconds=1),
        end_time=Timestamp(seconds=1),
        last_activity_time=Timestamp(seconds=1),
        revision=77,
    )
    assert session.id != UNKNOWN_ID
    assert session.status == INITIALIZING
    assert session.revision == 1
    for absent in ["resources", "registration", "start_time", "end_time"]:
        assert not session.HasField(absent)
    assert (session.template_name, session.cloned_from, session.status_reason) == ("", "", "")
    assert session.create_time.seconds > 1


def test_names_need_not_be_unique(server):
    assert create(server, "twin").id != create(server, "twin").id


def test_capabilities_and_constraints_may_come_in_the_metadata(server):
    session = create(
        server, metadata={"capabilities": ["validate", "notify"], "constraints": ["max-memory:4gb"], "domain": "data"}
    )
    assert list(session.capabilities) == ["validate", "notify"]
    assert list(session.constraints) == ["max-memory:4gb"]
    assert list(session.metadata["capabilities"]) == ["validate", "notify"]


def test_capabilities_that_are_given_count_and_not_those_in_the_metadata(server):
    session = create(server, capabilities=["own"], metadata={"capabilities": ["other"], "constraints": "not a list"})
    assert list(session.capabilities) == ["own"]
    assert list(session.constraints) == []


def test_a_list_that_is_not_all_strings_stays_in_the_metadata_only(server):
    session = create(server, metadata={"capabilities": ["one", 2]})
    assert list(session.capabilities) == []


def test_a_null_in_the_metadata_is_dropped(server):
    session = create(server, metadata={"gone": None, "kept": {"inner": None}})
    assert dict(session.metadata) == {"kept": struct({"inner": None})}


def test_a_finished_session_may_be_a_parent(server):
    parent = create_in(server, COMPLETED)
    assert create(server, "child", parent_id=parent.id).parent_id == parent.id


def test_text_of_every_script_is_kept(server):
    text = "Ω" * 85 + "日本" + "🙂" * 50
    session = create(server, text, metadata={text: text}, capabilities=["ça"], workspace="/späce")
    assert get(server, session.id).name == text
    assert get(server, session.id).metadata[text] == text


def test_numbers_in_the_metadata_are_kept_exactly(server):
    numbers = {"a": 0.1, "b": -1e-300, "c": 2**53, "d": 1.7976931348623157e308, "e": -0.5}
    session = create(server, metadata=numbers)
    assert dict(get(server, session.id).metadata) == numbers
