import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2

from lifecycle import bootstrap
from pulse import Reporting, activity, until
from refusal import StatusCode
from server import PATIENCE_SECONDS
from sessions import create, get
from watch import Watch, history, watching
from wire import LIST, connected, framed


def test_sigterm_ends_streams_with_unavailable_and_the_process_with_zero(server):
    watches = [Watch(server) for _ in range(10)]
    for watch in watches:
        watch.bookmark()
    create(server)
    server.terminate()
    for watch in watches:
        refusal = watch.end()
        assert refusal.code == StatusCode.UNAVAILABLE
        assert refusal.message
    assert server.wait_for_exit() == 0


def test_events_before_the_end_are_sent_before_the_end(server):
    with watching(server) as watch:
        for i in range(50):
            create(server, f"s{i}")
        server.terminate()
        seen = []
        with pytest.raises(grpc.RpcError) as caught:
            while True:
                seen.append(watch.event().sequence)
        assert caught.value.code() == StatusCode.UNAVAILABLE
        assert seen == list(range(1, len(seen) + 1))
        assert len(seen) == 50
        assert server.wait_for_exit() == 0


def test_every_create_acknowledged_while_stopping_is_kept(start_server):
    before = start_server("--max-sessions", "1000000")
    acknowledged: list[str] = []
    under_way = threading.Event()

    def create_until_the_end() -> None:
        try:
            while True:
                acknowledged.append(create(before).id)
                under_way.set()
        except grpc.RpcError as error:
            codes.append(error.code())

    codes: list[StatusCode] = []
    threads = [threading.Thread(target=create_until_the_end) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert under_way.wait(20)
    before.terminate()
    # They end by themselves; until then they need the channel, which `stop` closes.
    for thread in threads:
        thread.join()
    before.stop()
    assert set(codes) == {StatusCode.UNAVAILABLE}
    after = start_server("--max-sessions", "1000000")
    for session_id in acknowledged:
        get(after, session_id)
    assert len(history(after)) >= len(acknowledged)


@pytest.mark.parametrize("service", ["", "orchestration.session.v1.MetricsService"])
def test_watchers_of_the_health_are_told_while_calls_go_on(start_server, service):
    server = start_server("--shutdown-grace", "60000")
    session = bootstrap(server)
    reporting = Reporting(server)
    reporting.send(activity(session.id, 1))
    begun = session.last_activity_time.ToNanoseconds()
    until(lambda: get(server, session.id).last_activity_time.ToNanoseconds() > begun)
    watch = server.health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_SECONDS)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    server.terminate()
    assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
    with pytest.raises(grpc.RpcError) as caught:
        next(watch)
    assert caught.value.code() == StatusCode.UNAVAILABLE
    # The connection is still there for what began before.
    assert reporting.finish().accepted == 1
    assert server.wait_for_exit() == 0


def test_an_idle_server_stops_at_once(start_server):
    server = start_server()
    server.stop()
    assert not server.is_running


def test_calls_that_the_end_cuts_off_end_on_their_event_loops(start_server):
    server = start_server("--shutdown-grace", "0")
    for _ in range(20):
        create(server, metadata={"key": "x" * 60_000})
    with connected(server, opens_windows=False) as wire:
        for _ in range(100):
            wire.send_data(wire.open(LIST), framed(b""))
        wire.ping()
        server.terminate()
        assert server.wait_for_exit() == 0
    assert "EventLoop" not in server.log
