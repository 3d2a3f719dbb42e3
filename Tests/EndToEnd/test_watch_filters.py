import pytest

from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    DEPARTMENT,
    DIRECTOR,
    OBSERVER,
    PARTICIPANT,
    UNKNOWN_ID,
    create,
    create_in,
    delete,
    update,
)
from watch import CREATED, DELETED, STATUS_CHANGED, UPDATED, Watch, history, list_events, watching


@pytest.fixture
def busy(server):
    """Five sessions' events: 3 created, 2 moved, 1 renamed, 1 deleted with its two moves and two ends."""
    director = create_in(server, ACTIVE, "director", type=DIRECTOR)
    department = create(server, "department", type=DEPARTMENT)
    observer = create_in(server, ACTIVE, "observer", type=OBSERVER)
    update(server, department.id, name="renamed")
    delete(server, observer.id, force=True)
    server.ids = {"director": director.id, "department": department.id, "observer": observer.id}
    return server


FILTERS = {
    "nothing": {},
    "one kind": {"kinds": [CREATED]},
    "two kinds": {"kinds": [STATUS_CHANGED, DELETED]},
    "one type": {"session_types": [DEPARTMENT]},
    "two types": {"session_types": [DIRECTOR, OBSERVER]},
    "one session": {"names": ["observer"]},
    "two sessions": {"names": ["director", "department"]},
    "kind and type": {"kinds": [CREATED, UPDATED], "session_types": [DEPARTMENT]},
    "kind and session": {"kinds": [STATUS_CHANGED], "names": ["director"]},
    "all three": {"kinds": [CREATED], "names": ["director", "observer"], "session_types": [OBSERVER]},
    "none that match": {"kinds": [DELETED], "names": ["director"]},
}


def matches(event, fields) -> bool:
    return all(
        not fields.get(name) or value in fields[name]
        for name, value in [
            ("kinds", event.kind),
            ("session_ids", event.session_id),
            ("session_types", event.session_type),
        ]
    )


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS.keys())
def test_a_filter_holds_in_history_and_live_alike(busy, filters):
    fields = {key: value for key, value in filters.items() if key != "names"}
    if "names" in filters:
        fields["session_ids"] = [busy.ids[name] for name in filters["names"]]
    expected = [event for event in history(busy) if matches(event, fields)]
    assert history(busy, **fields) == expected
    with watching(busy, from_oldest=True, **fields) as watch:
        assert watch.events(len(expected)) == expected


def test_live_watches_beside_each_other_each_see_what_is_theirs(server):
    watcher = create(server, "watcher", type=OBSERVER, metadata={"monitoringTargets": ["s*1", "s*2"]})
    start = history(server)[-1].sequence
    wanted = [fields for fields in FILTERS.values() if "names" not in fields] * 2
    observing = Watch(server, observer_id=watcher.id)
    assert observing.bookmark() == start
    leaving = [Watch(server) for _ in range(5)]
    watches = [Watch(server, **fields) for fields in wanted]
    for watch in [*leaving, *watches]:
        assert watch.bookmark() == start
    for i in range(100):
        session = create(server, f"s{i}", type=[DIRECTOR, DEPARTMENT, PARTICIPANT][i % 3])
        update(server, session.id, name=f"s{i} renamed")
        if i % 2:
            delete(server, session.id, force=True)
        if i % 20 == 10:
            leaving[i // 20].cancel()
    happened = history(server, after=start)
    for watch, fields in zip(watches, wanted, strict=True):
        expected = [event for event in happened if matches(event, fields)]
        assert watch.events(len(expected)) == expected
        watch.cancel()
    expected = [event for event in happened if event.session_name[-1] in "12"]
    assert observing.events(len(expected)) == expected
    observing.cancel()


def test_a_live_watch_skips_what_does_not_match(server):
    with watching(server, kinds=[STATUS_CHANGED], session_types=[DEPARTMENT]) as watch:
        create_in(server, ACTIVE, "director")
        create_in(server, ACTIVE, "department", type=DEPARTMENT)
        event = watch.event()
        assert (event.session_name, event.sequence) == ("department", 4)


def test_an_id_that_is_unknown_is_fine(server):
    create(server)
    for session_id in [UNKNOWN_ID, "director-1"]:
        with watching(server, session_ids=[session_id]) as watch:
            assert watch.start == 1
        assert history(server, session_ids=[session_id]) == []


WRONG = {
    "an unspecified kind": ({"kinds": [CREATED, 0]}, "kinds"),
    "a kind from the future": ({"kinds": [99]}, "kinds"),
    "an unspecified type": ({"session_types": [0]}, "session_types"),
    "a type from the future": ({"session_types": [99]}, "session_types"),
}


@pytest.mark.parametrize("fields, path", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_filter_is_refused_with_its_path(shared_server, fields, path):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        Watch(shared_server, **fields).next_item()
    assert [violated.split("[")[0] for violated in refusal.paths] == [path]
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        list_events(shared_server, **fields)
    assert [violated.split("[")[0] for violated in refusal.paths] == [path]
