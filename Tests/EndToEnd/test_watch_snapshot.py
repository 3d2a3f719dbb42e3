from concurrent.futures import ThreadPoolExecutor

from sessions import ACTIVE, COMPLETED, DEPARTMENT, INITIALIZING, create, create_in, delete, update
from watch import CREATED, DELETED, STATUS_CHANGED, Watch, assert_unbroken, history, watching


def test_a_snapshot_of_an_empty_server_is_complete_at_once(server):
    with watching(server, include_snapshot=True) as watch:
        assert watch.snapshot() == ([], 0)
        create(server)
        assert watch.event().sequence == 1


def test_a_snapshot_shows_whole_sessions_and_then_what_follows(server):
    expected = [create_in(server, ACTIVE, "a", metadata={"k": 1}), create(server, "b"), create_in(server, COMPLETED)]
    gone = create(server, "gone")
    delete(server, gone.id, force=True)
    newest = history(server)[-1].sequence
    with watching(server, include_snapshot=True) as watch:
        sessions, sequence = watch.snapshot()
        assert sorted(sessions, key=lambda session: session.id) == expected
        assert sequence == newest
        create(server, "next")
        assert watch.event().sequence == newest + 1


def test_types_and_ids_filter_the_snapshot_and_kinds_do_not(server):
    create(server, "director")
    one, two = [create(server, name, type=DEPARTMENT) for name in ["one", "two"]]
    with watching(server, include_snapshot=True, session_types=[DEPARTMENT], kinds=[STATUS_CHANGED]) as watch:
        sessions, sequence = watch.snapshot()
        assert {session.name for session in sessions} == {"one", "two"}
        assert sequence == 3
        create(server, "three", type=DEPARTMENT)
        update(server, one.id, status=ACTIVE)
        assert watch.event().kind == STATUS_CHANGED
    with watching(server, include_snapshot=True, session_ids=[two.id]) as watch:
        sessions, _ = watch.snapshot()
        assert [session.name for session in sessions] == ["two"]


def test_a_large_snapshot_is_whole(server):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: create(server, f"s{i}", metadata={"text": "x" * 2000}), range(1500)))
    with watching(server, include_snapshot=True) as watch:
        sessions, sequence = watch.snapshot()
        assert {session.name for session in sessions} == {f"s{i}" for i in range(1500)}
        assert len(sessions) == sequence == 1500


def test_a_snapshot_and_the_events_after_it_join_without_gap_or_repeat(server):
    """Rebuilds every session's status from a snapshot and what follows, while four writers are at work."""
    rounds = 40

    def work(worker: int) -> None:
        for i in range(rounds):
            session = create(server, f"w{worker}-{i}")
            if i % 2:
                update(server, session.id, status=ACTIVE)
            if i % 4 == 3:
                delete(server, session.id, force=True)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(work, worker) for worker in range(4)]
        snapshots = []
        while not all(writer.done() for writer in writers) and len(snapshots) < 30:
            watch = Watch(server, include_snapshot=True)
            snapshots.append((watch, *watch.snapshot()))
        for writer in writers:
            writer.result()

    final = history(server)
    truth = replay({}, final)
    assert sum(status == ACTIVE for status in truth.values()) == rounds
    for watch, sessions, sequence in snapshots:
        state = {session.id: session.status for session in sessions}
        assert state == replay({}, final[:sequence])
        assert all(session.revision <= sequence for session in sessions)
        events = watch.events(len(final) - sequence)
        assert_unbroken(events, sequence)
        assert replay(state, events) == truth
        watch.cancel()


def replay(state: dict[str, int], events) -> dict[str, int]:
    state = dict(state)
    for event in events:
        if event.kind == CREATED:
            assert event.session_id not in state
            state[event.session_id] = INITIALIZING
        elif event.kind == DELETED:
            del state[event.session_id]
        else:
            state[event.session_id] = event.new_status
    return state
