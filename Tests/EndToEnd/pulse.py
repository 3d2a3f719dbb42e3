"""Reports, metrics, counts and health as the tests ask for them."""

import queue
import time
from collections.abc import Callable, Iterable, Iterator

from google.protobuf.duration_pb2 import Duration
from orchestration.session.v1 import health_service_pb2 as health_pb
from orchestration.session.v1 import metrics_service_pb2 as metrics_pb

from server import PATIENCE_SECONDS, Server

HEALTHY = health_pb.HEALTH_STATUS_HEALTHY
DEGRADED = health_pb.HEALTH_STATUS_DEGRADED
UNHEALTHY = health_pb.HEALTH_STATUS_UNHEALTHY


def activity(
    session_id: str, tasks: int = 0, failed: int = 0, times: Iterable[float] = (), memory: int = 0, cpu: float = 0
) -> metrics_pb.ReportActivityRequest:
    return metrics_pb.ReportActivityRequest(
        session_id=session_id,
        tasks_processed=tasks,
        tasks_failed=failed,
        response_times_ms=times,
        memory_usage_bytes=memory,
        cpu_usage=cpu,
    )


def report(server: Server, *reports: metrics_pb.ReportActivityRequest) -> metrics_pb.ReportActivityResponse:
    return server.metrics.ReportActivity(iter(reports), timeout=PATIENCE_SECONDS)


def stats(server: Server) -> metrics_pb.SessionStats:
    return server.metrics.GetSessionStats(metrics_pb.GetSessionStatsRequest(), timeout=PATIENCE_SECONDS).stats


def metrics(server: Server, session_id: str) -> metrics_pb.PerformanceMetrics:
    request = metrics_pb.GetPerformanceMetricsRequest(session_id=session_id)
    return server.metrics.GetPerformanceMetrics(request, timeout=PATIENCE_SECONDS).metrics


def watch_metrics(
    server: Server, session_id: str, interval_ms: int | None = None
) -> Iterator[metrics_pb.WatchPerformanceMetricsResponse]:
    interval = None
    if interval_ms is not None:
        interval = Duration()
        interval.FromMilliseconds(interval_ms)
    request = metrics_pb.WatchPerformanceMetricsRequest(session_id=session_id, interval=interval)
    return server.metrics.WatchPerformanceMetrics(request, timeout=PATIENCE_SECONDS)


def check(server: Server, session_id: str) -> health_pb.SessionHealth:
    request = health_pb.CheckSessionHealthRequest(session_id=session_id)
    return server.session_health.CheckSessionHealth(request, timeout=PATIENCE_SECONDS).health


def watch_health(server: Server, *session_ids: str) -> Iterator[health_pb.WatchSessionHealthResponse]:
    request = health_pb.WatchSessionHealthRequest(session_ids=session_ids)
    return server.session_health.WatchSessionHealth(request, timeout=PATIENCE_SECONDS)


def until(holds: Callable[[], bool]) -> None:
    """Asks again and again until it is so, which it is to be before long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"


class Reporting:
    """A ReportActivity call that stays open."""

    def __init__(self, server: Server):
        self._reports: queue.SimpleQueue = queue.SimpleQueue()
        self._call = server.metrics.ReportActivity.future(iter(self._reports.get, None), timeout=PATIENCE_SECONDS)

    def send(self, *reports: metrics_pb.ReportActivityRequest) -> None:
        for item in reports:
            self._reports.put(item)

    def finish(self) -> metrics_pb.ReportActivityResponse:
        self._reports.put(None)
        return self._call.result(PATIENCE_SECONDS)

    def cancel(self) -> None:
        self._call.cancel()
        self._reports.put(None)
