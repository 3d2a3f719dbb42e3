import pytest
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from refusal import StatusCode, refused
from sessions import ACTIVE, DEPARTMENT, DIRECTOR, OBSERVER, create, create_in, list_sessions, names


@pytest.fixture(scope="module")
def population(module_server):
    server = module_server
    parent = create_in(server, ACTIVE, "director", metadata={"domain": "main", "rank": 1})
    create(
        server,
        "data",
        type=DEPARTMENT,
        parent_id=parent.id,
        workspace="/departments/data",
        metadata={"domain": "data", "rank": 10, "config": {"scale": True, "a.b": "dotted"}, "it's": "quoted"},
        capabilities=["batch"],
        environment={"LEVEL": "info"},
    )
    create_in(
        server,
        ACTIVE,
        "validator",
        type=DEPARTMENT,
        parent_id=parent.id,
        metadata={"domain": "data", "rank": 9.5, "config": {"scale": False}},
        capabilities=["batch", "check"],
        constraints=["max-cpu:1"],
    )
    create(server, "O'Brien", type=OBSERVER, metadata={"rank": "10"})
    server.parent_id = parent.id
    return server


CONDITIONS = {
    "text": ("name = 'data'", [], ["data"]),
    "a quote in a text": ("name = 'O''Brien'", [], ["O'Brien"]),
    "a parameter": ("name = ?", ["O'Brien"], ["O'Brien"]),
    "in": ("name IN (?, 'director', ?)", ["data", "nobody"], ["director", "data"]),
    "and": ("type = ? AND status = ?", ["DEPARTMENT", "ACTIVE"], ["validator"]),
    "keywords in any case": ("name in ('data') aNd type = 'department'", [], ["data"]),
    "the reference's own": ("type = ? AND status IN (?, ?)", ["DEPARTMENT", "ACTIVE", "IDLE"], ["validator"]),
    "full names": ("type = 'SESSION_TYPE_DIRECTOR' AND status = 'session_status_active'", [], ["director"]),
    "metadata": ("metadata->>'domain' = ?", ["data"], ["data", "validator"]),
    "metadata in metadata": ("metadata->'config'->>'scale' = true", [], ["data"]),
    "a boolean parameter": ("metadata->'config'->>'scale' = ?", [False], ["validator"]),
    "a key with a dot": ("metadata->'config'->>'a.b' = 'dotted'", [], ["data"]),
    "a key with a quote": ("metadata->>'it''s' = 'quoted'", [], ["data"]),
    "a number is no text": ("metadata->>'rank' = 10", [], ["data"]),
    "a text is no number": ("metadata->>'rank' = '10'", [], ["O'Brien"]),
    "a number parameter": ("metadata->>'rank' = ?", [9.5], ["validator"]),
    "environment": ("environment->>'LEVEL' = 'info'", [], ["data"]),
    "snake case": ("template_name = ''", [], []),
    "what is missing never matches": ("metadata->>'nothing' = 'x'", [], []),
    "greater": ("metadata->>'rank' > 9", [], ["data", "validator"]),
    "between": ("metadata->>'rank' BETWEEN 1 AND 9.5", [], ["director", "validator"]),
    "or and parentheses": ("(name = 'data' OR name = 'director') AND NOT type = 'DIRECTOR'", [], ["data"]),
    "like": ("name LIKE 'DA%'", [], ["data"]),
    "not like": ("name NOT LIKE '%a%'", [], ["director", "O'Brien"]),
    "is null": ("parentId IS NULL", [], ["director", "O'Brien"]),
    "is not null": ("parent_id IS NOT NULL AND startedAt IS NULL", [], ["data"]),
    "has": ("capabilities HAS 'check'", [], ["validator"]),
    "not has": ("NOT capabilities HAS 'check' AND constraints HAS ?", ["max-cpu:1"], []),
    "not in": ("name NOT IN ('data', 'director')", [], ["validator", "O'Brien"]),
    "unknown is not false": ("NOT metadata->>'domain' = 'data'", [], ["director"]),
    "times as text": ("createdAt > '2020-01-01T00:00:00Z' AND createdAt < '2100-01-01T00:00:00+02:00'", [], None),
    "times as milliseconds": ("lastActivity > 1577836800000", [], None),
    "revision": ("revision <= 2", [], ["director"]),
    "not equal": ("name != 'data' AND name <> 'O''Brien'", [], ["director", "validator"]),
    "less, and at least": ("metadata->>'rank' < 10 AND metadata->>'rank' >= 9.5", [], ["validator"]),
    "not between": ("metadata->>'rank' NOT BETWEEN 1 AND 9.5", [], ["data"]),
    "and binds closer than or": ("name = 'data' OR name = 'director' AND type = 'OBSERVER'", [], ["data"]),
    "an underscore is one character": ("name LIKE 'd_ta'", [], ["data"]),
    "a percent sign may be nothing": ("name LIKE 'data%'", [], ["data"]),
    "empty texts are null": (
        "parentId IS NULL AND clonedFrom IS NULL AND templateName IS NULL AND statusReason IS NULL",
        [],
        ["director", "O'Brien"],
    ),
    "no injection": ("name = ?", ["' OR 1=1 --"], []),
}


@pytest.mark.parametrize("where, params, expected", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_a_condition_lists_what_it_says(population, where, params, expected):
    response = list_sessions(population, where=where, params=params, include_total=True)
    if expected is None:
        expected = ["director", "data", "validator", "O'Brien"]
    assert names(response) == expected
    assert response.total_size == len(expected)


def test_a_condition_adds_to_types_and_statuses(population):
    fields = {"where": "parentId = ?", "params": [population.parent_id]}
    assert names(list_sessions(population, **fields)) == ["data", "validator"]
    assert names(list_sessions(population, statuses=[ACTIVE], **fields)) == ["validator"]
    assert names(list_sessions(population, types=[DIRECTOR], **fields)) == []


WRONG = {
    "an unknown field": ("nonsense = 1", [], 1),
    "an unknown field later": ("name = 'a' AND password = 'x'", [], 16),
    "no value": ("name =", [], 7),
    "two values": ("name = 'a' 'b'", [], 12),
    "an open literal": ("name = 'a", [], 8),
    "an open parenthesis": ("(name = 'a'", [], 12),
    "an unknown status": ("status = 'RUNNING'", [], 10),
    "an unknown type": ("type = 'ROBOT'", [], 8),
    "a bad time": ("createdAt > 'yesterday'", [], 13),
    "too few parameters": ("name = ? AND type = ?", ["a"], 21),
    "an injection": ("name = 'a'; DROP TABLE sessions", [], 11),
    "a comment": ("name = 'a' -- x", [], 12),
    "a function": ("load_extension('x') = 1", [], 1),
}


@pytest.mark.parametrize("where, params, position", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_condition_is_refused_with_its_position(population, where, params, position):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["where"]) as refusal:
        list_sessions(population, where=where, params=params)
    assert str(position) in refusal.violations[0][1], refusal


def test_an_error_says_what_was_expected(population):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["where"]) as refusal:
        list_sessions(population, where="name = 'a' AND (type =")
    assert refusal.violations[0][1].startswith("at 23: expected a value")


def test_a_condition_at_the_limits_is_accepted(population):
    for where in [
        "name = '" + "x" * (4096 - len("name = ''")) + "'",
        " OR ".join(["name = 'nobody'"] * 64),
        "(" * 31 + "name = 'nobody'" + ")" * 31,
    ]:
        assert names(list_sessions(population, where=where)) == []


def test_patterns_ignore_the_case_of_ascii_only(server):
    create(server, "ÉTÉ-1")
    assert names(list_sessions(server, where="name LIKE 'ÉtÉ-_'")) == ["ÉTÉ-1"]
    assert names(list_sessions(server, where="name LIKE 'été-_'")) == []


def test_a_pattern_has_no_escape(server):
    create(server, "d_ta")
    create(server, "d\\ata")
    assert names(list_sessions(server, where="name LIKE ?", params=["d\\_ta"])) == ["d\\ata"]
    assert names(list_sessions(server, where="name LIKE 'd_ta'")) == ["d_ta"]


def test_a_nul_in_a_parameter_is_refused(population):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        list_sessions(population, where="name = ?", params=["a\0b"])
    assert refusal.message.startswith("params")


HOSTILE = {
    "over 4 KiB": "name = '" + "x" * 4096 + "'",
    "65 tests": " AND ".join(["name = 'a'"] * 65),
    "33 deep": "(" * 33 + "name = 'a'" + ")" * 33,
    "very deep": "(" * 4000,
    "not, not, not": "NOT " * 1000 + "name = 'a'",
}


@pytest.mark.parametrize("where", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_condition_past_the_limits_is_refused(population, where):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["where"]):
        list_sessions(population, where=where)


PARAMETERS = {
    "too many": ["a", "b"],
    "a list": [Value(list_value=ListValue())],
    "an object": [Value(struct_value=Struct())],
    "nothing set": [Value()],
}


@pytest.mark.parametrize("params", PARAMETERS.values(), ids=PARAMETERS.keys())
def test_a_wrong_parameter_is_refused(population, params):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        list_sessions(population, where="name = ?", params=params)
    assert refusal.paths and refusal.paths[0].split("[")[0] in ("where", "params")


def test_parameters_without_a_condition_are_refused(population):
    with refused(StatusCode.INVALID_ARGUMENT):
        list_sessions(population, params=["a"])
