"""What sessions did and what they cost."""

import time

import pytest

from messages import Receiver, create_receiver, send_texts
from pulse import activity, metrics, report, until, watch_metrics
from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import ACTIVE, UNKNOWN_ID, create, create_in, delete


def test_a_session_that_never_reported_has_zeros(server):
    session = create(server)
    found = metrics(server, session.id)
    assert found.session_id == session.id and found.window.ToMilliseconds() == 60_000
    assert found.sample_time.ToNanoseconds() >= session.create_time.ToNanoseconds()
    for field in ["messages_processed", "tasks_processed", "average_response_time_ms", "p99_response_time_ms"]:
        assert getattr(found, field) == 0
    assert (found.error_rate, found.throughput, found.memory_usage_bytes, found.cpu_usage) == (0, 0, 0, 0)


def test_mean_and_percentiles_of_few_are_exact(server):
    session = create_in(server, ACTIVE)
    times = list(range(1, 51))
    report(server, activity(session.id, 50, 5, times, memory=128_000_000, cpu=0.15))
    found = metrics(server, session.id)
    assert found.average_response_time_ms == 25.5
    assert (found.p50_response_time_ms, found.p95_response_time_ms, found.p99_response_time_ms) == (25, 48, 50)
    assert found.error_rate == 0.1 and 50 / 60 <= found.throughput <= 50 / 54
    assert (found.memory_usage_bytes, found.cpu_usage) == (128_000_000, 0.15)


def test_percentiles_of_many_are_off_by_a_sixty_fourth_at_most(server):
    session = create_in(server, ACTIVE)
    times = [float(number % 10_000) for number in range(0, 70_000, 7)]
    reports = [activity(session.id, 100, 0, times[start : start + 100]) for start in range(0, 10_000, 100)]
    assert report(server, *reports).accepted == 100
    found = metrics(server, session.id)
    ordered = sorted(times)
    assert found.tasks_processed == 10_000
    assert found.average_response_time_ms == pytest.approx(sum(times) / 10_000)
    for value, rank in [
        (found.p50_response_time_ms, 5000),
        (found.p95_response_time_ms, 9500),
        (found.p99_response_time_ms, 9900),
    ]:
        assert value == pytest.approx(ordered[rank - 1], rel=1 / 64)


def test_messages_count_when_they_are_acknowledged(start_server):
    before = start_server()
    receiver = create_receiver(before)
    send_texts(before, receiver, "a", "b", "c")
    stream = Receiver(before, receiver)
    first, second, _ = stream.take(3)
    assert metrics(before, receiver).messages_processed == 0
    stream.settle(first)
    stream.settle(second, error="failed")
    found = metrics(before, receiver)
    assert (found.messages_processed, found.tasks_processed, found.error_rate) == (2, 0, 0.5)
    assert 0 < found.p50_response_time_ms <= found.p99_response_time_ms < 1000 * PATIENCE_SECONDS
    assert 2 / 60 <= found.throughput <= 2 / 54
    before.kill()
    assert metrics(start_server(), receiver).messages_processed == 2


def test_what_left_the_window_counts_for_the_whole_life_alone(start_server):
    server = start_server("--metrics-window", "300")
    session = create_in(server, ACTIVE)
    report(server, activity(session.id, 10, 10, [5] * 10))
    until(lambda: metrics(server, session.id).error_rate == 0)
    found = metrics(server, session.id)
    assert found.tasks_processed == 10 and found.window.ToMilliseconds() == 300
    assert (found.throughput, found.average_response_time_ms, found.p50_response_time_ms) == (0, 0, 0)


def test_a_watch_sends_the_metrics_now_and_again_every_interval(server):
    session = create_in(server, ACTIVE)
    stream = watch_metrics(server, session.id, 100)
    assert next(stream).metrics.tasks_processed == 0
    began = time.monotonic()
    report(server, activity(session.id, 1))
    assert [next(stream).metrics.tasks_processed for _ in range(5)] == [1] * 5
    assert time.monotonic() - began >= 0.35
    stream.cancel()


def test_a_watch_without_an_interval_has_the_servers(start_server):
    server = start_server("--metrics-interval", "150")
    session = create_in(server, ACTIVE)
    stream = watch_metrics(server, session.id)
    next(stream)
    began = time.monotonic()
    for _ in range(3):
        next(stream)
    assert 0.3 <= time.monotonic() - began < 10
    stream.cancel()


@pytest.mark.parametrize("interval_ms", [0, 99, -1])
def test_an_interval_is_at_least_100_ms(server, interval_ms):
    session = create(server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["interval"]):
        next(watch_metrics(server, session.id, interval_ms))


def test_what_is_not_there_has_no_metrics(server):
    for session_id in [UNKNOWN_ID, "nobody"]:
        with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
            metrics(server, session_id)
        with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
            next(watch_metrics(server, session_id))
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id"]):
        metrics(server, "")


def test_a_watch_of_a_session_that_is_deleted_ends(server):
    session = create(server)
    stream = watch_metrics(server, session.id, 100)
    next(stream)
    delete(server, session.id, force=True)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        for _ in stream:
            pass


def test_at_shutdown_a_watch_ends_with_unavailable(start_server):
    server = start_server()
    session = create(server)
    stream = watch_metrics(server, session.id)
    next(stream)
    server.terminate()
    with refused(StatusCode.UNAVAILABLE):
        next(stream)
    server.stop()


def test_without_metrics_the_calls_are_disabled(start_server):
    server = start_server("--enable-metrics", "false")
    session = create(server)
    with refused(StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED"):
        metrics(server, session.id)
    with refused(StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED"):
        next(watch_metrics(server, session.id))
