import pytest

from refusal import StatusCode, refused
from sessions import DEPARTMENT, create, delete, list_sessions, names, order, search, update


@pytest.fixture
def twelve(server):
    for i in range(12):
        create(server, f"s{i:02}", metadata={"third": i % 3} if i % 4 else {})
    return server


EVERY_NAME = [f"s{i:02}" for i in range(12)]


def walk(server, sizes, **fields) -> list[str]:
    """Lists page after page, each of the next size."""
    found, token = [], ""
    for size in sizes:
        response = list_sessions(server, page_size=size, page_token=token, **fields)
        assert len(response.sessions) <= size
        found += names(response)
        token = response.next_page_token
        if not token:
            return found
    raise AssertionError("there are more pages than sizes")


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 13])
def test_pages_join_to_the_whole_list(twelve, size):
    assert walk(twelve, [size] * 13) == EVERY_NAME


def test_the_page_size_may_change_from_page_to_page(twelve):
    assert walk(twelve, [1, 4, 2, 100]) == EVERY_NAME


def test_the_last_page_has_no_token_even_when_it_is_full(twelve):
    first = list_sessions(twelve, page_size=6)
    second = list_sessions(twelve, page_size=6, page_token=first.next_page_token)
    assert names(second) == EVERY_NAME[6:]
    assert second.next_page_token == ""


ORDERS = {
    "descending": [order("name", descending=True)],
    "with missing values": [order("metadata->>'third'")],
    "with missing values last": [order("metadata->>'third'", descending=True)],
    "with ties in two fields": [order("metadata->>'third'", descending=True), order("type"), order("name", True)],
    "by time": [order("updatedAt", descending=True)],
}


@pytest.mark.parametrize("order_by", ORDERS.values(), ids=ORDERS.keys())
def test_pages_join_in_every_order(twelve, order_by):
    whole = names(list_sessions(twelve, order_by=order_by))
    assert sorted(whole) == EVERY_NAME
    assert walk(twelve, [5, 1, 3, 3, 100], order_by=order_by) == whole


def test_pages_neither_skip_nor_repeat_while_others_come_and_go(twelve):
    first = list_sessions(twelve, page_size=4, order_by=[order("name")])
    delete(twelve, first.sessions[1].id, force=True)
    create(twelve, "s00a")
    create(twelve, "s04a")
    second = list_sessions(twelve, page_size=4, order_by=[order("name")], page_token=first.next_page_token)
    assert names(first) == EVERY_NAME[:4]
    assert names(second) == ["s04", "s04a", "s05", "s06"]


def test_a_token_continues_a_filtered_list(twelve):
    assert walk(twelve, [2] * 6, where="metadata->>'third' = ?", params=[1]) == ["s01", "s07", "s10"]


def test_pages_by_number_are_those_by_token(twelve):
    assert names(list_sessions(twelve, page_size=5, page=1)) == EVERY_NAME[:5]
    assert names(list_sessions(twelve, page_size=5, page=3)) == EVERY_NAME[10:]
    assert names(list_sessions(twelve, page_size=5, page=4)) == []
    assert names(list_sessions(twelve, page_size=1000, page=2**31 - 1)) == []


def test_a_page_by_number_may_tell_the_total(twelve):
    response = list_sessions(twelve, page_size=5, page=2, include_total=True)
    assert (names(response), response.total_size) == (EVERY_NAME[5:10], 12)


def test_a_page_and_a_token_together_are_refused(twelve):
    token = list_sessions(twelve, page_size=5).next_page_token
    with refused(StatusCode.INVALID_ARGUMENT):
        list_sessions(twelve, page_size=5, page=2, page_token=token)


OTHER_QUERIES = {
    "types": {"types": [DEPARTMENT]},
    "statuses": {"statuses": [1]},
    "where": {"where": "name = 'a'"},
    "order": {"order_by": [order("name")]},
    "direction": {"order_by": [order("createdAt", descending=True)]},
}


@pytest.mark.parametrize("fields", OTHER_QUERIES.values(), ids=OTHER_QUERIES.keys())
def test_a_token_of_another_query_is_refused(twelve, fields):
    token = list_sessions(twelve, page_size=5).next_page_token
    with refused(StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        list_sessions(twelve, page_token=token, **fields)


def test_a_token_of_other_parameters_is_refused(twelve):
    token = list_sessions(twelve, page_size=5, where="name != ?", params=["a"]).next_page_token
    with refused(StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        list_sessions(twelve, page_token=token, where="name != ?", params=["b"])


def test_a_damaged_token_is_refused(twelve):
    token = list_sessions(twelve, page_size=5).next_page_token
    damaged = ["x", "é", token[:-1], token + "A", "A" * 100_000]
    for position in range(0, len(token), 3):
        other = "B" if token[position] == "A" else "A"
        damaged.append(token[:position] + other + token[position + 1 :])
    for text in damaged:
        with refused(StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
            list_sessions(twelve, page_token=text)


def test_no_size_means_fifty_and_the_most_is_a_thousand(server):
    for i in range(1002):
        create(server, f"s{i:04}")
    assert len(list_sessions(server).sessions) == 50
    assert len(list_sessions(server, page_size=1000).sessions) == 1000
    response = list_sessions(server, page_size=2**31 - 1)
    assert len(response.sessions) == 1000
    assert names(list_sessions(server, page_token=response.next_page_token)) == ["s1000", "s1001"]


def test_a_token_is_good_after_a_restart(start_server):
    before = start_server()
    for i in range(4):
        create(before, f"s{i}")
    token = list_sessions(before, page_size=2).next_page_token
    before.stop()
    after = start_server()
    update(after, list_sessions(after).sessions[0].id, name="renamed")
    assert names(list_sessions(after, page_token=token)) == ["s2", "s3"]


MEGABYTE = {f"K{i}": "x" * 4096 for i in range(256)}


def test_a_page_ends_before_it_is_too_large_for_stock_clients(server):
    for name in ["a", "b", "c", "d", "e"]:
        create(server, name, environment=MEGABYTE)
    assert walk(server, [50] * 3) == ["a", "b", "c", "d", "e"]


def test_a_numbered_page_and_a_search_that_are_too_large_are_refused(server):
    for name in ["a", "b", "c"]:
        create(server, name, environment=MEGABYTE)
    assert names(list_sessions(server, page=2, page_size=1)) == ["b"]
    with refused(StatusCode.RESOURCE_EXHAUSTED, "PAGE_TOO_LARGE"):
        list_sessions(server, page=1, page_size=3)
    assert search(server, "workspace", limit=1) == ["c"]
    with refused(StatusCode.RESOURCE_EXHAUSTED, "PAGE_TOO_LARGE"):
        search(server, "workspace")
