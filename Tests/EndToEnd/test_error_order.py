"""When several errors apply: a wrong request, what is missing, another revision, the state, and then the limits."""

from affinities import CONSISTENT_HASH, create_targets, set_affinity
from lifecycle import bootstrap, clone, initialize, migrate, resources, shut_down
from messages import create_receiver, send, send_all
from refusal import StatusCode, refused
from sessions import ACTIVE, COMPLETED, ERROR, OBSERVER, UNKNOWN_ID, create, create_in, delete, update
from templates import instantiate


def test_a_wrong_request_comes_before_a_missing_session(shared_server):
    for call, path in [
        (lambda: update(shared_server, UNKNOWN_ID, name=""), "session.name"),
        (lambda: delete(shared_server, UNKNOWN_ID, expected_revision=-1), "expected_revision"),
        (lambda: initialize(shared_server, UNKNOWN_ID, "lots"), "resources.memory"),
        (lambda: shut_down(shared_server, UNKNOWN_ID, timeout_ms=-1), "timeout"),
        (lambda: migrate(shared_server, UNKNOWN_ID, "relative"), "workspace"),
        (lambda: clone(shared_server, UNKNOWN_ID, name="a\nb"), "name"),
        (lambda: instantiate(shared_server, "nothing", workspace="relative"), "workspace"),
    ]:
        with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", [path]):
            call()


def test_a_missing_session_comes_before_a_revision(shared_server):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        update(shared_server, UNKNOWN_ID, name="new", expected_revision=1)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        delete(shared_server, UNKNOWN_ID, expected_revision=1)


def test_a_revision_comes_before_the_state(shared_server):
    session = create_in(shared_server, ACTIVE)
    create(shared_server, "child", parent_id=session.id)
    with refused(StatusCode.ABORTED, "REVISION_CONFLICT"):
        delete(shared_server, session.id, expected_revision=session.revision + 1)
    done = create_in(shared_server, COMPLETED)
    with refused(StatusCode.ABORTED, "REVISION_CONFLICT"):
        update(shared_server, done.id, status=ERROR, expected_revision=done.revision + 1)


def test_a_constraint_comes_before_the_capacity(start_server):
    server = start_server("--capacity-memory", "1g")
    session = create(server, constraints=["max-memory:1m"])
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED"):
        initialize(server, session.id, "2g")
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED"):
        bootstrap(server, constraints=["max-memory:1m"], resources=resources("2g"))


def test_a_status_comes_before_the_capacity(start_server):
    server = start_server("--capacity-memory", "1g")
    session = create_in(server, ACTIVE)
    with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION"):
        initialize(server, session.id, "2g")


def test_a_queue_that_is_full_is_told_last(shared_server):
    absent = create_in(shared_server, ACTIVE, constraints=["max-queue:0"]).id
    with refused(StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED"):
        send(shared_server, absent)
    choosy = create_receiver(shared_server, message_types=["OTHER"], constraints=["max-queue:0"])
    with refused(StatusCode.FAILED_PRECONDITION, "TYPE_NOT_ACCEPTED"):
        send(shared_server, choosy)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"):
        send(shared_server, choosy, type="OTHER")
    leaving = create_receiver(shared_server, constraints=["max-queue:1"])
    send(shared_server, leaving)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"):
        send(shared_server, leaving)
    with refused(StatusCode.DEADLINE_EXCEEDED, "DRAIN_TIMEOUT"):
        shut_down(shared_server, leaving, timeout_ms=1)
    with refused(StatusCode.FAILED_PRECONDITION, "DRAINING"):
        send(shared_server, leaving)


def test_an_observer_that_sends_comes_before_that_nobody_can_take_it(shared_server):
    owner, observer = create(shared_server).id, create(shared_server, type=OBSERVER).id
    # Its target is not on the bus, and no observer is.
    set_affinity(shared_server, owner, create_targets(shared_server, 1))
    for target in [{"affinity_of": owner}, {"broadcast_to": OBSERVER}]:
        with refused(StatusCode.UNAVAILABLE, "NO_TARGET"):
            send_all(shared_server, **target)
        with refused(StatusCode.FAILED_PRECONDITION, "OBSERVER_READ_ONLY"):
            send_all(shared_server, sender=observer, **target)


def test_a_missing_key_comes_before_a_missing_sender(shared_server):
    owner = create(shared_server).id
    set_affinity(shared_server, owner, [create_receiver(shared_server)], strategy=CONSISTENT_HASH)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["affinity_key"]):
        send(shared_server, affinity_of=owner, sender=UNKNOWN_ID)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        send(shared_server, affinity_of=owner, affinity_key="k", sender=UNKNOWN_ID)


def test_everything_else_comes_before_the_limit_of_sessions(start_server):
    server = start_server("--max-sessions", "1")
    done = create_in(server, COMPLETED)
    create(server, "the one that is allowed")
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session.parent_id"]):
        create(server, parent_id=UNKNOWN_ID)
    with refused(StatusCode.NOT_FOUND, "TEMPLATE_NOT_FOUND"):
        instantiate(server, "nothing")
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        clone(server, UNKNOWN_ID)
    with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION"):
        clone(server, done.id)
    with refused(StatusCode.FAILED_PRECONDITION, "CONSTRAINT_EXCEEDED"):
        bootstrap(server, constraints=["max-memory:1m"], resources=resources("2g"))
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(server)
