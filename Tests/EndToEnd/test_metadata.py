from refusal import StatusCode, refused
from sessions import create, get, struct, update
from watch import UPDATED, history


def test_metadata_merges_key_by_key_and_a_null_removes(server):
    session = create(server, metadata={"keep": 1, "replace": {"a": 1}, "remove": "x"})
    updated = update(server, session.id, metadata={"replace": {"b": 2}, "remove": None, "add": [True]})
    assert updated.metadata == struct({"keep": 1, "replace": {"b": 2}, "add": [True]})
    event = history(server)[-1]
    assert (event.kind, list(event.changed_fields)) == (UPDATED, ["metadata"])


def test_a_key_path_replaces_that_key_alone(server):
    session = create(server, metadata={"a": {"x": 1}, "b": 1})
    updated = update(server, session.id, ["metadata.a"], metadata={"a": {"y": 2}, "b": 99, "c": 99})
    assert updated.metadata == struct({"a": {"y": 2}, "b": 1})
    assert list(history(server)[-1].changed_fields) == ["metadata.a"]


def test_everything_after_the_first_dot_is_the_key(server):
    session = create(server, metadata={"a": 1, "a.b": 2})
    updated = update(server, session.id, ["metadata.a.b"], metadata={"a.b": 3})
    assert updated.metadata == struct({"a": 1, "a.b": 3})
    assert list(history(server)[-1].changed_fields) == ["metadata.a.b"]


def test_a_key_path_without_a_value_removes_the_key(server):
    session = create(server, metadata={"a": 1, "b": 2})
    assert update(server, session.id, ["metadata.a"]).metadata == struct({"b": 2})
    assert update(server, session.id, ["metadata.b"], metadata={"b": None}).metadata == struct({})


def test_removing_what_is_not_there_changes_nothing(server):
    session = create(server, metadata={"a": 1})
    assert update(server, session.id, ["metadata.b"]).revision == 1
    assert update(server, session.id, metadata={"c": None}).revision == 1
    assert len(history(server)) == 1


def test_the_size_counts_after_the_merge(server):
    session = create(server, metadata={"first": "x" * 40_000})
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session.metadata"]):
        update(server, session.id, metadata={"second": "x" * 40_000})
    assert get(server, session.id) == session
    updated = update(server, session.id, metadata={"first": None, "second": "x" * 40_000})
    assert list(updated.metadata) == ["second"]


def test_an_update_never_takes_capabilities_from_the_metadata(server):
    session = create(server)
    assert list(update(server, session.id, metadata={"capabilities": ["a"]}).capabilities) == []
