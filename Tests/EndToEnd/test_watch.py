from concurrent.futures import ThreadPoolExecutor

import pytest

from lifecycle import shut_down_all
from refusal import StatusCode, refused
from sessions import ACTIVE, create, create_in, delete, get, list_sessions, update
from watch import CREATED, Watch, assert_unbroken, history, watching


def test_a_watch_starts_with_a_bookmark_at_the_newest_event(server):
    with watching(server) as watch:
        assert watch.start == 0
    create(server)
    with watching(server) as watch:
        assert watch.start == 1


def test_a_watch_sees_events_live_and_in_order(server):
    create(server, "before")
    with watching(server) as watch:
        session = create_in(server, ACTIVE, "during")
        delete(server, session.id, force=True)
        events = watch.events(5)
        assert_unbroken(events, 1)
        assert events == history(server, after=1)


def test_an_event_is_committed_before_it_is_seen(server):
    with watching(server) as watch:
        for i in range(20):
            create(server, f"s{i}")
            event = watch.event()
            assert get(server, event.session_id).revision == event.sequence


@pytest.mark.parametrize("after", [1, 2, 4, 5])
def test_a_watch_starts_after_any_sequence_of_the_history(server, after):
    for i in range(5):
        create(server, f"s{i}")
    with watching(server, after_sequence=after) as watch:
        assert watch.start == after
        assert_unbroken(watch.events(5 - after), after)
        create(server, "live")
        assert watch.event().sequence == 6


def test_from_oldest_tells_the_whole_history_and_goes_on(server):
    for i in range(3):
        create(server, f"s{i}")
    with watching(server, from_oldest=True) as watch:
        assert watch.start == 0
        assert_unbroken(watch.events(3), 0)
        create(server, "live")
        assert watch.event().sequence == 4


def test_from_oldest_of_an_empty_server_waits_for_the_first(server):
    with watching(server, from_oldest=True) as watch:
        assert watch.start == 0
        create(server)
        assert watch.event().sequence == 1


def test_a_sequence_that_has_not_happened_is_refused(server):
    create(server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["after_sequence"]):
        Watch(server, after_sequence=2).bookmark()
    with refused(StatusCode.INVALID_ARGUMENT, paths=["after_sequence"]):
        Watch(server, after_sequence=-1).bookmark()


@pytest.mark.parametrize(
    "fields",
    [
        {"after_sequence": 1, "include_snapshot": True},
        {"after_sequence": 1, "from_oldest": True},
        {"include_snapshot": True, "from_oldest": True},
        {"after_sequence": 1, "include_snapshot": True, "from_oldest": True},
    ],
    ids=["after and snapshot", "after and oldest", "snapshot and oldest", "all"],
)
def test_a_watch_has_one_start(shared_server, fields):
    create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT):
        Watch(shared_server, **fields).next_item()


def test_watching_from_a_lists_sequence_misses_nothing(server):
    stop = False

    def create_many(worker: int) -> int:
        created = 0
        while not stop:
            create(server, f"w{worker}-{created}")
            created += 1
        return created

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(create_many, worker) for worker in range(4)]
        try:
            for _ in range(10):
                listed = list_sessions(server, page_size=1000)
                # Every session here is one event, so the list tells which events are in it.
                assert len(listed.sessions) == min(listed.sequence, 1000)
                if listed.sequence and len(listed.sessions) < 1000:
                    assert max(session.revision for session in listed.sessions) == listed.sequence
                if listed.sequence:
                    with watching(server, after_sequence=listed.sequence) as watch:
                        event = watch.event()
                        assert event.sequence == listed.sequence + 1
                        assert event.session_id not in {session.id for session in listed.sessions}
        finally:
            stop = True
        assert sum(writer.result() for writer in writers) == len(history(server))


def test_many_watches_see_the_same(server):
    with ThreadPoolExecutor(20) as pool:
        watches = [Watch(server) for _ in range(20)]
        assert [watch.bookmark() for watch in watches] == [0] * 20
        reads = [pool.submit(watch.events, 200) for watch in watches]
        for i in range(200):
            create(server, f"s{i}")
        expected = history(server)
        for read in reads:
            assert read.result() == expected
        for watch in watches:
            watch.cancel()


def test_a_slow_watch_holds_up_nobody_and_misses_nothing(server):
    with watching(server) as slow, watching(server) as quick:
        for i in range(500):
            create(server, "n" * 250, metadata={"i": i})
            assert quick.event().sequence == i + 1
        assert_unbroken(slow.events(500), 0)


def test_a_commit_larger_than_a_stream_holds_comes_whole_to_all(server):
    for i in range(400):
        create(server, "n" * 250 + str(i))
    watches = [Watch(server) for _ in range(4)]
    assert [watch.bookmark() for watch in watches] == [400] * 4
    shut_down_all(server)
    expected = history(server, after=400)
    assert len(expected) >= 800
    for watch in watches:
        assert watch.events(len(expected)) == expected
        watch.cancel()


def test_an_update_that_changes_nothing_is_not_seen(server):
    session = create(server, "same")
    with watching(server) as watch:
        update(server, session.id, name="same")
        create(server, "next")
        event = watch.event()
        assert (event.kind, event.session_name) == (CREATED, "next")


def test_a_quiet_watch_gets_a_bookmark_at_what_it_has_passed(server):
    session_ids = [create(server).id]
    watches = [Watch(server, session_ids=session_ids, after_sequence=1, deadline=30) for _ in range(3)]
    assert [watch.bookmark() for watch in watches] == [1] * 3
    create(server, "other")
    # Ten seconds without a matching event.
    assert [watch.bookmark() for watch in watches] == [2] * 3
    for watch in watches:
        watch.cancel()
