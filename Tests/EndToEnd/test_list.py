import pytest

from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    DEPARTMENT,
    DIRECTOR,
    IDLE,
    INITIALIZING,
    OBSERVER,
    create,
    create_in,
    delete,
    list_sessions,
    names,
    order,
    sessions_pb,
    update,
)


def test_an_empty_server_lists_nothing_at_sequence_zero(server):
    response = list_sessions(server, include_total=True)
    assert (names(response), response.next_page_token, response.total_size, response.sequence) == ([], "", 0, 0)


def test_the_oldest_comes_first_by_default(server):
    for name in ["c", "a", "b"]:
        create(server, name)
    response = list_sessions(server)
    assert names(response) == ["c", "a", "b"]
    assert response.sequence == 3
    assert response.total_size == 0


def test_types_and_statuses_filter_as_any_of_and_together(server):
    create_in(server, ACTIVE, "a", type=DIRECTOR)
    create_in(server, IDLE, "b", type=DEPARTMENT)
    create_in(server, INITIALIZING, "c", type=DEPARTMENT)
    create_in(server, ACTIVE, "d", type=OBSERVER)
    assert names(list_sessions(server, types=[DEPARTMENT])) == ["b", "c"]
    assert names(list_sessions(server, types=[DIRECTOR, OBSERVER])) == ["a", "d"]
    assert names(list_sessions(server, statuses=[ACTIVE, IDLE])) == ["a", "b", "d"]
    assert names(list_sessions(server, types=[DEPARTMENT], statuses=[ACTIVE, IDLE])) == ["b"]
    assert names(list_sessions(server, types=[DEPARTMENT, DEPARTMENT], statuses=[COMPLETED])) == []


def test_the_total_counts_all_that_match(server):
    for i in range(7):
        create(server, f"d{i}", type=DEPARTMENT)
    create(server, "other")
    response = list_sessions(server, types=[DEPARTMENT], page_size=2, include_total=True)
    assert (len(response.sessions), response.total_size) == (2, 7)
    assert list_sessions(server, types=[DEPARTMENT], page_size=2).total_size == 0


def test_a_list_shows_whole_sessions(server):
    session = create_in(server, ACTIVE, metadata={"a": [1, {"b": None}]}, environment={"A": "1"}, capabilities=["x"])
    assert list(list_sessions(server).sessions) == [session]


def test_a_deleted_session_is_in_no_list(server):
    session = create_in(server, COMPLETED)
    delete(server, session.id)
    response = list_sessions(server, include_total=True)
    assert (names(response), response.total_size, response.sequence) == ([], 0, 4)


ORDERS = {
    "name": ("name", ["alpha", "beta", "gamma"]),
    "type": ("type", ["alpha", "gamma", "beta"]),
    "createdAt": ("createdAt", ["gamma", "alpha", "beta"]),
    "create_time": ("create_time", ["gamma", "alpha", "beta"]),
    "lastActivity": ("lastActivity", ["gamma", "beta", "alpha"]),
    "last_activity_time": ("last_activity_time", ["gamma", "beta", "alpha"]),
    "revision": ("revision", ["gamma", "beta", "alpha"]),
    "id": ("id", ["gamma", "alpha", "beta"]),
    "workspace": ("workspace", ["beta", "gamma", "alpha"]),
    "metadata numbers, missing first": ("metadata->>'priority'", ["gamma", "alpha", "beta"]),
    "metadata inside metadata": ("metadata->'deep'->>'n'", ["gamma", "beta", "alpha"]),
    "startedAt, missing first": ("startedAt", ["gamma", "beta", "alpha"]),
}


@pytest.fixture
def three(server):
    create(server, "gamma", type=DEPARTMENT, workspace="/b")
    alpha = create(server, "alpha", type=DIRECTOR, workspace="/c", metadata={"priority": 2, "deep": {"n": 9}})
    create(server, "beta", type=OBSERVER, workspace="/a", metadata={"priority": 10, "deep": {"n": 1}})
    update(server, alpha.id, status=ACTIVE)
    return server


@pytest.mark.parametrize("field, expected", ORDERS.values(), ids=ORDERS.keys())
def test_every_field_orders_both_ways(three, field, expected):
    if field == "startedAt":
        # The two that never started tie, and ties go by id ascending, always.
        assert names(list_sessions(three, order_by=[order(field)])) == ["gamma", "beta", "alpha"]
        assert names(list_sessions(three, order_by=[order(field, descending=True)])) == ["alpha", "gamma", "beta"]
        return
    assert names(list_sessions(three, order_by=[order(field)])) == expected
    assert names(list_sessions(three, order_by=[order(field, descending=True)])) == expected[::-1]


def test_an_unset_direction_is_ascending(three):
    response = list_sessions(three, order_by=[sessions_pb.OrderBy(field="name")])
    assert names(response) == ["alpha", "beta", "gamma"]


def test_later_fields_order_what_earlier_ones_leave_equal(server):
    for name, workspace in [("b", "/1"), ("a", "/2"), ("b", "/2"), ("a", "/1")]:
        create(server, name, workspace=workspace)
    response = list_sessions(server, order_by=[order("name", descending=True), order("workspace")])
    assert [(session.name, session.workspace) for session in response.sessions] == [
        ("b", "/1"),
        ("b", "/2"),
        ("a", "/1"),
        ("a", "/2"),
    ]


@pytest.mark.parametrize("descending", [False, True])
def test_ties_go_by_id_ascending(server, descending):
    ids = [create(server, "twin").id for _ in range(5)]
    response = list_sessions(server, order_by=[order("name", descending=descending)])
    assert [session.id for session in response.sessions] == ids


@pytest.mark.parametrize(
    "field", ["", "nonsense", "name; DROP TABLE sessions", "metadata", "capabilities", "name DESC"]
)
def test_a_field_that_does_not_exist_orders_nothing(shared_server, field):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        list_sessions(shared_server, order_by=[order("name"), order(field)])
    assert [path.split("[")[0] for path in refusal.paths] == ["order_by"]
    assert "[1]" in refusal.paths[0]


REFUSED = {
    "an unspecified type": ({"types": [DIRECTOR, 0]}, "types"),
    "a type from the future": ({"types": [99]}, "types"),
    "an unspecified status": ({"statuses": [0]}, "statuses"),
    "a negative page size": ({"page_size": -1}, "page_size"),
    "a negative page": ({"page": -1}, "page"),
}


@pytest.mark.parametrize("fields, path", REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_query_is_refused_with_its_path(shared_server, fields, path):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        list_sessions(shared_server, **fields)
    assert [violated.split("[")[0] for violated in refusal.paths] == [path]


def test_everything_wrong_with_a_list_is_told_at_once(shared_server):
    paths = ["types[1]", "statuses[0]", "where", "order_by[0].field", "page_size", "page"]
    with refused(StatusCode.INVALID_ARGUMENT, paths=paths):
        list_sessions(
            shared_server,
            types=[DIRECTOR, 0],
            statuses=[0],
            where="nonsense",
            order_by=[order("nonsense")],
            page_size=-1,
            page=-1,
        )


def test_a_direction_from_the_future_is_refused(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        list_sessions(shared_server, order_by=[sessions_pb.OrderBy(field="name", direction=9)])
    assert [path.split("[")[0] for path in refusal.paths] == ["order_by"]
