"""Allocating and releasing: InitializeSession, CleanupSession, and what bounds all allocations together."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from lifecycle import bootstrap, clean_up, clone, force, initialize, start
from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    ERROR,
    IDLE,
    INITIALIZING,
    STATUSES,
    TERMINATED,
    UNKNOWN_ID,
    create,
    create_in,
    delete,
    get,
    update,
)
from test_status import short
from watch import UPDATED, history

MEMORY = {"512m": 512 << 20, "1.5g": 3 << 29, "512Mi": 512 << 20, "1kib": 1024, "2TB": 2 << 40, "7": 7, "": 0}
CPU = {"2": 2000, "0.5": 500, "500m": 500, "1.25": 1250, "": 0}


@pytest.mark.parametrize("memory", MEMORY)
def test_bytes_are_read_as_people_write_them(shared_server, memory):
    session = initialize(shared_server, create(shared_server).id, memory=memory, disk=memory)
    assert session.resources.memory_bytes == session.resources.disk_bytes == MEMORY[memory]


@pytest.mark.parametrize("cpu", CPU)
def test_cores_are_read_as_people_write_them(shared_server, cpu):
    assert initialize(shared_server, create(shared_server).id, cpu=cpu).resources.cpu_millicores == CPU[cpu]


def test_an_allocation_is_an_update_of_resources(server):
    session = create(server)
    allocated = initialize(server, session.id, "512m", "2", "1g")
    (event,) = history(server, after=session.revision)
    assert (event.kind, event.new_status, list(event.changed_fields)) == (UPDATED, INITIALIZING, ["resources"])
    assert allocated.revision == event.sequence
    assert get(server, session.id) == allocated
    # It is no activity.
    assert allocated.last_activity_time == session.last_activity_time


def test_again_it_replaces_the_allocation_and_the_same_changes_nothing(server):
    session = create(server)
    initialize(server, session.id, "512m", "2", "1g")
    second = initialize(server, session.id, memory="1g")
    assert (second.resources.memory_bytes, second.resources.cpu_millicores, second.resources.disk_bytes) == (
        1 << 30,
        0,
        0,
    )
    assert initialize(server, session.id, memory="1024m") == second
    assert len(history(server)) == 3


def test_every_wrong_amount_is_told(shared_server):
    session = create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["resources.memory", "resources.cpu", "resources.disk"]):
        initialize(shared_server, session.id, "lots", "1g", "-1")
    # Before the session is looked for.
    with refused(StatusCode.INVALID_ARGUMENT, paths=["resources.memory"]):
        initialize(shared_server, UNKNOWN_ID, "lots")
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        initialize(shared_server, UNKNOWN_ID, "1g")


@pytest.mark.parametrize("status", [ACTIVE, IDLE, COMPLETED, ERROR, TERMINATED], ids=short)
def test_only_what_is_initializing_is_allocated_to(shared_server, status):
    session = create_in(shared_server, status)
    with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION") as refusal:
        initialize(shared_server, session.id, "1g")
    assert (refusal.metadata["from"], refusal.metadata["to"]) == (short(status), "INITIALIZING")
    assert get(shared_server, session.id) == session


def test_an_allocation_over_a_constraint_is_refused(shared_server):
    session = create(shared_server, constraints=["max-memory:1gb", "max-cpu:500m"])
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED") as refusal:
        initialize(shared_server, session.id, "1025m")
    assert refusal.metadata == {"constraint": "max-memory", "allocated": str(1025 << 20), "allowed": str(1 << 30)}
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED"):
        initialize(shared_server, session.id, "1g", "501m")
    initialize(shared_server, session.id, "1g", "0.5", "1t")


def test_a_constraint_may_not_be_tightened_below_the_allocation(shared_server):
    session = initialize(shared_server, create(shared_server).id, "1g")
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED"):
        update(shared_server, session.id, constraints=["max-memory:1m"])
    assert get(shared_server, session.id) == session


LIMITS = {
    "capacityMemory": ("--capacity-memory", "1g", dict(memory="1025m"), dict(memory="1g")),
    "capacityCpu": ("--capacity-cpu", "1.5", dict(cpu="1501m"), dict(cpu="1.5")),
    "capacityDisk": ("--capacity-disk", "10k", dict(disk="10241"), dict(disk="10k")),
}


@pytest.mark.parametrize("setting", LIMITS)
def test_the_capacity_bounds_all_allocations_together(start_server, setting):
    flag, value, over, full = LIMITS[setting]
    server = start_server(flag, value)
    first, second = create(server), create(server)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXCEEDED") as refusal:
        initialize(server, first.id, **over)
    assert refusal.metadata["setting"] == setting
    assert refusal.metadata["available"] == refusal.metadata["capacity"]
    initialize(server, first.id, **full)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXCEEDED") as refusal:
        initialize(server, second.id, **full)
    assert refusal.metadata["available"] == "0"
    assert get(server, second.id) == second
    # What is not asked for is not missing.
    initialize(server, second.id)


def test_what_is_allocated_stays_counted_until_it_is_cleaned_up_or_deleted(start_server):
    server = start_server("--capacity-memory", "100")
    first, second = bootstrap(server, resources={"memory": "60"}), create(server)
    force(server, first.id)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXCEEDED"):
        initialize(server, second.id, "41")
    clean_up(server, first.id)
    initialize(server, second.id, "100")
    delete(server, second.id, force=True)
    third = initialize(server, create(server).id, "100")
    server.stop()
    # The sum is there again after a restart.
    server = start_server("--capacity-memory", "100")
    with refused(StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXCEEDED"):
        bootstrap(server, resources={"memory": "1"})
    with refused(StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXCEEDED"):
        clone(server, third.id, copy_resources=True)
    clone(server, third.id)


def test_of_many_allocations_at_once_as_many_succeed_as_fit(start_server):
    server = start_server("--capacity-cpu", "5")
    sessions = [create(server, f"s{i}") for i in range(16)]

    def allocate(session) -> int:
        try:
            initialize(server, session.id, cpu="1")
        except grpc.RpcError as error:
            assert error.code() == StatusCode.RESOURCE_EXHAUSTED
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(allocate, sessions)) == 5


def test_a_start_is_from_initializing_or_idle_and_again_succeeds(shared_server):
    for status in [INITIALIZING, IDLE]:
        session = create_in(shared_server, status)
        started = start(shared_server, session.id)
        assert started.status == ACTIVE and started.HasField("start_time")
        assert len(history(shared_server, after=session.revision, session_ids=[session.id])) == 1
        again = start(shared_server, session.id)
        started.last_activity_time.CopyFrom(again.last_activity_time)
        assert again == started
    assert history(shared_server, after=again.revision) == []


@pytest.mark.parametrize("status", [COMPLETED, ERROR, TERMINATED], ids=short)
def test_what_has_finished_or_failed_does_not_start(shared_server, status):
    session = create_in(shared_server, status)
    with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION") as refusal:
        start(shared_server, session.id)
    assert (refusal.metadata["from"], refusal.metadata["to"]) == (short(status), "ACTIVE")


@pytest.mark.parametrize("status", STATUSES, ids=short)
def test_a_clean_up_needs_a_final_status_and_may_be_repeated(shared_server, status):
    session = initialize(shared_server, create(shared_server).id, "1g")
    for move in {ERROR: [ERROR], ACTIVE: [ACTIVE], IDLE: [ACTIVE, IDLE]}.get(status, []):
        session = update(shared_server, session.id, status=move)
    if status in [COMPLETED, TERMINATED]:
        update(shared_server, session.id, status=ACTIVE)
        session = update(shared_server, session.id, status=status)
        cleaned = clean_up(shared_server, session.id)
        assert session.HasField("resources") and not cleaned.HasField("resources")
        (event,) = history(shared_server, after=session.revision)
        assert (event.kind, list(event.changed_fields)) == (UPDATED, ["resources"])
        assert clean_up(shared_server, session.id) == cleaned == get(shared_server, session.id)
    else:
        with refused(StatusCode.FAILED_PRECONDITION, "NOT_FINISHED") as refusal:
            clean_up(shared_server, session.id)
        assert refusal.metadata["status"] == short(status)
        assert get(shared_server, session.id) == session
