"""The admin port: health, readiness, and metrics that are right."""

import os
import resource
import sqlite3
import subprocess
import time
from contextlib import closing

import grpc
import pytest
from orchestration.session.v1 import event_service_pb2 as events_pb
from orchestration.session.v1 import session_service_pb2 as sessions_pb
from orchestration.session.v1.event_service_pb2_grpc import EventServiceStub

from admin import ANYWHERE, Scrape, fetch, status
from messages import Receiver, create_receiver, deregister, send_texts
from pulse import Reporting, activity, report, until
from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import (
    ACTIVE,
    DEPARTMENT,
    DIRECTOR,
    OBSERVER,
    PARTICIPANT,
    STATUSES,
    UNKNOWN_ID,
    create,
    create_in,
    delete,
    draft,
    get,
    list_sessions,
)
from watch import Watch, history


@pytest.fixture
def observed(start_server):
    return start_server(*ANYWHERE, "--max-sessions", "10000")


def test_there_is_no_admin_port_unless_it_is_asked_for(server):
    assert not server.admin_port
    assert "admin port" not in server.log


def test_a_server_that_serves_lives_and_is_ready(observed):
    assert status(observed, "/healthz") == (200, "alive")
    assert status(observed, "/readyz") == (200, "serving")
    assert status(observed, "/") == (404, "there is no such page")
    response, content = fetch(observed, "/readyz", "HEAD")
    assert (response.status, content, response.headers["content-length"]) == (200, "", "8")
    assert fetch(observed, "/readyz", "POST")[0].status == 405


def test_calls_are_counted_by_method_and_status(observed):
    session = create(observed)
    for _ in range(3):
        get(observed, session.id)
    with refused(StatusCode.NOT_FOUND):
        get(observed, UNKNOWN_ID)
    scrape = Scrape(observed)
    assert scrape.call("grpc_server_started_total", "SessionService", "GetSession") == 4
    assert scrape.call("grpc_server_handled_total", "SessionService", "GetSession", grpc_code="OK") == 3
    assert scrape.call("grpc_server_handled_total", "SessionService", "GetSession", grpc_code="NotFound") == 1
    assert scrape.call("grpc_server_msg_received_total", "SessionService", "GetSession") == 4
    assert scrape.call("grpc_server_msg_sent_total", "SessionService", "GetSession") == 3
    assert scrape.call("grpc_server_handling_seconds_count", "SessionService", "GetSession") == 4
    assert 0 < scrape.call("grpc_server_handling_seconds_sum", "SessionService", "GetSession") < PATIENCE_SECONDS
    assert scrape.call("grpc_server_started_total", "SessionService", "DeleteSession") == 0
    assert scrape.call("grpc_server_handled_total", "SessionService", "DeleteSession", grpc_code="OK") == 0


def test_messages_of_a_stream_are_counted_while_it_goes_on(observed):
    live = Watch(observed)
    live.bookmark()
    for _ in range(5):
        create(observed)
    # One that is behind gets them in one piece, in which each counts.
    behind = Watch(observed, from_oldest=True)
    for watch in [live, behind]:
        watch.events(5)
    scrape = Scrape(observed)
    call = ("EventService", "WatchEvents", "server_stream")
    assert scrape.call("grpc_server_started_total", *call) == 2
    assert scrape.call("grpc_server_handled_total", *call, grpc_code="OK") == 0
    assert scrape.call("grpc_server_msg_received_total", *call) == 2
    # And a bookmark each.
    assert scrape.call("grpc_server_msg_sent_total", *call) == 12
    for watch in [live, behind]:
        watch.stream.cancel()


def test_methods_that_there_are_not_share_one_label(observed):
    before = len(Scrape(observed).labels("grpc_server_started_total"))
    for number in range(20):
        call = observed.channel.unary_unary(f"/made.up.Service{number}/Method{number}")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=PATIENCE_SECONDS)
        assert caught.value.code() == StatusCode.UNIMPLEMENTED
    scrape = Scrape(observed)
    unknown = dict(grpc_type="unknown", grpc_service="unknown", grpc_method="unknown")
    assert scrape.value("grpc_server_handled_total", **unknown, grpc_code="Unimplemented") == 20
    assert len(scrape.labels("grpc_server_started_total")) == before
    assert "made.up" not in scrape.text


def test_what_the_store_holds_is_told(observed):
    create_in(observed, ACTIVE)
    create(observed)
    receiver = create_receiver(observed)
    send_texts(observed, receiver, "a", "b", "c")
    stream = Receiver(observed, receiver, max_in_flight=2)
    stream.take(2)
    sequence = list_sessions(observed).sequence
    scrape = Scrape(observed)
    assert sum(scrape.value("sessiond_sessions", **labels) for labels in scrape.labels("sessiond_sessions")) == 3
    assert scrape.value("sessiond_sessions_by_status", status="ACTIVE") == 2
    assert scrape.value("sessiond_sessions_by_status", status="INITIALIZING") == 1
    assert scrape.value("sessiond_event_sequence") == sequence
    assert scrape.value("sessiond_event_sequence_oldest") == 1
    assert scrape.value("sessiond_messages", state="waiting") == 1
    assert scrape.value("sessiond_messages", state="in_delivery") == 2
    assert scrape.value("sessiond_dead_letters") == 0
    assert scrape.value("sessiond_connections") == 1
    assert scrape.value("sessiond_commit_batch_size_sum") >= scrape.value("sessiond_commit_batch_size_count") > 0
    assert scrape.value("sessiond_commit_seconds_count") == scrape.value("sessiond_commit_batch_size_count")
    assert scrape.value("sessiond_commit_failures_total") == 0
    assert scrape.value("sessiond_sqlite_file_bytes") == observed.database.stat().st_size
    # It goes on growing, as activity is written down.
    assert 0 < scrape.value("sessiond_sqlite_wal_bytes") <= os.stat(f"{observed.database}-wal").st_size
    assert scrape.value("sessiond_sqlite_memory_bytes") > 0
    assert scrape.value("sessiond_sqlite_page_cache_hits_total", connection="writer") > 0
    assert scrape.value("sessiond_readers") >= 2 and scrape.value("sessiond_reads_total") >= 1


def test_sessions_are_told_of_by_type_and_by_status(observed):
    # No two figures are the same, so that none can stand for another.
    types = [DIRECTOR] * 3 + [DEPARTMENT] * 4 + [OBSERVER] * 6 + [PARTICIPANT] * 8
    statuses = [status for count, status in enumerate(STATUSES, 1) for _ in range(count)]
    sessions = [create_in(observed, status, type=type) for type, status in zip(types, statuses, strict=True)]
    by_type = {"DIRECTOR": 3, "DEPARTMENT": 4, "OBSERVER": 6, "ACTIVE": 8}
    by_status = {"INITIALIZING": 1, "ACTIVE": 2, "IDLE": 3, "COMPLETED": 4, "ERROR": 5, "TERMINATED": 6}
    check_figures(observed, by_type, by_status)
    # A participant that was terminated.
    delete(observed, sessions[-1].id)
    check_figures(observed, by_type | {"ACTIVE": 7}, by_status | {"TERMINATED": 5})


def check_figures(server, by_type: dict[str, int], by_status: dict[str, int]):
    scrape = Scrape(server)
    for name, label, expected in [
        ("sessiond_sessions", "type", by_type),
        ("sessiond_sessions_by_status", "status", by_status),
    ]:
        assert {labels[label]: scrape.value(name, **labels) for labels in scrape.labels(name)} == expected


def test_messages_that_died_are_told_of_apart(start_server):
    server = start_server(*ANYWHERE, "--max-retries", "0")
    receiver = create_receiver(server)
    send_texts(server, receiver, "bad", "good", "left")
    stream = Receiver(server, receiver, max_in_flight=2)
    bad, good = stream.take(2)
    stream.settle(bad, error="broken")
    stream.settle(good)
    assert Scrape(server).value("sessiond_dead_letters") == 1
    assert deregister(server, receiver).undelivered == 1
    scrape = Scrape(server)
    assert scrape.value("sessiond_dead_letters") == 2
    assert [scrape.value("sessiond_messages", state=state) for state in ["waiting", "in_delivery"]] == [0, 0]
    server.kill()
    assert Scrape(start_server(*ANYWHERE)).value("sessiond_dead_letters") == 2


def test_the_oldest_event_that_is_kept_is_told(start_server):
    server = start_server(*ANYWHERE, "--event-retention-count", "3")
    for _ in range(10):
        create(server)
    until(lambda: Scrape(server).value("sessiond_event_sequence_oldest") == 8)
    assert Scrape(server).value("sessiond_event_sequence") == 10
    assert [event.sequence for event in history(server, after=7)] == [8, 9, 10]


def test_looks_at_health_are_counted_by_session(start_server):
    server = start_server(*ANYWHERE, "--health-check-interval", "100")
    sessions = [create(server).id for _ in range(3)]
    until(lambda: Scrape(server).value("sessiond_health_looks_total") == 3)
    # Whom nothing happened to is not looked at again.
    report(server, activity(sessions[0]))
    until(lambda: Scrape(server).value("sessiond_health_looks_total") == 4)


def test_changes_that_wait_are_told(observed):
    assert Scrape(observed).value("sessiond_changes_waiting") == 0
    calls = []

    def has_waiting() -> bool:
        request = sessions_pb.CreateSessionRequest(session=draft())
        calls.append(observed.sessions.CreateSession.future(request, timeout=PATIENCE_SECONDS))
        return Scrape(observed).value("sessiond_changes_waiting") > 0

    # Somebody else writes to the file, and the committer stands still until that is done.
    with closing(sqlite3.connect(observed.database, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        until(has_waiting)
    assert len({call.result().session.id for call in calls}) == len(calls)
    assert Scrape(observed).value("sessiond_changes_waiting") == 0


def test_reads_that_go_on_and_that_wait_are_told(start_server):
    server = start_server(*ANYWHERE, "--readers", "1", "--query-timeout", "600000")
    for _ in range(20):
        create(server, metadata={"text": "a" * 60_000})
    # The pattern nearly fits at every position of the text: a list of all of them takes seconds.
    request = sessions_pb.ListSessionsRequest(where=" OR ".join(["metadata->>'text' LIKE ?"] * 8))
    for _ in range(8):
        request.params.add(string_value="%" + "a" * 500 + "b")
    names = ["sessiond_readers", "sessiond_readers_busy", "sessiond_reads_waiting", "sessiond_reads_total"]

    def tells(*expected: int) -> bool:
        scrape = Scrape(server)
        return tuple(scrape.value(name) for name in names) == expected

    assert tells(1, 0, 0, 0)
    calls = [server.sessions.ListSessions.future(request, timeout=PATIENCE_SECONDS) for _ in range(3)]
    until(lambda: tells(1, 1, 2, 0))
    for call in calls:
        call.cancel()
    until(lambda: tells(1, 0, 0, 3))


def test_pages_that_a_change_writes_are_counted(observed):
    counts = []
    for action in [create, list_sessions, create]:
        action(observed)
        counts.append(Scrape(observed).value("sessiond_sqlite_pages_written_total"))
    assert 0 < counts[0] == counts[1] < counts[2]


def test_pages_that_are_not_in_the_cache_are_counted_apart(start_server):
    server = start_server(*ANYWHERE, "--readers", "1")

    def pages(connection: str) -> tuple[float, float]:
        scrape = Scrape(server)
        names = ["sessiond_sqlite_page_cache_hits_total", "sessiond_sqlite_page_cache_misses_total"]
        return tuple(scrape.value(name, connection=connection) for name in names)

    def pages_of_a_list() -> tuple[float, float]:
        hits, misses = pages("reader")
        list_sessions(server)
        # A list is answered before its pages are counted.
        until(lambda: pages("reader") != (hits, misses))
        more_hits, more_misses = pages("reader")
        return more_hits - hits, more_misses - misses

    create(server)
    assert pages("reader") == (0, 0)
    hits, misses = pages_of_a_list()
    assert misses > 0
    more_hits, more_misses = pages_of_a_list()
    assert more_hits > hits and more_misses == 0
    create(server)
    # Another connection has written: the reader has to read anew.
    assert pages_of_a_list()[1] > 0
    _, misses_of_a_new_file = pages("writer")
    server.stop()
    server = start_server(*ANYWHERE)
    assert pages("writer")[1] > misses_of_a_new_file


def test_no_session_is_told_of_by_its_id(observed):
    receiver = create_receiver(observed)
    send_texts(observed, receiver, "a")
    get(observed, receiver)
    assert receiver not in Scrape(observed).text


def test_a_watcher_that_does_not_read_is_seen_to_lag(start_server):
    server = start_server(*ANYWHERE, "--max-sessions", "10000", "--event-cache-count", "8")
    # A client that takes no more than HTTP/2's first window unasked.
    with grpc.insecure_channel(server.address, options=[("grpc.http2.bdp_probe", 0)]) as channel:
        stream = EventServiceStub(channel).WatchEvents(events_pb.WatchEventsRequest())
        assert next(stream).WhichOneof("item") == "bookmark"
        check_lag(server)
        stream.cancel()
    until(lambda: Scrape(server).value("sessiond_event_watchers") == 0)


def check_lag(server):
    assert Scrape(server).value("sessiond_event_watch_lag_max") == 0
    while Scrape(server).value("sessiond_event_watchers_behind_memory") == 0:
        for _ in range(50):
            create(server, "x" * 256)
    scrape = Scrape(server)
    assert scrape.value("sessiond_event_watchers") == 1
    assert scrape.value("sessiond_event_watch_lag_max") == scrape.value("sessiond_event_watch_lag_sum") > 8


def test_the_process_is_told_as_the_system_tells_it(observed):
    scrape = Scrape(observed)
    pid = observed.pid
    assert scrape.value("process_open_fds") == pytest.approx(len(os.listdir(f"/proc/{pid}/fd")), abs=2)
    with open(f"/proc/{pid}/statm") as file:
        size, resident = (int(pages) * resource.getpagesize() for pages in file.read().split()[:2])
    assert scrape.value("process_virtual_memory_bytes") == pytest.approx(size, rel=0.2)
    assert scrape.value("process_resident_memory_bytes") == pytest.approx(resident, rel=0.2)
    # Some come and go.
    until(lambda: Scrape(observed).value("process_threads") == len(os.listdir(f"/proc/{pid}/task")))
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    for limit in [777, 999]:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
        assert Scrape(observed).value("process_max_fds") == limit
    assert abs(scrape.value("process_start_time_seconds") - time.time()) < 10 * PATIENCE_SECONDS
    assert 0 < scrape.value("process_cpu_seconds_total") < PATIENCE_SECONDS
    (build,) = scrape.labels("sessiond_build_info")
    assert build["version"] and build["sqlite_version"]


def test_while_it_drains_the_server_lives_and_is_not_ready(start_server):
    server = start_server(*ANYWHERE, "--shutdown-grace", "60000")
    # A call that goes on holds the server up.
    session = create_in(server, ACTIVE)
    reporting = Reporting(server)
    reporting.send(activity(session.id))
    name = "grpc_server_msg_received_total"
    until(lambda: Scrape(server).call(name, "MetricsService", "ReportActivity", "client_stream") == 1)
    server.terminate()
    until(lambda: status(server, "/readyz") == (503, "draining"))
    assert status(server, "/healthz") == (200, "alive")
    assert Scrape(server).value("sessiond_ready") == 0
    reporting.finish()
    assert server.wait_for_exit() == 0


def test_a_file_that_cannot_be_written_makes_it_unready_until_it_can(start_server):
    server = start_server(*ANYWHERE)
    create(server)
    unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, unlimited[1]))
    with pytest.raises(grpc.RpcError):
        create(server)
    assert status(server, "/readyz") == (503, "the database file cannot be written")
    assert status(server, "/healthz") == (200, "alive")
    assert Scrape(server).value("sessiond_commit_failures_total") >= 1
    assert status(server, "/readyz")[0] == 503
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
    until(lambda: status(server, "/readyz") == (200, "serving"))
    create(server)


def test_a_port_that_is_taken_is_refused_and_named(program, observed, tmp_path):
    result = subprocess.run(
        [program, "--listen", "127.0.0.1:0", "--database-path", tmp_path / "other.db", "--admin-listen",
         f"127.0.0.1:{observed.admin_port}"],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert result.returncode != 0
    assert "adminListen" in result.stderr and str(observed.admin_port) in result.stderr


def test_a_start_that_fails_ends_although_the_admin_port_is_open(program, tmp_path):
    (tmp_path / "notes.txt").write_text("These are notes, and no database. " * 100)
    result = subprocess.run(
        [program, "--listen", "127.0.0.1:0", "--database-path", tmp_path / "notes.txt", *ANYWHERE],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert result.returncode != 0
    assert "notes.txt" in result.stderr
