"""The session management reference, section by section: each of its snippets in Python, and what it promises.

`sessionManager.updateSession(id, {...})` is `update(server, id, ...)`, and so on: the helpers beside this file are one
call of grpcio's stubs each. The complete example is in test_complete_example.py.
"""

import subprocess
import time

import pytest
from google.protobuf.json_format import MessageToDict
from orchestration.session.v1 import affinity_service_pb2 as affinity_pb
from orchestration.session.v1 import message_service_pb2 as messages_pb

from affinities import ROUND_ROBIN, affinity, get_affinity, resolve
from lifecycle import bootstrap, clean_up, clone, duration, force, initialize, migrate, resources, shut_down, start
from messages import HIGH, Receiver, acknowledge, create_receiver, deregister, letters, register, send, send_texts, text
from pulse import HEALTHY, activity, check, metrics, report, stats, until
from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import (
    ACTIVE,
    COMPLETED,
    DEPARTMENT,
    DIRECTOR,
    ERROR,
    IDLE,
    INITIALIZING,
    OBSERVER,
    STATUSES,
    TERMINATED,
    UNKNOWN_ID,
    create,
    create_in,
    delete,
    get,
    list_sessions,
    names,
    order,
    search,
    struct,
    update,
)
from templates import create_template, get_template, instantiate
from test_status import short
from watch import ERROR_KIND, MIGRATED, STATUS_CHANGED, TERMINATED_KIND, watching

# The reference's table of transition rules.
TRANSITIONS = {
    INITIALIZING: {ACTIVE, ERROR},
    ACTIVE: {IDLE, COMPLETED, ERROR, TERMINATED},
    IDLE: {ACTIVE, TERMINATED},
    COMPLETED: set(),
    ERROR: {TERMINATED},
    TERMINATED: set(),
}


def plain(message) -> dict:
    return MessageToDict(message)


@pytest.mark.parametrize("status", STATUSES, ids=short)
def test_session_status(shared_server, status):
    for target in set(STATUSES) - {status}:
        session = create_in(shared_server, status)
        if target in TRANSITIONS[status]:
            assert update(shared_server, session.id, status=target).status == target
        else:
            with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION"):
                update(shared_server, session.id, status=target)


def test_create_session(server):
    director = create(
        server,
        "main-director",
        type=DIRECTOR,
        workspace="/workspace/main-project",
        metadata={"version": "1.0.0", "config": {"autoScale": True, "maxConcurrentTasks": 10}},
    )
    department = create(
        server,
        "data-processing",
        type=DEPARTMENT,
        workspace="/workspace/departments/data",
        metadata={
            "domain": "data-processing",
            "capabilities": ["batch-processing", "stream-processing"],
            "constraints": ["max-memory:4gb", "cpu-priority:high"],
        },
    )
    observer = create(
        server,
        "performance-monitor",
        type=OBSERVER,
        workspace="/workspace/monitoring",
        metadata={
            "monitoringTargets": ["director-1", "department-*"],
            "metrics": ["cpu", "memory", "throughput"],
        },
    )
    assert [session.type for session in (director, department, observer)] == [DIRECTOR, DEPARTMENT, OBSERVER]
    assert (director.name, director.workspace) == ("main-director", "/workspace/main-project")
    assert plain(director.metadata) == {"version": "1.0.0", "config": {"autoScale": True, "maxConcurrentTasks": 10}}
    assert list(department.capabilities) == ["batch-processing", "stream-processing"]
    assert list(department.constraints) == ["max-memory:4gb", "cpu-priority:high"]
    assert {session.status for session in (director, department, observer)} == {INITIALIZING}
    # The observer's targets are what it sees.
    with watching(server, observer_id=observer.id) as watch:
        for name in ["director-1", "director-2", "department-data", "elsewhere"]:
            create(server, name)
        create(server, "department-last")
        assert [event.session_name for event in watch.events(3)] == ["director-1", "department-data", "department-last"]


def test_update_session(server):
    session = create(server, type=DEPARTMENT, metadata={"domain": "data", "processedTasks": 4})
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    updated = update(server, session.id, status=ACTIVE, metadata={"lastActivity": now, "processedTasks": 5})
    assert updated.status == ACTIVE
    assert plain(updated.metadata) == {"domain": "data", "lastActivity": now, "processedTasks": 5}
    capabilities = ["new-capability-1", "new-capability-2"]
    assert list(update(server, session.id, capabilities=capabilities).capabilities) == capabilities
    constraints = ["max-memory:8gb", "timeout:300000"]
    updated = update(server, session.id, constraints=constraints)
    assert (list(updated.constraints), list(updated.capabilities)) == (constraints, capabilities)
    assert get(server, session.id) == updated


def test_get_session(server):
    session = create(server, "main-director")
    found = get(server, session.id)
    assert (found.id, found.type, found.name) == (session.id, DIRECTOR, "main-director")
    assert (found.status, found.workspace) == (INITIALIZING, "/workspace/main")
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        get(server, UNKNOWN_ID)


def test_get_sessions_by_type(server):
    for number in range(12):
        create_in(server, ACTIVE, f"director-{number}")
    create(server, "not-yet")
    for name, domain in [("b", "data-processing"), ("other", "validation"), ("a", "data-processing")]:
        create(server, name, type=DEPARTMENT, metadata={"domain": domain})
    directors = list_sessions(
        server, types=[DIRECTOR], statuses=[ACTIVE], page=1, page_size=10, order_by=[order("lastActivity", True)]
    )
    assert names(directors) == [f"director-{number}" for number in range(11, 1, -1)]
    departments = list_sessions(
        server,
        types=[DEPARTMENT],
        where="metadata->>'domain' = ?",
        params=["data-processing"],
        order_by=[order("createdAt")],
    )
    assert names(departments) == ["b", "a"]


def test_get_sessions_by_status(server):
    for number in range(7):
        create_in(server, IDLE, f"idle-{number}")
    create_in(server, ACTIVE, "busy")
    assert names(list_sessions(server, statuses=[ACTIVE])) == ["busy"]
    idle = list_sessions(server, statuses=[IDLE], page=1, page_size=5, order_by=[order("lastActivity")])
    assert names(idle) == [f"idle-{number}" for number in range(5)]


def test_delete_session(server):
    session = create_in(server, COMPLETED)
    assert delete(server, session.id)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        delete(server, session.id)
    assert not delete(server, session.id, allow_missing=True)
    with refused(StatusCode.FAILED_PRECONDITION, "NOT_FINISHED"):
        delete(server, create_in(server, ACTIVE).id)


def test_search_sessions(server):
    create(server, "Main-Director")
    create(server, "validator", type=DEPARTMENT, workspace="/workspace/directory")
    create(server, "notifier", type=DEPARTMENT, workspace="/workspace/notes")
    assert search(server, "director", 10) == ["validator", "Main-Director"]
    assert search(server, "director", 1) == ["validator"]


def test_filter_sessions(server):
    for name, status, priority in [("a", ACTIVE, "1"), ("b", IDLE, "3"), ("c", ACTIVE, "3"), ("d", COMPLETED, "9")]:
        create_in(server, status, name, type=DEPARTMENT, metadata={"priority": priority})
    create_in(server, ACTIVE, "director", metadata={"priority": "9"})
    filtered = list_sessions(
        server,
        where="type = ? AND status IN (?, ?)",
        params=["DEPARTMENT", "ACTIVE", "IDLE"],
        order_by=[order("metadata->>'priority'", True), order("lastActivity", True)],
    )
    assert names(filtered) == ["c", "b", "a"]


def test_register_session_for_communication(server):
    session = create_in(server, ACTIVE, type=DEPARTMENT)
    assert not register(server, session.id).registration.message_types
    registration = register(server, session.id, "COMMAND", "PROGRESS_REPORT", "ERROR", priority=3).registration
    assert list(registration.message_types) == ["COMMAND", "PROGRESS_REPORT", "ERROR"]
    assert registration.priority == HIGH and registration.register_time.seconds > 0
    assert send(server, session.id, type="COMMAND").priority == HIGH
    with refused(StatusCode.FAILED_PRECONDITION, "TYPE_NOT_ACCEPTED"):
        send(server, session.id, type="GOSSIP")


def test_deregister_session(server):
    quick, graceful = create_receiver(server, "quick"), create_receiver(server, "graceful")
    send_texts(server, quick, "too late")
    assert deregister(server, quick).undelivered == 1
    assert letters(server, quick) == [("too late", "deregistered")]
    # With a timeout, the queue drains first.
    send_texts(server, graceful, "a", "b")
    stream = Receiver(server, graceful)
    a, b = stream.take(2)
    stream.settle(a)
    request = messages_pb.DeregisterSessionRequest(session_id=graceful, timeout=duration(5000))
    answer = server.messages.DeregisterSession.future(request, timeout=PATIENCE_SECONDS)
    until(lambda: get(server, graceful).registration.draining)
    stream.settle(b)
    assert answer.result().undelivered == 0
    for session_id in (quick, graceful):
        with refused(StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED"):
            send(server, session_id)


def test_health_check(server):
    session = create_receiver(server)
    send_texts(server, session, *"abcde")
    report(server, activity(session, tasks=50, failed=1, memory=256_000_000, cpu=0.25))
    until(lambda: check(server, session).details.uptime_ms > 0)
    health = check(server, session)
    assert (health.status, list(health.reasons)) == (HEALTHY, [])
    details = health.details
    assert (details.memory_usage_bytes, details.cpu_usage) == (256_000_000, 0.25)
    assert (details.message_queue, details.error_rate) == (5, 0.02)
    assert details.last_activity_time == get(server, session).last_activity_time


def test_monitor_session_events(server):
    with watching(server, kinds=[STATUS_CHANGED, ERROR_KIND, TERMINATED_KIND]) as watch:
        session = create_in(server, ACTIVE)
        update(server, session.id, status=ERROR, status_reason="out of memory")
        force(server, session.id, reason="cannot go on")
        events = watch.events(5)
    assert {event.session_id for event in events} == {session.id}
    changed = [(event.old_status, event.new_status) for event in events if event.kind == STATUS_CHANGED]
    assert changed == [(INITIALIZING, ACTIVE), (ACTIVE, ERROR), (ERROR, TERMINATED)]
    assert [event.error for event in events if event.kind == ERROR_KIND] == ["out of memory"]
    assert [event.reason for event in events if event.kind == TERMINATED_KIND] == ["cannot go on"]


def test_get_session_statistics(server):
    began = time.monotonic()
    statuses = [ACTIVE] * 8 + [IDLE] * 4 + [COMPLETED] * 2 + [ERROR]
    types = [DIRECTOR] * 2 + [DEPARTMENT] * 10 + [OBSERVER] * 3
    sessions = [create_in(server, status, type=type) for status, type in zip(statuses, types, strict=True)]
    report(server, *(activity(session.id, tasks=125) for session in sessions[:10]))
    found = stats(server)
    elapsed_ms = (time.monotonic() - began) * 1000
    assert found.total_sessions == 15 and found.total_processed_tasks == 1250
    assert dict(found.by_type) == {"director": 2, "department": 10, "observer": 3, "active": 0}
    assert dict(found.by_status) == {
        "initializing": 0,
        "active": 8,
        "idle": 4,
        "completed": 2,
        "error": 1,
        "terminated": 0,
    }
    assert 0 < found.average_uptime_ms < elapsed_ms


def test_get_performance_metrics(server):
    session = create_receiver(server)
    stream = Receiver(server, session, 1000)
    for _ in range(50):
        send(server, session)
    stream.settle(*stream.take(50))
    report(server, activity(session, 100, 1, memory=64_000_000), activity(session, memory=128_000_000, cpu=0.15))
    found = metrics(server, session)
    assert (found.messages_processed, found.tasks_processed) == (50, 100)
    assert 0 < found.average_response_time_ms < 1000 * PATIENCE_SECONDS
    # One of the 150 failed, and all were processed within the minute that is looked at, or nine tenths of it.
    assert found.error_rate == pytest.approx(1 / 150)
    assert 150 / 60 <= found.throughput <= 150 / 54
    assert (found.memory_usage_bytes, found.cpu_usage) == (128_000_000, 0.15)
    stream.cancel()


def test_session_bootstrap(server):
    session = create(server, "step-by-step", type=DEPARTMENT)
    allocated = initialize(server, session.id, memory="512m", cpu="2", disk="1g").resources
    assert (allocated.memory_bytes, allocated.cpu_millicores, allocated.disk_bytes) == (512 << 20, 2000, 1 << 30)
    register(server, session.id)
    started = start(server, session.id)
    at_once = bootstrap(server, "at-once", type=DEPARTMENT, resources=resources("512m", "2", "1g"))
    for each in (started, at_once):
        assert each.status == ACTIVE and each.resources == allocated and each.HasField("registration")
    # One call is all of it, or nothing.
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED"):
        bootstrap(server, "too-large", constraints=["max-memory:256m"], resources=resources("512m"))
    assert names(list_sessions(server)) == ["step-by-step", "at-once"]


def test_session_shutdown(server):
    session = bootstrap(server, resources=resources(memory="512m"))
    ended = shut_down(server, session.id, 10_000, reason="normal")
    assert (ended.status, ended.status_reason) == (TERMINATED, "normal")
    assert ended.HasField("resources") and not clean_up(server, session.id).HasField("resources")
    # Force, where graceful fails.
    busy = create_receiver(server)
    send_texts(server, busy, "nobody takes it")
    with refused(StatusCode.DEADLINE_EXCEEDED, "DRAIN_TIMEOUT"):
        shut_down(server, busy, 50, reason="normal")
    forced = force(server, busy)
    assert (forced.session.status, forced.session.status_reason, forced.dead_lettered) == (TERMINATED, "forced", 1)


def test_session_templates(server):
    created = create_template(
        server,
        "data-department-template",
        type=DEPARTMENT,
        metadata={
            "domain": "data-processing",
            "standardCapabilities": ["batch-processing", "data-validation", "error-handling"],
            "standardConstraints": ["max-memory:4gb", "cpu-priority:normal"],
        },
        environment={"LOG_LEVEL": "info", "DATA_DIR": "/data", "MAX_CONCURRENT_JOBS": "10"},
    )
    assert get_template(server, "data-department-template") == created
    session = instantiate(
        server,
        "data-department-template",
        name="my-data-department",
        workspace="/workspace/my-project",
        metadata={"customDomain": "my-data-processing", "priority": "high"},
    )
    assert (session.type, session.status, session.name) == (DEPARTMENT, INITIALIZING, "my-data-department")
    assert (session.workspace, session.template_name) == ("/workspace/my-project", "data-department-template")
    overrides = {"customDomain": "my-data-processing", "priority": "high"}
    assert plain(session.metadata) == plain(created.metadata) | overrides
    assert list(session.capabilities) == ["batch-processing", "data-validation", "error-handling"]
    assert list(session.constraints) == ["max-memory:4gb", "cpu-priority:normal"]
    assert session.environment == created.environment and len(session.environment) == 3


def test_session_affinity(server):
    director = create(server, "director-1").id
    departments = [create_receiver(server, f"department-{number}", type=DEPARTMENT) for number in (1, 2)]
    wanted = affinity(director, departments, strategy=ROUND_ROBIN, health_check_interval=duration(10_000))
    request = affinity_pb.SetSessionAffinityRequest(affinity=wanted)
    kept = server.affinities.SetSessionAffinity(request, timeout=PATIENCE_SECONDS).affinity
    assert get_affinity(server, director) == kept
    assert kept.strategy == ROUND_ROBIN and kept.health_check_interval.seconds == 10
    turns = [resolve(server, director).target_session_id, send(server, affinity_of=director).to_session_id]
    assert turns == departments


def test_session_migration(server):
    session = get(server, create_receiver(server, "session-123", metadata={"state": "kept"}))
    send_texts(server, session.id, "kept, too")
    moved = migrate(server, session.id, "/workspace/new-location", 10_000, preserve_state=True)
    assert (moved.workspace, moved.status) == ("/workspace/new-location", ACTIVE)
    assert moved.metadata == struct({"state": "kept"}) and moved.registration == session.registration
    stream = Receiver(server, session.id)
    item = stream.next()
    assert text(item) == "kept, too" and acknowledge(server, session.id, item.id).acknowledged == 1
    stream.cancel()
    with watching(server, kinds=[MIGRATED]) as watch:
        moved = migrate(server, session.id, "/workspace/afresh")
        assert list(watch.event().changed_fields) == ["workspace"]
    assert not moved.metadata.fields and not moved.HasField("registration")


def test_session_cloning(server):
    session = bootstrap(server, "session-123", metadata={"a": 1}, resources=resources("512m", "1", "1g"))
    copy = clone(server, session.id, name="session-123-clone", reset_state=True, copy_resources=True)
    assert (copy.name, copy.status, copy.cloned_from) == ("session-123-clone", INITIALIZING, session.id)
    assert copy.metadata == session.metadata and copy.resources == session.resources
    assert copy.id != session.id and not copy.HasField("registration")


def test_configuration_reference(program):
    defaults = {
        "databasePath": "./orchestration.db",
        "enableHealthChecks": "true",
        "healthCheckInterval": "30000",
        "sessionTimeout": "300000",
        "maxSessions": "100",
        "enableMetrics": "true",
        "metricsInterval": "10000",
        "enableLogging": "true",
        "logLevel": "info",
        "enableAffinity": "true",
        "enableMigration": "true",
        "maxRetries": "3",
        "retryDelay": "1000",
        "enableEmergencyShutdown": "true",
    }
    printed = print_config(program)
    for name, value in defaults.items():
        assert printed[name] == (value, "default"), name
    others = {"true": "false", "info": "debug", "./orchestration.db": "/elsewhere.db"}
    changed = {name: others.get(value) or str(int(value) + 1) for name, value in defaults.items()}
    flags = [part for name, value in changed.items() for part in (flag(name), value)]
    printed = print_config(program, *flags)
    for name, value in changed.items():
        assert printed[name] == (value, f"flag {flag(name)}"), name


def flag(name: str) -> str:
    return "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


def print_config(program, *arguments: str) -> dict[str, tuple[str, str]]:
    """Each setting's value, and where it came from."""
    run = subprocess.run(
        [program, *arguments, "--print-config"], capture_output=True, check=True, text=True, timeout=PATIENCE_SECONDS
    )
    lines = (line.split("\t") for line in run.stdout.splitlines())
    return {name: (value, source) for name, value, source in lines}
