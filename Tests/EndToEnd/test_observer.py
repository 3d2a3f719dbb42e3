import pytest

from refusal import StatusCode, refused
from sessions import OBSERVER, UNKNOWN_ID, create, delete, update
from watch import Watch, watching


def observer(server, *targets: str, name: str = "observer"):
    return create(server, name, type=OBSERVER, metadata={"monitoringTargets": list(targets)})


def seen_before(watch, marker: str) -> list[str]:
    """The names of the sessions whose events come before the marker's."""
    names = []
    while (name := watch.event().session_name) != marker:
        names.append(name)
    return names


GLOBS = {
    "director-1": ["director-1"],
    "department-*": ["department-a", "department-"],
    "*": ["director-1", "director-10", "department-a", "department-", "x[1]", "Department-a", "a.c"],
    "d*-*": ["director-1", "director-10", "department-a", "department-"],
    "d*r-1*": ["director-1", "director-10"],
    "x[1]": ["x[1]"],
    "a?c": [],
    "a.*": ["a.c"],
    "": [],
}


@pytest.mark.parametrize("glob, expected", GLOBS.items(), ids=[f"'{glob}'" for glob in GLOBS])
def test_a_target_matches_names(server, glob, expected):
    watcher = observer(server, glob, "marker")
    with watching(server, observer_id=watcher.id) as watch:
        for name in ["director-1", "director-10", "department-a", "department-", "x[1]", "Department-a", "a.c"]:
            create(server, name)
        create(server, "marker")
        assert seen_before(watch, "marker") == expected


def test_a_target_matches_ids(server):
    sessions = [create(server, name) for name in ["one", "two"]]
    watcher = observer(server, sessions[0].id, sessions[1].id[:-4] + "*", "marker")
    with watching(server, observer_id=watcher.id) as watch:
        update(server, sessions[0].id, workspace="/new")
        update(server, sessions[1].id, workspace="/new")
        create(server, "three")
        create(server, "marker")
        assert "three" not in (seen := seen_before(watch, "marker"))
        assert {"one", "two"} <= set(seen)


def test_targets_are_read_live(server):
    watcher = observer(server, "a*", "marker*")
    with watching(server, observer_id=watcher.id) as watch:
        create(server, "a1")
        create(server, "b1")
        update(server, watcher.id, metadata={"monitoringTargets": ["b*", "marker*"]})
        create(server, "a2")
        create(server, "b2")
        create(server, "marker-1")
        assert seen_before(watch, "marker-1") == ["a1", "b2"]
        update(server, watcher.id, metadata={"monitoringTargets": None})
        create(server, "a3")
        create(server, "b3")
        update(server, watcher.id, metadata={"monitoringTargets": ["marker*"]})
        create(server, "marker-2")
        assert seen_before(watch, "marker-2") == []


def test_targets_filter_the_snapshot(server):
    for name in ["a1", "b1", "a2"]:
        create(server, name)
    watcher = observer(server, "a*")
    with watching(server, observer_id=watcher.id, include_snapshot=True) as watch:
        sessions, sequence = watch.snapshot()
        assert sorted(session.name for session in sessions) == ["a1", "a2"]
        assert sequence == 4


def test_targets_filter_history_too(server):
    for name in ["a1", "b1", "a2"]:
        create(server, name)
    watcher = observer(server, "a*")
    with watching(server, observer_id=watcher.id, from_oldest=True) as watch:
        assert [event.session_name for event in watch.events(2)] == ["a1", "a2"]


def test_a_deleted_observer_ends_its_watch(server):
    watcher = observer(server, "*")
    with watching(server, observer_id=watcher.id) as watch:
        delete(server, watcher.id, force=True)
        refusal = watch.end()
        assert (refusal.code, refusal.reason) == (StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")


def test_an_observer_that_does_not_exist_is_not_found(server):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        Watch(server, observer_id=UNKNOWN_ID).bookmark()


def test_only_an_observer_observes(server):
    director = create(server, metadata={"monitoringTargets": ["*"]})
    with refused(StatusCode.INVALID_ARGUMENT, paths=["observer_id"]):
        Watch(server, observer_id=director.id).bookmark()
