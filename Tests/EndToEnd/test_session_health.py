"""How sessions are doing."""

from affinities import resolve, set_affinity
from lifecycle import bootstrap, resources
from messages import Receiver, create_receiver, send_texts
from pulse import DEGRADED, HEALTHY, UNHEALTHY, activity, check, report, until, watch_health
from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    DEPARTMENT,
    ERROR,
    TERMINATED,
    UNKNOWN_ID,
    create,
    create_in,
    delete,
    get,
    update,
)
from watch import HEALTH_CHANGED, history, watching


def test_a_healthy_session_has_details_and_no_reasons(server):
    session = bootstrap(server)
    report(server, activity(session.id, 20, 1, memory=256_000_000, cpu=0.25))
    health = check(server, session.id)
    assert health.session_id == session.id and health.status == HEALTHY and not health.reasons
    assert (health.details.memory_usage_bytes, health.details.cpu_usage) == (256_000_000, 0.25)
    assert (health.details.error_rate, health.details.message_queue) == (0.05, 0)
    assert health.details.last_activity_time == get(server, session.id).last_activity_time
    assert health.details.uptime_ms >= 0 and health.check_time.ToNanoseconds() > 0


def test_error_and_terminated_are_unhealthy(server):
    assert check(server, create_in(server, ERROR).id).reasons == ["status is ERROR"]
    ended = check(server, create_in(server, TERMINATED).id)
    assert ended.status == UNHEALTHY and ended.reasons == ["status is TERMINATED"]
    assert check(server, create_in(server, COMPLETED).id).status == HEALTHY


def test_the_error_rate_counts_from_ten_processed_on(server):
    session = create_in(server, ACTIVE)
    report(server, activity(session.id, 9, 9))
    assert check(server, session.id).status == HEALTHY
    report(server, activity(session.id, 1, 0))
    health = check(server, session.id)
    assert health.status == UNHEALTHY and health.reasons == ["error rate 0.9 is over 0.25 (9 of 10 failed)"]
    report(server, activity(session.id, 90, 0))
    health = check(server, session.id)
    assert health.status == DEGRADED and health.reasons == ["error rate 0.09 is over 0.05 (9 of 100 failed)"]


def test_memory_counts_over_what_is_allocated_or_constrained(server):
    allocated = bootstrap(server, resources=resources(memory="1000"))
    constrained = create_in(server, ACTIVE, constraints=["max-memory:1000"])
    for session in [allocated, constrained]:
        for used, status in [(900, HEALTHY), (950, DEGRADED), (1001, UNHEALTHY), (1, HEALTHY)]:
            report(server, activity(session.id, memory=used))
            assert check(server, session.id).status == status


def test_over_max_cpu_is_unhealthy_over_the_allocation_alone_degraded(server):
    session = bootstrap(server, resources=resources(cpu="1"), constraints=["max-cpu:2"])
    for used, status in [(1.0, HEALTHY), (1.5, DEGRADED), (2.5, UNHEALTHY)]:
        report(server, activity(session.id, cpu=used))
        assert check(server, session.id).status == status


def test_an_active_session_without_activity_is_degraded(start_server):
    server = start_server("--session-timeout", "2000")
    session = bootstrap(server)
    while (health := check(server, session.id)).status == HEALTHY:
        pass
    assert health.status == DEGRADED and health.reasons[0].startswith("inactivity 0.")
    report(server, activity(session.id))
    assert check(server, session.id).status == HEALTHY


def test_a_constraint_has_the_time_that_inactivity_counts_over(server):
    session = create_in(server, ACTIVE, constraints=["timeout:3000"])
    other = create_in(server, ACTIVE, "other")
    until(lambda: check(server, session.id).status == DEGRADED)
    (reason,) = check(server, session.id).reasons
    assert reason.startswith("inactivity 0.") and check(server, other.id).status == HEALTHY


def test_the_error_rate_is_that_of_the_metrics_window(start_server):
    server = start_server("--metrics-window", "500")
    session = create_in(server, ACTIVE)
    report(server, activity(session.id, 10, 10))
    assert check(server, session.id).status == UNHEALTHY
    until(lambda: check(server, session.id).status == HEALTHY)
    assert check(server, session.id).details.error_rate == 0


def test_every_reason_that_applies_is_given(server):
    session = create_in(server, ACTIVE, constraints=["max-memory:100", "max-cpu:1"])
    report(server, activity(session.id, 100, 12, memory=95, cpu=1.5))
    health = check(server, session.id)
    assert health.status == UNHEALTHY
    assert health.reasons == [
        "error rate 0.12 is over 0.05 (12 of 100 failed)",
        "memory used over max-memory 0.95 is over 0.9 (95 of 100 bytes)",
        "cpu used over max-cpu 1.5 is over 1 (1.5 of 1.0 cores)",
    ]


def test_thresholds_are_settings(start_server):
    server = start_server("--health-error-rate-degraded", "0.5", "--health-error-rate-unhealthy", "0.6")
    session = create_in(server, ACTIVE)
    report(server, activity(session.id, 10, 5))
    assert check(server, session.id).status == HEALTHY
    report(server, activity(session.id, 10, 6))
    assert check(server, session.id).status == DEGRADED


def test_what_is_not_there_has_no_health(server):
    for session_id in [UNKNOWN_ID, "nobody"]:
        with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
            check(server, session_id)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id"]):
        check(server, "")


def test_changes_become_events_and_leave_the_revision(start_server):
    server = start_server("--health-check-interval", "50")
    session = create_in(server, ACTIVE, constraints=["max-memory:100"])
    with watching(server, kinds=[HEALTH_CHANGED]) as watch:
        report(server, activity(session.id, memory=95))
        event = watch.event()
        assert (event.session_id, event.old_health, event.new_health) == (session.id, "healthy", "degraded")
        report(server, activity(session.id, memory=200))
        event = watch.event()
        assert (event.old_health, event.new_health) == ("degraded", "unhealthy")
    now = get(server, session.id)
    assert (now.revision, now.update_time) == (session.revision, session.update_time)


def test_health_is_remembered_over_a_restart(start_server):
    before = start_server("--health-check-interval", "50")
    session = create_in(before, ACTIVE, constraints=["max-memory:100"])
    with watching(before, kinds=[HEALTH_CHANGED]) as watch:
        report(before, activity(session.id, memory=200))
        watch.event()
    before.kill()
    after = start_server("--health-check-interval", "50")
    with watching(after, kinds=[HEALTH_CHANGED]) as watch:
        assert check(after, session.id).status == UNHEALTHY
        report(after, activity(session.id, memory=1))
        event = watch.event()
    assert (event.old_health, event.new_health) == ("unhealthy", "healthy")


def test_without_health_checks_there_are_no_events_and_the_call_answers(start_server):
    server = start_server("--enable-health-checks", "false", "--health-check-interval", "10")
    session = create_in(server, ERROR)
    for _ in range(200):
        assert check(server, session.id).status == UNHEALTHY
    assert not history(server, kinds=[HEALTH_CHANGED])


def test_a_check_is_no_activity(server):
    session = bootstrap(server)
    check(server, session.id)
    assert get(server, session.id) == session


def test_a_watch_has_the_health_now_and_on_each_change(start_server):
    server = start_server("--health-check-interval", "50")
    session = create_in(server, ACTIVE, constraints=["max-memory:100"])
    stream = watch_health(server, session.id)
    assert next(stream).health.status == HEALTHY
    for used, status in [(95, DEGRADED), (101, UNHEALTHY), (1, HEALTHY)]:
        report(server, activity(session.id, memory=used))
        health = next(stream).health
        assert (health.session_id, health.status) == (session.id, status)
    update(server, session.id, status=ERROR)
    assert next(stream).health.reasons == ["status is ERROR"]
    stream.cancel()


def test_a_watch_of_none_is_of_every_session(server):
    sessions = {create(server, f"s{number}").id for number in range(600)}
    stream = watch_health(server)
    assert {next(stream).health.session_id for _ in range(600)} == sessions
    late = create(server, "late")
    assert next(stream).health.session_id == late.id
    delete(server, late.id, force=True)
    stream.cancel()


def test_at_shutdown_a_watch_ends_with_unavailable(start_server):
    server = start_server()
    stream = watch_health(server, create(server).id)
    next(stream)
    server.terminate()
    with refused(StatusCode.UNAVAILABLE):
        next(stream)
    server.stop()


def test_the_queue_counts_over_max_queue(server):
    receiver = create_receiver(server, constraints=["max-queue:10"])
    for count, status in [(7, HEALTHY), (1, DEGRADED), (2, UNHEALTHY)]:
        send_texts(server, receiver, *["text"] * count)
        assert check(server, receiver).status == status
    health = check(server, receiver)
    assert health.details.message_queue == 10 and health.reasons == ["queue 1 is over 0.9 (10 of 10 messages)"]
    stream = Receiver(server, receiver)
    for received in stream.take(10):
        stream.settle(received)
    assert check(server, receiver).status == HEALTHY
    stream.cancel()


def test_an_unhealthy_target_gets_no_work(server):
    owner = create(server, "owner")
    targets = [create_receiver(server, f"t{i}", type=DEPARTMENT, constraints=["max-memory:100"]) for i in range(2)]
    report(server, activity(targets[0], memory=101))
    set_affinity(server, owner.id, targets)
    answer = resolve(server, owner.id)
    assert answer.target_session_id == targets[1]
    assert "was unhealthy when last looked at: memory used over max-memory 1.01 is over 1" in answer.explanation
