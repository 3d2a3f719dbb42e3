"""The admin port: health, readiness, and metrics that are right."""

import os
import resource
import subprocess
import time

import grpc
import pytest
from orchestration.session.v1 import event_service_pb2 as events_pb
from orchestration.session.v1.event_service_pb2_grpc import EventServiceStub

from admin import ANYWHERE, Scrape, fetch, status
from messages import Receiver, create_receiver, send_texts
from pulse import Reporting, activity, until
from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import ACTIVE, UNKNOWN_ID, create, create_in, get, list_sessions
from watch import Watch


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
        pages = int(file.read().split()[1])
    assert scrape.value("process_resident_memory_bytes") == pytest.approx(pages * resource.getpagesize(), rel=0.2)
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
