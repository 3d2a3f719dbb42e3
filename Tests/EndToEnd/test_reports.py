"""Heartbeats: what sessions tell of themselves, on streams that stay open."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from lifecycle import bootstrap
from pulse import Reporting, activity, metrics, report, stats, until
from sessions import ACTIVE, COMPLETED, ERROR, IDLE, UNKNOWN_ID, create, create_in, get, update
from watch import STATUS_CHANGED, history, shape, watching


def kept(server, session_id: str) -> tuple[int, int, float] | None:
    """What the file has of a session's reports. Who asks the server for it has it write them down."""
    with closing(sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)) as database:
        columns = "tasks_processed, memory_usage_bytes, cpu_usage"
        rows = database.execute(f"SELECT {columns} FROM session_metrics WHERE session_id = ?", [session_id])
        return rows.fetchone()


def last_activity(server, session_id: str) -> int:
    return get(server, session_id).last_activity_time.ToMicroseconds()


def test_reports_are_counted_when_the_call_is_answered(server):
    session = bootstrap(server)
    answer = report(server, activity(session.id, 3, 1, [1, 2, 3]), activity(session.id, 2))
    assert answer.accepted == 2 and not answer.rejected
    assert metrics(server, session.id).tasks_processed == 5
    assert stats(server).total_processed_tasks == 5


def test_answered_reports_survive_a_kill(start_server):
    before = start_server()
    session = bootstrap(before)
    report(before, activity(session.id, 3, 1, [1, 2, 3], memory=7, cpu=0.5))
    at_report = get(before, session.id)
    before.kill()
    after = start_server()
    assert get(after, session.id) == at_report
    found = metrics(after, session.id)
    assert (found.tasks_processed, found.memory_usage_bytes, found.cpu_usage) == (3, 7, 0.5)


def test_what_was_told_is_not_older_after_a_kill(start_server):
    before = start_server()
    session = bootstrap(before)
    reporting = Reporting(before)
    reporting.send(activity(session.id, 3))
    until(lambda: metrics(before, session.id).tasks_processed == 3)
    before.kill()
    assert metrics(start_server(), session.id).tasks_processed == 3


def test_reports_of_an_open_stream_are_kept_every_interval(start_server):
    before = start_server("--metrics-interval", "100")
    session = bootstrap(before)
    reporting = Reporting(before)
    reporting.send(activity(session.id, 3, 1, memory=7, cpu=0.5))
    until(lambda: kept(before, session.id) == (3, 7, 0.5))
    told, counted = get(before, session.id), metrics(before, session.id)
    before.kill()
    after = start_server()
    found = get(after, session.id)
    age = told.last_activity_time.ToMicroseconds() - found.last_activity_time.ToMicroseconds()
    assert 0 <= age <= 100_000
    found.last_activity_time.CopyFrom(told.last_activity_time)
    assert found == told
    # What is told of the window begins afresh.
    for field in ["tasks_processed", "messages_processed", "memory_usage_bytes", "cpu_usage"]:
        assert getattr(metrics(after, session.id), field) == getattr(counted, field)
    assert stats(after).total_processed_tasks == 3


def test_between_intervals_only_an_answer_takes_reports_to_the_file(start_server):
    server = start_server("--metrics-interval", "3600000")
    answered, unanswered = bootstrap(server, "answered"), bootstrap(server, "unanswered")
    # This one first: an answer takes along what others have reported.
    report(server, activity(answered.id, 3))
    reporting = Reporting(server)
    reporting.send(activity(unanswered.id, 4))
    begun = unanswered.last_activity_time.ToMicroseconds()
    until(lambda: last_activity(server, unanswered.id) > begun)
    # Nor does any other change.
    create(server)
    assert (kept(server, answered.id), kept(server, unanswered.id)) == ((3, 0, 0), None)
    assert reporting.finish().accepted == 1
    assert kept(server, unanswered.id) == (4, 0, 0)


def test_reports_of_a_stream_that_is_cancelled_count(server):
    session = bootstrap(server)
    reporting = Reporting(server)
    reporting.send(activity(session.id, 4))
    until(lambda: metrics(server, session.id).tasks_processed == 4)
    reporting.cancel()
    assert stats(server).total_processed_tasks == 4


def test_rejected_reports_have_index_id_and_reason(server):
    session, done = bootstrap(server), create_in(server, COMPLETED)
    answer = report(
        server,
        activity(session.id, 1),
        activity(session.id, 1, 2),
        activity(session.id, 2, 0, [5]),
        activity(done.id),
        activity(UNKNOWN_ID),
        activity("nobody"),
        activity(""),
        activity(session.id, -1),
        activity(session.id, cpu=float("nan")),
        activity(session.id, 1),
    )
    assert answer.accepted == 2
    assert [item.index for item in answer.rejected] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [item.session_id for item in answer.rejected] == [
        session.id,
        session.id,
        done.id,
        UNKNOWN_ID,
        "nobody",
        "",
        session.id,
        session.id,
    ]
    reasons = [item.error for item in answer.rejected]
    expected = ["tasks_failed", "response_times_ms", "finished", "no session", "no session", "required"]
    expected += ["tasks_processed", "cpu_usage"]
    assert all(part in reason for part, reason in zip(expected, reasons, strict=True)), reasons
    assert metrics(server, session.id).tasks_processed == 2


def test_a_thousand_rejections_are_told(server):
    answer = report(server, *[activity("nobody")] * 1500)
    assert answer.accepted == 0 and [item.index for item in answer.rejected] == list(range(1000))


def test_a_report_is_activity(start_server):
    server = start_server("--session-timeout", "1000")
    busy, unused = bootstrap(server, "busy"), bootstrap(server, "unused")
    with watching(server, kinds=[STATUS_CHANGED]) as watch:
        until(lambda: report(server, activity(busy.id)).accepted and get(server, unused.id).status == IDLE)
        assert shape(watch.event()) == (STATUS_CHANGED, "unused", ACTIVE, IDLE)
        assert get(server, busy.id).status == ACTIVE


def test_a_report_of_an_idle_session_leaves_it_idle(server):
    session = create_in(server, IDLE)
    assert report(server, activity(session.id)).accepted == 1
    assert get(server, session.id).status == IDLE


def test_a_report_is_no_event_and_keeps_the_revision(server):
    session = bootstrap(server)
    report(server, activity(session.id, 1))
    now = get(server, session.id)
    assert now.revision == session.revision == history(server)[-1].sequence
    assert now.last_activity_time.ToNanoseconds() > session.last_activity_time.ToNanoseconds()


def test_every_session_in_no_final_status_may_report(server):
    for session in [create(server), create_in(server, IDLE), create_in(server, ERROR)]:
        assert report(server, activity(session.id)).accepted == 1
    session = bootstrap(server)
    update(server, session.id, status=COMPLETED)
    assert report(server, activity(session.id)).accepted == 0


def test_without_metrics_reports_are_activity(start_server):
    server = start_server("--enable-metrics", "false")
    session = bootstrap(server)
    assert report(server, activity(session.id, 1)).accepted == 1
    assert get(server, session.id).last_activity_time.ToNanoseconds() > session.last_activity_time.ToNanoseconds()


def test_many_streams_at_once_lose_nothing(server):
    sessions = [bootstrap(server, f"s{number}").id for number in range(20)]

    def send(number: int) -> int:
        reports = (activity(sessions[(number + i) % 20], 1, 0, [i]) for i in range(1000))
        return server.metrics.ReportActivity(reports, timeout=60).accepted

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(8))) == 8000
    assert stats(server).total_processed_tasks == 8000
    assert sum(metrics(server, session).tasks_processed for session in sessions) == 8000
