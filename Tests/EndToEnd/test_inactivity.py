"""Sessions that nobody uses, on a server that waits for them no longer than a moment."""

from lifecycle import bootstrap, start
from sessions import ACTIVE, ERROR, IDLE, INITIALIZING, TERMINATED, create, create_in, get, update
from watch import DEREGISTERED, ERROR_KIND, STATUS_CHANGED, TERMINATED_KIND, history, shape, watching

REASON = "inactivity timeout"


def test_an_unused_session_becomes_idle_and_then_ends(start_server):
    server = start_server("--session-timeout", "300")
    with watching(server) as watch:
        session = bootstrap(server)
        watch.events(4)
        idle, ended, terminated, deregistered = watch.events(4)
    assert shape(idle) == (STATUS_CHANGED, "main", ACTIVE, IDLE)
    assert shape(ended) == (STATUS_CHANGED, "main", IDLE, TERMINATED)
    assert [terminated.kind, deregistered.kind] == [TERMINATED_KIND, DEREGISTERED]
    assert {event.reason for event in [idle, ended, terminated, deregistered]} == {REASON}
    seconds = [event.time.ToNanoseconds() / 1e9 for event in [idle, ended]]
    assert seconds[0] - session.last_activity_time.ToNanoseconds() / 1e9 >= 0.299
    assert seconds[1] - seconds[0] >= 0.299
    assert get(server, session.id).status_reason == REASON


def test_a_session_that_does_not_start_fails(start_server):
    server = start_server("--session-timeout", "100")
    with watching(server) as watch:
        session = create(server)
        watch.event()
        moved, error = watch.events(2)
    assert shape(moved) == (STATUS_CHANGED, "main", INITIALIZING, ERROR)
    assert (error.kind, error.error) == (ERROR_KIND, REASON)
    assert get(server, session.id).status == ERROR


def test_activity_keeps_a_session_active(start_server):
    server = start_server("--session-timeout", "500")
    busy, unused = bootstrap(server, "busy"), bootstrap(server, "unused")
    # As long as the other one takes to end.
    while get(server, unused.id).status != TERMINATED:
        assert start(server, busy.id).status == ACTIVE
        update(server, busy.id, name="busy")
    assert history(server, session_ids=[busy.id])[-1].sequence == busy.revision


def test_a_constraint_has_its_own_time(start_server):
    # The default, and one session with less.
    server = start_server()
    with watching(server) as watch:
        bootstrap(server, "slow")
        bootstrap(server, "quick", constraints=["timeout:50"])
        watch.events(8)
        assert shape(watch.event()) == (STATUS_CHANGED, "quick", ACTIVE, IDLE)


def test_zero_is_for_ever(start_server):
    server = start_server("--session-timeout", "0")
    with watching(server) as watch:
        never = bootstrap(server, "never")
        bootstrap(server, "once", constraints=["timeout:50"])
        off = bootstrap(server, "off", constraints=["timeout:0"])
        watch.events(12)
        events = watch.events(4)
    assert {event.session_name for event in events} == {"once"}
    assert [get(server, session.id) for session in [never, off]] == [never, off]


def test_a_restart_starts_the_time_afresh(start_server):
    before = start_server("--session-timeout", "1000")
    session = create_in(before, ACTIVE)
    before.kill()
    after = start_server("--session-timeout", "1000")
    # The time that has passed for the session is over by now or soon; the server's has just begun.
    with watching(after) as watch:
        assert get(after, session.id).status == ACTIVE
        assert shape(watch.event()) == (STATUS_CHANGED, "main", ACTIVE, IDLE)


def test_thousands_end_in_time(start_server):
    server = start_server("--session-timeout", "2000", "--max-sessions", "10000")
    with watching(server, kinds=[ERROR_KIND]) as watch:
        sessions = {create(server, f"s{number}").id for number in range(1500)}
        assert {event.session_id for event in watch.events(1500)} == sessions
    # The call that looks after them does so in time, too.
    assert create(server).status == INITIALIZING
