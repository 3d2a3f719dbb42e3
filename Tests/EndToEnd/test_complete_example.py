"""The complete example of the session management reference, line by line, with what each line promises."""

from dataclasses import dataclass, field

import grpc
import pytest
from orchestration.session.v1 import session_pb2 as pb

from lifecycle import force, shut_down, shut_down_all, start
from messages import Receiver, letters, register, send, send_all, text
from pulse import HEALTHY, activity, check, report, stats, watch_metrics
from server import Server
from sessions import ACTIVE, DEPARTMENT, DIRECTOR, INITIALIZING, TERMINATED, create, get
from watch import ERROR_KIND, STATUS_CHANGED, TERMINATED_KIND, Watch, shape, watching

DEPARTMENTS = {"data-processor": "data", "validator": "validation", "notifier": "communication"}


@dataclass
class Orchestration:
    """The example's sessions, and what it would print of them."""

    server: Server
    watch: Watch
    director: pb.Session | None = None
    departments: list[pb.Session] = field(default_factory=list)
    forced: list[str] = field(default_factory=list)

    def run(self, work) -> None:
        """The example: whatever fails in it ends everything."""
        try:
            self._orchestrate(work)
        except Exception:
            shut_down_all(self.server)
            raise

    def _orchestrate(self, work) -> None:
        server = self.server
        self.director = create(
            server,
            "main-director",
            type=DIRECTOR,
            workspace="/workspace/main",
            metadata={"version": "1.0.0", "maxConcurrentTasks": 10, "autoScale": True},
        )
        for name, domain in DEPARTMENTS.items():
            session = create(
                server,
                name,
                type=DEPARTMENT,
                workspace=f"/workspace/departments/{domain}",
                metadata={"domain": domain, "capabilities": ["task-processing"], "constraints": ["max-memory:2gb"]},
            )
            assert (list(session.capabilities), list(session.constraints)) == (["task-processing"], ["max-memory:2gb"])
            assert register(server, session.id).HasField("registration")
            self.departments.append(session)
        everyone = [self.director, *self.departments]

        # Start all sessions. The example waits two seconds for it; here the events say when it is so.
        for session in everyone:
            assert start(server, session.id).status == ACTIVE
        expected = [(STATUS_CHANGED, session.name, INITIALIZING, ACTIVE) for session in everyone]
        assert [shape(event) for event in self.watch.events(4)] == expected

        assert check(server, self.director.id).status == HEALTHY
        counts = stats(server)
        assert counts.total_sessions == 4 and counts.by_status["active"] == 4
        assert (counts.by_type["director"], counts.by_type["department"]) == (1, 3)

        # Monitor the director while some work is done.
        monitor = watch_metrics(server, self.director.id, 100)
        first = next(monitor).metrics
        assert (first.throughput, first.error_rate) == (0, 0)
        work(self)
        while (seen := next(monitor).metrics).tasks_processed < 20:
            pass
        assert 20 / 60 <= seen.throughput <= 20 / 54 and seen.error_rate == 0.05
        monitor.cancel()

        # Departments first, the director last.
        for session in reversed(self.departments):
            self.shut_down(session.id, "completed-work")
        self.shut_down(self.director.id, "orchestration-complete")

    def shut_down(self, session_id: str, reason: str, timeout_ms: int = 10_000) -> None:
        """Gracefully, and by force where that fails."""
        try:
            assert shut_down(self.server, session_id, timeout_ms, reason=reason).status_reason == reason
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            self.forced.append(session_id)
            force(self.server, session_id)


@pytest.fixture
def orchestration(start_server):
    server = start_server("--enable-health-checks", "true")
    with watching(server, kinds=[STATUS_CHANGED, ERROR_KIND, TERMINATED_KIND]) as watch:
        yield Orchestration(server, watch)


def do_some_work(orchestration: Orchestration) -> None:
    """A command for each department and one for all of them; the director's report of 20 tasks, one of which failed."""
    server, director = orchestration.server, orchestration.director
    for session in orchestration.departments:
        send(server, session.id, sender=director.id, payload={"text": "one"})
    assert len(send_all(server, broadcast_to=DEPARTMENT, sender=director.id, payload={"text": "all"})) == 3
    for session in orchestration.departments:
        stream = Receiver(server, session.id)
        taken = stream.take(2)
        assert [text(item) for item in taken] == ["one", "all"]
        assert {item.from_session_id for item in taken} == {director.id}
        stream.settle(*taken)
        stream.cancel()
    report(server, activity(director.id, tasks=20, failed=1))


def test_the_complete_example(orchestration):
    orchestration.run(do_some_work)
    assert not orchestration.forced
    ends = [("notifier", "completed-work"), ("validator", "completed-work"), ("data-processor", "completed-work")]
    ends.append(("main-director", "orchestration-complete"))
    for name, reason in ends:
        changed, terminated = orchestration.watch.events(2)
        assert shape(changed) == (STATUS_CHANGED, name, ACTIVE, TERMINATED)
        assert shape(terminated) == (TERMINATED_KIND, name, 0, TERMINATED)
        assert (changed.reason, terminated.reason) == (reason, reason)
    counts = stats(orchestration.server)
    assert counts.by_status["terminated"] == 4 and counts.total_processed_tasks == 20


def test_what_does_not_end_gracefully_is_forced(orchestration):
    orchestration.run(do_some_work_and_leave_some)
    server, validator = orchestration.server, orchestration.departments[1]
    assert orchestration.forced == [validator.id]
    assert get(server, validator.id).status_reason == "forced"
    assert letters(server, validator.id) == [("left", "forced")]
    assert stats(server).by_status["terminated"] == 4


def do_some_work_and_leave_some(orchestration: Orchestration) -> None:
    do_some_work(orchestration)
    send(orchestration.server, orchestration.departments[1].id, payload={"text": "left"})
    # It is not patient with what nobody takes.
    graceful = orchestration.shut_down
    orchestration.shut_down = lambda session_id, reason: graceful(session_id, reason, 100)


def test_an_error_in_the_orchestration_ends_everything_at_once(orchestration):
    def fail(_) -> None:
        raise RuntimeError("the work went wrong")

    with pytest.raises(RuntimeError, match="the work went wrong"):
        orchestration.run(fail)
    everyone = [orchestration.director, *orchestration.departments]
    ended = [get(orchestration.server, session.id) for session in everyone]
    assert {(session.status, session.status_reason) for session in ended} == {(TERMINATED, "emergency")}
