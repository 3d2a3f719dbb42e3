import pytest

from refusal import StatusCode, refused
from sessions import ACTIVE, DEPARTMENT, OBSERVER, create, search, update


@pytest.fixture
def three(server):
    create(server, "Main-Director", workspace="/workspace/one")
    create(server, "data_processor", type=DEPARTMENT, workspace="/workspace/Two")
    create(server, "100%", type=OBSERVER, workspace="/monitor")
    return server


SEARCHES = {
    "name in any case": ("mAIN-d", ["Main-Director"]),
    "workspace": ("/TWO", ["data_processor"]),
    "type": ("observer", ["100%"]),
    "type in any case": ("DirecTor", ["Main-Director"]),
    "several": ("workspace", ["data_processor", "Main-Director"]),
    "a percent sign is itself": ("0%", ["100%"]),
    "and no pattern": ("%", ["100%"]),
    "an underscore is itself": ("a_p", ["data_processor"]),
    "a quote": ("'", []),
    "nothing like it": ("zebra", []),
}


@pytest.mark.parametrize("query, expected", SEARCHES.values(), ids=SEARCHES.keys())
def test_a_search_finds_substrings(three, query, expected):
    assert search(three, query) == expected


def test_an_id_is_found(server):
    ids = [create(server, f"s{i}").id for i in range(3)]
    assert search(server, ids[1].upper()) == ["s1"]
    assert search(server, ids[1][9:]) == ["s1"]


def test_an_empty_search_finds_all_latest_activity_first(server):
    first = create(server, "first")
    for name in ["second", "third"]:
        create(server, name)
    update(server, first.id, status=ACTIVE)
    assert search(server, "") == ["first", "third", "second"]


def test_the_limit_limits(server):
    for i in range(60):
        create(server, f"s{i:02}")
    assert search(server, "s", limit=3) == ["s59", "s58", "s57"]
    assert len(search(server, "s")) == 50
    assert len(search(server, "s", limit=2**31 - 1)) == 60


def test_a_negative_limit_is_refused(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["limit"]):
        search(shared_server, "", limit=-1)
