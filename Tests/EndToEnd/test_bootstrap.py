import time
from concurrent.futures import ThreadPoolExecutor

from orchestration.session.v1 import session_pb2 as pb

from lifecycle import bootstrap, resources
from refusal import StatusCode, refused
from sessions import ACTIVE, IDLE, INITIALIZING, UNKNOWN_ID, create, delete, get, list_sessions, update
from watch import CREATED, REGISTERED, STATUS_CHANGED, UPDATED, assert_unbroken, history, watching

HIGH = pb.MESSAGE_PRIORITY_HIGH


def full(server, **fields):
    return bootstrap(
        server, resources=resources("512m", "2", "1g"), message_types=["COMMAND", "ERROR"], priority=HIGH, **fields
    )


def test_a_bootstrap_is_all_of_it(server):
    before = time.time()
    session = full(server, capabilities=["batch"], metadata={"domain": "data"})
    assert session.status == ACTIVE and session.HasField("start_time")
    assert session.resources == pb.ResourceAllocation(
        memory_bytes=512 << 20, cpu_millicores=2000, disk_bytes=1 << 30
    )
    assert list(session.registration.message_types) == ["COMMAND", "ERROR"]
    assert session.registration.priority == HIGH and not session.registration.draining
    assert session.registration.register_time.seconds >= int(before)
    assert list(session.capabilities) == ["batch"]
    assert get(server, session.id) == session
    events = history(server)
    assert_unbroken(events, 0)
    assert [(event.kind, event.new_status) for event in events] == [
        (CREATED, INITIALIZING),
        (UPDATED, INITIALIZING),
        (REGISTERED, INITIALIZING),
        (STATUS_CHANGED, ACTIVE),
    ]
    assert list(events[1].changed_fields) == ["resources"]
    assert events[3].old_status == INITIALIZING
    assert session.revision == 4


def test_capabilities_and_constraints_may_come_in_the_metadata(server):
    session = bootstrap(server, metadata={"capabilities": ["batch"], "constraints": ["max-memory:4gb"]})
    assert (list(session.capabilities), list(session.constraints)) == (["batch"], ["max-memory:4gb"])


def test_watchers_see_it_in_order(server):
    with watching(server) as watch:
        full(server)
        assert [event.kind for event in watch.events(4)] == [CREATED, UPDATED, REGISTERED, STATUS_CHANGED]


def test_everything_wrong_is_told_at_once_and_nothing_is_left(server):
    paths = [
        "session.name", "session.workspace", "session.parent_id", "resources.memory", "resources.cpu",
        "message_types[0]", "priority", "request_id",
    ]  # fmt: skip
    with refused(StatusCode.INVALID_ARGUMENT, paths=paths):
        bootstrap(
            server,
            "",
            workspace="relative",
            parent_id=UNKNOWN_ID,
            resources=resources("much", "all"),
            message_types=["command"],
            priority=17,
            request_id="r" * 65,
        )
    assert history(server) == []


def test_a_step_that_is_refused_takes_the_others_along(start_server):
    server = start_server("--max-sessions", "2", "--capacity-disk", "2g")
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED"):
        full(server, constraints=["max-cpu:1"], request_id="once")
    with refused(StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXCEEDED"):
        bootstrap(server, resources=resources(disk="3g"), request_id="once")
    assert history(server) == []
    assert list(list_sessions(server).sessions) == []
    full(server, request_id="once")
    full(server)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        full(server)
    assert len(history(server)) == 8


def test_a_repeat_returns_the_session_as_it_is_now(server):
    first = full(server, request_id="once")
    assert full(server, request_id="once") == first
    idle = update(server, first.id, status=IDLE)
    assert full(server, request_id="once") == idle
    assert len(history(server)) == 5
    with refused(StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        bootstrap(server, request_id="once")
    # An id counts per method.
    assert create(server, request_id="once").id != first.id
    delete(server, first.id, force=True)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        full(server, request_id="once")


def test_concurrent_repeats_make_one_session(server):
    with ThreadPoolExecutor(16) as pool:
        sessions = list(pool.map(lambda _: full(server, request_id="once"), range(64)))
    assert {session.id for session in sessions} == {sessions[0].id}
    assert len(history(server)) == 4


def test_a_bootstrapped_session_outlives_a_kill(start_server):
    before = start_server()
    session = full(before, request_id="once")
    before.kill()
    after = start_server()
    assert get(after, session.id) == session
    assert full(after, request_id="once") == session
