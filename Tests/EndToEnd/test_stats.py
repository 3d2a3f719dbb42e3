"""Counts over all sessions."""

import time

from lifecycle import bootstrap, migrate
from pulse import activity, report, stats
from refusal import StatusCode, refused
from sessions import ACTIVE, COMPLETED, DIRECTOR, ERROR, OBSERVER, STATUSES, create, create_in, delete, update
from watch import history

TYPES = {"director", "department", "observer", "active"}
STATUS_NAMES = {"initializing", "active", "idle", "completed", "error", "terminated"}


def test_every_type_and_status_is_there_zero_or_not(server):
    counts = stats(server)
    assert dict(counts.by_type) == dict.fromkeys(TYPES, 0)
    assert dict(counts.by_status) == dict.fromkeys(STATUS_NAMES, 0)
    assert (counts.total_sessions, counts.average_uptime_ms, counts.total_processed_tasks, counts.sequence) == (
        0,
        0,
        0,
        0,
    )


def test_sessions_are_counted_by_type_and_status_at_a_sequence(server):
    for status in STATUSES:
        create_in(server, status, type=DIRECTOR)
    create(server, type=OBSERVER)
    counts = stats(server)
    assert counts.total_sessions == 7
    assert dict(counts.by_type) == dict.fromkeys(TYPES, 0) | {"director": 6, "observer": 1}
    assert dict(counts.by_status) == dict.fromkeys(STATUS_NAMES, 1) | {"initializing": 2}
    assert counts.sequence == history(server)[-1].sequence


def test_deleted_sessions_are_not_counted(server):
    session = create_in(server, ACTIVE)
    delete(server, session.id, force=True)
    counts = stats(server)
    assert counts.total_sessions == 0 and sum(counts.by_status.values()) == 0 and counts.average_uptime_ms == 0


def test_the_average_uptime_is_of_the_sessions_that_ever_started(server):
    create(server, "never")
    before = time.monotonic()
    running = bootstrap(server, "running")
    done = create_in(server, COMPLETED, "done")
    first = stats(server).average_uptime_ms
    # Two started, one of which goes on.
    while stats(server).average_uptime_ms < first + 100:
        pass
    elapsed_ms = (time.monotonic() - before) * 1000
    assert stats(server).average_uptime_ms >= 100
    assert first + 100 <= elapsed_ms
    update(server, running.id, status=ERROR)
    delete(server, done.id)
    assert stats(server).average_uptime_ms >= 200


def test_the_total_of_tasks_never_falls(server):
    first, second = bootstrap(server, "first"), bootstrap(server, "second")
    report(server, activity(first.id, 5), activity(second.id, 7, 7))
    assert stats(server).total_processed_tasks == 12
    delete(server, first.id, force=True)
    migrate(server, second.id, "/new")
    assert stats(server).total_processed_tasks == 12


def test_the_counts_are_those_of_before_after_a_kill(start_server):
    before = start_server()
    session = bootstrap(before)
    report(before, activity(session.id, 5))
    counts = stats(before)
    before.kill()
    after = start_server()
    restarted = stats(after)
    assert restarted.average_uptime_ms >= counts.average_uptime_ms
    counts.average_uptime_ms = restarted.average_uptime_ms
    assert restarted == counts


def test_without_metrics_there_are_no_counts(start_server):
    server = start_server("--enable-metrics", "false")
    with refused(StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED") as refusal:
        stats(server)
    assert refusal.metadata == {"setting": "enableMetrics"}
