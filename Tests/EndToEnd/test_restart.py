import pytest

from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    DEPARTMENT,
    DIRECTOR,
    IDLE,
    create,
    create_in,
    delete,
    get,
    list_sessions,
    names,
    search,
    update,
)
from watch import Watch, assert_unbroken, history, watching


def test_everything_is_as_it_was_after_a_restart(start_server):
    before = start_server()
    parent = create(before, "director", metadata={"a": [1, None, {"b": "ü"}]}, environment={"A": "1"})
    child = create_in(before, IDLE, "department", type=DEPARTMENT, parent_id=parent.id, constraints=["max-cpu:1"])
    gone = create(before, "gone")
    delete(before, gone.id, force=True)
    events = history(before)
    before.stop()

    after = start_server()
    assert [get(after, session.id) for session in (parent, child)] == [parent, child]
    assert list(list_sessions(after).sessions) == [parent, child]
    assert list_sessions(after, include_total=True, types=[DIRECTOR]).total_size == 1
    assert search(after, "dep") == ["department"]
    assert history(after) == events
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        get(after, gone.id)
    assert update(after, child.id, status=ACTIVE, expected_revision=child.revision).revision == len(events) + 1


def test_a_watch_resumes_over_a_restart(start_server):
    before = start_server()
    with watching(before) as watch:
        for i in range(5):
            create(before, f"before-{i}")
        seen = watch.events(3)
        before.terminate()
        assert watch.end().code == StatusCode.UNAVAILABLE
        before.stop()
    after = start_server()
    with watching(after, after_sequence=seen[-1].sequence) as watch:
        create(after, "after")
        events = watch.events(3)
        assert_unbroken(events, 3)
        assert [event.session_name for event in events] == ["before-3", "before-4", "after"]


def test_a_bookmark_is_as_good_as_an_event_to_resume_from(start_server):
    before = start_server()
    create(before, "one")
    with watching(before) as watch:
        bookmark = watch.start
    before.stop()
    after = start_server()
    with watching(after, after_sequence=bookmark) as watch:
        create(after, "two")
        assert watch.event().sequence == bookmark + 1


def test_a_watch_over_many_restarts_sees_every_event_once(start_server):
    last = 0
    seen = []
    for round in range(4):
        server = start_server()
        fields = {"after_sequence": last} if last else {"from_oldest": True}
        with watching(server, **fields) as watch:
            for i in range(10):
                create(server, f"{round}-{i}")
            # Some events are left for after the restart.
            count = 10 if round == 0 else 8
            seen += watch.events(count)
            last = seen[-1].sequence
        server.stop()
    assert_unbroken(seen, 0)
    server = start_server()
    assert history(server)[: len(seen)] == seen


def test_ids_keep_growing_over_a_restart(start_server):
    before = start_server()
    first = create(before).id
    before.stop()
    assert create(start_server()).id > first


def test_a_second_server_on_the_same_file_is_refused(start_server, program, tmp_path):
    server = start_server()
    session = create(server)
    with pytest.raises(AssertionError, match="does not listen"):
        start_server()
    assert get(server, session.id) == session


def test_a_sequence_from_a_file_that_is_gone_is_refused(start_server, tmp_path):
    before = start_server()
    create(before)
    before.stop()
    after = start_server(database=tmp_path / "other.db")
    with refused(StatusCode.INVALID_ARGUMENT, paths=["after_sequence"]):
        Watch(after, after_sequence=1).bookmark()
    assert names(list_sessions(after)) == []
