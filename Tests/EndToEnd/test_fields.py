"""The table of field rules: each limit just kept, each rule broken, and the path that the error names."""

import pytest
from google.protobuf.struct_pb2 import Struct

from refusal import StatusCode, refused
from sessions import UNKNOWN_ID, create, draft, get, sessions_pb, update

KIB = 1024


def nested(depth: int) -> dict:
    value = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def nested_lists(depth: int) -> dict:
    value = []
    for _ in range(depth - 2):
        value = [value]
    return {"a": value}


def metadata_of_size(size: int) -> dict:
    return {"k": "x" * (size - len('{"k":""}'))}


def infinite(number: float) -> Struct:
    result = Struct()
    result.fields["n"].number_value = number
    return result


LONGEST_WORKSPACE = "/" + "w" * 4095

ACCEPTED = {
    "one character": {"name": "x"},
    "256 characters of four bytes": {"name": "🙂" * 256},
    "the root": {"workspace": "/"},
    "dots that are no segment": {"workspace": "/a/..b/c../...d/."},
    "4096 bytes of workspace": {"workspace": LONGEST_WORKSPACE},
    "32 deep metadata": {"metadata": nested(32)},
    "metadata and lists in it, 32 deep": {"metadata": nested_lists(32)},
    "64 KiB of metadata": {"metadata": metadata_of_size(64 * KIB)},
    "64 KiB as compact JSON, quotes escaped": {"metadata": {"k": '"' * (32 * KIB - 4)}},
    "128 capabilities": {"capabilities": [f"c{i}" for i in range(128)]},
    "a capability of 128 characters": {"capabilities": ["é" * 128]},
    "a constraint of 128 characters": {"constraints": ["c:" + "é" * 126]},
    "128 constraints": {"constraints": [f"c:{i}" for i in range(128)]},
    "256 variables": {"environment": {f"V{i}": "" for i in range(256)}},
    "a value of 4 KiB": {"environment": {"V": "v" * 4 * KIB}},
    "every unit": {"constraints": ["max-memory:1.5gib", "max-disk:512", "max-cpu:500m", "max-queue:10", "timeout:0"]},
    "upper case units": {"constraints": ["max-memory:512Mi", "max-disk:2TB", "max-cpu:0.5", "cpu-priority:high"]},
    "an unknown constraint": {"constraints": ["house-rule:", "other-1:a:b"]},
}

REFUSED = {
    "no name": ({"name": ""}, ["session.name"]),
    "257 characters": ({"name": "n" * 257}, ["session.name"]),
    "a line feed in the name": ({"name": "a\nb"}, ["session.name"]),
    "a control character of Latin-1": ({"name": "a\u0085"}, ["session.name"]),
    "no type": ({"type": 0}, ["session.type"]),
    "a type from the future": ({"type": 99}, ["session.type"]),
    "no workspace": ({"workspace": ""}, ["session.workspace"]),
    "a relative workspace": ({"workspace": "a/b"}, ["session.workspace"]),
    "a workspace above": ({"workspace": "/a/../b"}, ["session.workspace"]),
    "a workspace above at the end": ({"workspace": "/a/.."}, ["session.workspace"]),
    "4097 bytes of workspace": ({"workspace": LONGEST_WORKSPACE + "w"}, ["session.workspace"]),
    "33 deep metadata": ({"metadata": nested(33)}, ["session.metadata.a"]),
    "metadata and lists in it, 33 deep": ({"metadata": nested_lists(33)}, ["session.metadata.a"]),
    "too much metadata as compact JSON": ({"metadata": {"k": '"' * (32 * KIB - 3)}}, ["session.metadata"]),
    "too much metadata": ({"metadata": metadata_of_size(64 * KIB + 1)}, ["session.metadata"]),
    "infinity": ({"metadata": infinite(float("inf"))}, ["session.metadata.n"]),
    "not a number": ({"metadata": infinite(float("nan"))}, ["session.metadata.n"]),
    "129 capabilities": ({"capabilities": [f"c{i}" for i in range(129)]}, ["session.capabilities"]),
    "a long capability": ({"capabilities": ["ok", "c" * 129]}, ["session.capabilities[1]"]),
    "an empty capability": ({"capabilities": [""]}, ["session.capabilities[0]"]),
    "a capability twice": ({"capabilities": ["a", "b", "a"]}, ["session.capabilities[2]"]),
    "129 constraints": ({"constraints": [f"c:{i}" for i in range(129)]}, ["session.constraints"]),
    "a long constraint": ({"constraints": ["a:1", "c:" + "c" * 127]}, ["session.constraints[1]"]),
    "a constraint twice": ({"constraints": ["a:1", "a:1"]}, ["session.constraints[1]"]),
    "a constraint without a colon": ({"constraints": ["max-memory"]}, ["session.constraints[0]"]),
    "a constraint in upper case": ({"constraints": ["a:1", "Max:1"]}, ["session.constraints[1]"]),
    "memory in words": ({"constraints": ["max-memory:lots"]}, ["session.constraints[0]"]),
    "negative memory": ({"constraints": ["max-memory:-1"]}, ["session.constraints[0]"]),
    "memory past 64 bits": ({"constraints": ["max-memory:9999999999tb"]}, ["session.constraints[0]"]),
    "cores in gigabytes": ({"constraints": ["max-cpu:1gb"]}, ["session.constraints[0]"]),
    "a disk in words": ({"constraints": ["max-disk:all"]}, ["session.constraints[0]"]),
    "half a message": ({"constraints": ["max-queue:0.5"]}, ["session.constraints[0]"]),
    "a timeout with a unit": ({"constraints": ["timeout:5s"]}, ["session.constraints[0]"]),
    "an unknown priority": ({"constraints": ["cpu-priority:urgent"]}, ["session.constraints[0]"]),
    "a bad constraint in the metadata": ({"metadata": {"constraints": ["x"]}}, ["session.metadata.constraints[0]"]),
    "257 variables": ({"environment": {f"V{i}": "" for i in range(257)}}, ["session.environment"]),
    "a variable that starts with a digit": ({"environment": {"1A": ""}}, ["session.environment.1A"]),
    "a variable with a dash": ({"environment": {"A-B": ""}}, ["session.environment.A-B"]),
    "a value over 4 KiB": ({"environment": {"A": "v" * (4 * KIB + 1)}}, ["session.environment.A"]),
    "a parent that is no id": ({"parent_id": "director"}, ["session.parent_id"]),
    "a parent that does not exist": ({"parent_id": UNKNOWN_ID}, ["session.parent_id"]),
    "several at once": (
        {"type": 0, "name": "", "workspace": "x", "capabilities": ["", "a", "a"], "environment": {"-": ""}},
        [
            "session.type",
            "session.name",
            "session.workspace",
            "session.capabilities[0]",
            "session.capabilities[2]",
            "session.environment.-",
        ],
    ),
    "several and a missing parent": (
        {"name": "", "parent_id": UNKNOWN_ID},
        ["session.name", "session.parent_id"],
    ),
}


@pytest.mark.parametrize("fields", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_keeps_the_rules_is_accepted(shared_server, fields):
    session = create(shared_server, **fields)
    expected = draft(**fields)
    for field in fields:
        assert getattr(session, field) == getattr(expected, field)
    assert get(shared_server, session.id) == session


@pytest.mark.parametrize("fields, paths", REFUSED.values(), ids=REFUSED.keys())
def test_what_breaks_a_rule_is_refused_with_its_path_on_create(shared_server, fields, paths):
    with refused(StatusCode.INVALID_ARGUMENT, paths=paths):
        create(shared_server, **fields)


UPDATES = {
    name: case for name, case in REFUSED.items() if "type" not in case[0] and name != "a bad constraint in the metadata"
}


@pytest.mark.parametrize("fields, paths", UPDATES.values(), ids=UPDATES.keys())
def test_what_breaks_a_rule_is_refused_with_its_path_on_update(shared_server, fields, paths):
    session = create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=paths):
        update(shared_server, session.id, **fields)
    assert get(shared_server, session.id) == session


def test_a_create_without_a_session_names_what_is_missing(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        shared_server.sessions.CreateSession(sessions_pb.CreateSessionRequest(), timeout=10)
    assert refusal.paths
    assert all(path.split(".")[0] == "session" for path in refusal.paths)


def test_a_refused_create_leaves_nothing_behind(server):
    with refused(StatusCode.INVALID_ARGUMENT):
        create(server, "")
    assert create(server).revision == 1


def test_a_nul_is_refused_and_the_message_names_its_field(shared_server):
    for fields, path in [
        ({"name": "a\0b"}, "session.name"),
        ({"workspace": "/a\0b"}, "session.workspace"),
        ({"capabilities": ["a\0b"]}, "session.capabilities"),
    ]:
        with refused(StatusCode.INVALID_ARGUMENT) as refusal:
            create(shared_server, **fields)
        assert path in refusal.message
