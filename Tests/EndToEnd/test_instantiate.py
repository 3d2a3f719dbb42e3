"""Sessions made from templates, with overrides on top."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from refusal import StatusCode, refused
from sessions import ACTIVE, DEPARTMENT, INITIALIZING, UNKNOWN_ID, create, delete, get, list_sessions, names, update
from templates import create_template, delete_template, instantiate
from watch import CREATED, history


def metadata(session) -> dict:
    return MessageToDict(session.metadata)


def test_the_example_of_the_reference(server):
    create_template(
        server,
        "data-department-template",
        metadata={
            "domain": "data-processing",
            "standardCapabilities": ["batch-processing", "data-validation", "error-handling"],
            "standardConstraints": ["max-memory:4gb", "cpu-priority:normal"],
        },
        environment={"LOG_LEVEL": "info", "DATA_DIR": "/data", "MAX_CONCURRENT_JOBS": "10"},
    )
    session = instantiate(
        server,
        "data-department-template",
        name="my-data-department",
        workspace="/workspace/my-project",
        metadata={"customDomain": "my-data-processing", "priority": "high"},
    )
    assert (session.type, session.status) == (DEPARTMENT, INITIALIZING)
    assert (session.name, session.workspace) == ("my-data-department", "/workspace/my-project")
    assert session.template_name == "data-department-template"
    assert list(session.capabilities) == ["batch-processing", "data-validation", "error-handling"]
    assert list(session.constraints) == ["max-memory:4gb", "cpu-priority:normal"]
    assert dict(session.environment) == {"LOG_LEVEL": "info", "DATA_DIR": "/data", "MAX_CONCURRENT_JOBS": "10"}
    assert metadata(session)["domain"] == "data-processing"
    assert metadata(session)["customDomain"] == "my-data-processing"
    assert get(server, session.id) == session
    assert names(list_sessions(server, where="templateName = 'data-department-template'")) == ["my-data-department"]
    events = history(server)
    assert [event.kind for event in events] == [CREATED]
    assert events[0].session_id == session.id


def test_overrides_of_metadata_merge_deep_and_a_null_removes_its_key(server):
    create_template(
        server,
        metadata={"keep": 1, "gone": True, "list": ["a", "b"], "config": {"keep": 2, "gone": 3, "in": {"x": 1}}},
    )
    overrides = ParseDict(
        {"gone": None, "never": None, "list": ["c"], "config": {"gone": None, "in": {"y": [None]}}, "new": {"z": None}},
        Struct(),
    )
    session = instantiate(server, metadata=overrides)
    assert metadata(session) == {
        "keep": 1, "list": ["c"], "config": {"keep": 2, "in": {"x": 1, "y": [None]}}, "new": {},
    }  # fmt: skip


def test_environment_is_merged(server):
    create_template(server, environment={"A": "1", "B": "2"})
    assert instantiate(server, environment={"B": "3", "C": "4"}).environment == {"A": "1", "B": "3", "C": "4"}


def test_capabilities_are_the_templates_then_the_standard_ones_without_duplicates(server):
    create_template(
        server,
        capabilities=["own", "both"],
        constraints=["max-cpu:1"],
        metadata={
            "standardCapabilities": ["both", "standard", "standard"],
            "standardConstraints": ["cpu-priority:low", "max-cpu:1"],
        },
    )
    session = instantiate(server)
    assert list(session.capabilities) == ["own", "both", "standard"]
    assert list(session.constraints) == ["max-cpu:1", "cpu-priority:low"]


def test_an_override_replaces_all_capabilities_or_all_constraints(server):
    create_template(
        server,
        capabilities=["own"],
        constraints=["max-cpu:1"],
        metadata={"standardCapabilities": ["standard"], "standardConstraints": ["cpu-priority:low"]},
    )
    capable = instantiate(server, capabilities=["other"])
    assert (list(capable.capabilities), list(capable.constraints)) == (["other"], ["max-cpu:1", "cpu-priority:low"])
    limited = instantiate(server, constraints=["max-cpu:2"])
    assert (list(limited.capabilities), list(limited.constraints)) == (["own", "standard"], ["max-cpu:2"])


def test_sessions_keep_what_they_have_when_their_template_is_deleted(server):
    create_template(server, capabilities=["a"], environment={"A": "1"})
    session = instantiate(server)
    delete_template(server, "data")
    assert get(server, session.id) == session
    with refused(StatusCode.NOT_FOUND, "TEMPLATE_NOT_FOUND") as refusal:
        instantiate(server)
    assert refusal.metadata == {"template_name": "data"}
    create_template(server, capabilities=["b"])
    assert get(server, session.id) == session
    assert list(instantiate(server).capabilities) == ["b"]


def test_a_session_from_a_template_is_as_any_other(server):
    create_template(server)
    session = instantiate(server)
    assert update(server, session.id, status=ACTIVE).template_name == "data"
    assert delete(server, session.id, force=True)


def test_the_parent_must_exist(server):
    create_template(server)
    director = create(server, "director")
    assert instantiate(server, parent_id=director.id).parent_id == director.id
    for parent_id in (UNKNOWN_ID, "director"):
        with refused(StatusCode.INVALID_ARGUMENT, paths=["parent_id"]):
            instantiate(server, parent_id=parent_id)


def test_the_limit_of_sessions_counts(start_server):
    server = start_server("--max-sessions", "1")
    create_template(server)
    instantiate(server)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        instantiate(server)


def test_every_violation_is_told_at_once(server):
    create_template(server)
    with refused(
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        [
            "name", "workspace", "metadata.standardCapabilities[0]", "constraints[0]", "environment.-", "parent_id",
            "request_id",
        ],
    ):  # fmt: skip
        instantiate(
            server,
            name="",
            workspace="relative",
            metadata={"standardCapabilities": [""]},
            constraints=["max-memory:lots"],
            environment={"-": ""},
            parent_id=UNKNOWN_ID,
            request_id="r" * 65,
        )
    assert history(server) == []


def test_what_is_wrong_comes_before_a_missing_template(server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["name"]):
        instantiate(server, "nothing", name="")


def test_what_is_too_much_together_with_the_template_is_refused(server):
    create_template(server, metadata={"k": "x" * 65000}, environment={f"V{i}": "" for i in range(256)})
    with refused(StatusCode.INVALID_ARGUMENT, paths=["metadata", "environment"]):
        instantiate(server, metadata={"j": "x" * 1000}, environment={"W": ""})
    assert instantiate(server, metadata={"k": "y"}, environment={"V0": "1"}).metadata["k"] == "y"


def test_a_repeat_returns_the_session_and_changes_nothing(server):
    create_template(server)
    first = instantiate(server, request_id="once")
    assert instantiate(server, request_id="once") == first
    delete_template(server, "data")
    assert instantiate(server, request_id="once") == first
    assert len(history(server)) == 1


@pytest.mark.parametrize("fields", [{"name": "other"}, {"metadata": {"a": 1}}, {"environment": {"A": "1"}}])
def test_the_same_id_with_another_body_is_refused(server, fields):
    create_template(server)
    instantiate(server, request_id="once")
    with refused(StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        instantiate(server, request_id="once", **fields)


def test_a_request_id_counts_per_method(server):
    create_template(server)
    assert instantiate(server, request_id="once").id != create(server, request_id="once").id


def test_a_repeat_after_the_session_was_deleted_is_not_found(server):
    create_template(server)
    delete(server, instantiate(server, request_id="once").id, force=True)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        instantiate(server, request_id="once")


def test_concurrent_repeats_make_one_session(server):
    create_template(server)
    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(lambda _: instantiate(server, request_id="once").id, range(64)))
    assert len(ids) == 1
