"""What becomes of a message that is sent, and which are refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from affinities import CONSISTENT_HASH, ROUND_ROBIN, WEIGHTED, set_affinity
from messages import (
    CRITICAL,
    HIGH,
    LOW,
    NORMAL,
    Receiver,
    acknowledge,
    create_receiver,
    deregister,
    later,
    message,
    messages_pb,
    register,
    send,
    send_all,
    send_texts,
    text,
)
from lifecycle import shut_down
from pulse import until
from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import (
    ACTIVE,
    COMPLETED,
    DEPARTMENT,
    ERROR,
    IDLE,
    INITIALIZING,
    OBSERVER,
    PARTICIPANT,
    STATUSES,
    TERMINATED,
    UNKNOWN_ID,
    create,
    create_in,
    delete,
    get,
    update,
)
from watch import DEREGISTERED, REGISTERED, history


def test_a_message_comes_as_it_was_sent(shared_server):
    sender, receiver = create(shared_server, "sender").id, create_receiver(shared_server)
    expire = later(3600)
    payload = {"text": "build", "deep": {"list": [1, 2.5, None, True, "é"]}, "empty": {}}
    sent = send(
        shared_server, receiver, sender=sender, payload=payload, type="PROGRESS_REPORT", priority=HIGH,
        correlation_id="c1", expire_time=expire,
    )  # fmt: skip
    stream = Receiver(shared_server, receiver)
    response = stream.next_response()
    received = response.message
    assert received.delivery_attempt == 1 and sent.delivery_attempt == 0
    received.delivery_attempt = 0
    assert received == sent
    assert sent.id[14] == "7" and sent.send_time.seconds > 0
    assert (sent.type, sent.priority, sent.correlation_id) == ("PROGRESS_REPORT", HIGH, "c1")
    assert (sent.from_session_id, sent.to_session_id) == (sender, receiver)
    assert sent.payload == message(payload=payload).payload
    assert abs(sent.expire_time.ToMicroseconds() - expire.ToMicroseconds()) < 2
    wait = response.ack_deadline.ToMilliseconds() - sent.send_time.ToMilliseconds()
    assert 30_000 <= wait < 30_000 + 1000 * PATIENCE_SECONDS
    stream.cancel()


def test_output_only_fields_are_ignored_and_times_have_defaults(shared_server):
    receiver = create_receiver(shared_server)
    sent = send(shared_server, receiver, id="mine", delivery_attempt=7, send_time=later(-1000))
    assert sent.id != "mine" and sent.delivery_attempt == 0 and not sent.HasField("payload")
    assert sent.expire_time.ToMilliseconds() - sent.send_time.ToMilliseconds() == 24 * 60 * 60 * 1000


def test_an_empty_payload_is_not_no_payload(shared_server):
    receiver = create_receiver(shared_server)
    send(shared_server, receiver, payload={})
    send(shared_server, receiver)
    stream = Receiver(shared_server, receiver)
    assert [item.HasField("payload") for item in stream.take(2)] == [True, False]
    stream.cancel()


@pytest.mark.parametrize(
    ("registered", "asked", "expected"),
    [(0, 0, NORMAL), (HIGH, 0, HIGH), (HIGH, LOW, LOW), (0, CRITICAL, CRITICAL)],
)
def test_a_priority_is_the_messages_or_the_receivers_or_normal(shared_server, registered, asked, expected):
    receiver = create_receiver(shared_server, priority=registered)
    assert send(shared_server, receiver, priority=asked).priority == expected


@pytest.mark.parametrize("status", STATUSES)
def test_registering_needs_a_live_session(shared_server, status):
    session = create_in(shared_server, status)
    if status in (INITIALIZING, ACTIVE, IDLE):
        registered = register(shared_server, session.id, "COMMAND", "ERROR", priority=HIGH)
        assert list(registered.registration.message_types) == ["COMMAND", "ERROR"]
        assert registered.registration.priority == HIGH and not registered.registration.draining
        assert registered.status == status and registered == get(shared_server, session.id)
        assert [event.kind for event in history(shared_server, session.revision)] == [REGISTERED]
    else:
        with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION"):
            register(shared_server, session.id)


def test_registering_again_replaces_the_registration_and_keeps_the_queue(shared_server):
    receiver = create_receiver(shared_server, message_types=["COMMAND"])
    send_texts(shared_server, receiver, "kept")
    again = register(shared_server, receiver, "ERROR")
    assert list(again.registration.message_types) == ["ERROR"]
    with refused(StatusCode.FAILED_PRECONDITION, "TYPE_NOT_ACCEPTED"):
        send(shared_server, receiver)
    stream = Receiver(shared_server, receiver)
    assert stream.texts(1) == ["kept"]
    stream.cancel()


def test_a_type_that_is_not_accepted_is_refused(shared_server):
    receiver = create_receiver(shared_server, message_types=["COMMAND"])
    send(shared_server, receiver, type="COMMAND")
    with refused(StatusCode.FAILED_PRECONDITION, "TYPE_NOT_ACCEPTED") as refusal:
        send(shared_server, receiver, type="ERROR")
    assert refusal.metadata == {"session_id": receiver, "type": "ERROR"}


def test_a_session_that_is_not_registered_is_refused(shared_server):
    session = create_in(shared_server, ACTIVE).id
    with refused(StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED"):
        send(shared_server, session)
    register(shared_server, session)
    send(shared_server, session)
    before = get(shared_server, session).revision
    assert deregister(shared_server, session).undelivered == 1
    assert [event.kind for event in history(shared_server, before)] == [DEREGISTERED]
    with refused(StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED"):
        send(shared_server, session)
    with refused(StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED"):
        Receiver(shared_server, session).next()


def test_deregistering_what_is_not_registered_succeeds(shared_server):
    session = create(shared_server)
    answer = deregister(shared_server, session.id, 10_000)
    assert (answer.session, answer.undelivered) == (session, 0)


@pytest.mark.parametrize("status", [COMPLETED, TERMINATED])
def test_an_ended_session_is_not_registered(shared_server, status):
    receiver = create_receiver(shared_server)
    update(shared_server, receiver, status=status)
    with refused(StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED"):
        send(shared_server, receiver)


def test_a_draining_session_is_refused(shared_server):
    receiver = create_receiver(shared_server)
    send(shared_server, receiver)
    with refused(StatusCode.DEADLINE_EXCEEDED, "DRAIN_TIMEOUT") as refusal:
        shut_down(shared_server, receiver, timeout_ms=1)
    assert refusal.metadata == {"pending": "1"}
    with refused(StatusCode.FAILED_PRECONDITION, "DRAINING"):
        send(shared_server, receiver)


def test_a_full_queue_is_refused_until_something_is_acknowledged(shared_server):
    receiver = create_receiver(shared_server, constraints=["max-queue:2"])
    send_texts(shared_server, receiver, "a", "b")
    with refused(StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL") as refusal:
        send(shared_server, receiver)
    assert refusal.metadata == {"session_id": receiver, "max-queue": "2"}
    stream = Receiver(shared_server, receiver)
    first = stream.next()
    # In delivery, it still counts.
    with refused(StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"):
        send(shared_server, receiver)
    stream.settle(first)
    send_texts(shared_server, receiver, "c")
    assert stream.texts(2) == ["b", "c"]
    stream.cancel()


def test_an_observer_cannot_send(shared_server):
    observer, receiver = create(shared_server, "observer", type=OBSERVER).id, create_receiver(shared_server)
    with refused(StatusCode.FAILED_PRECONDITION, "OBSERVER_READ_ONLY"):
        send(shared_server, receiver, sender=observer)
    # What is wrong with the sender is told before what is wrong with the receiver's queue.
    full = create_receiver(shared_server, constraints=["max-queue:0"])
    with refused(StatusCode.FAILED_PRECONDITION, "OBSERVER_READ_ONLY"):
        send(shared_server, full, sender=observer)


@pytest.mark.parametrize("session_id", [UNKNOWN_ID, "nonsense"])
def test_sessions_that_are_not_there_are_not_found(shared_server, session_id):
    receiver = create_receiver(shared_server)
    calls = [
        lambda: send(shared_server, session_id),
        lambda: send(shared_server, receiver, sender=session_id),
        lambda: send_all(shared_server, affinity_of=session_id),
        lambda: register(shared_server, session_id),
        lambda: deregister(shared_server, session_id),
        lambda: acknowledge(shared_server, session_id),
        lambda: Receiver(shared_server, session_id).next(),
    ]
    for call in calls:
        with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND") as refusal:
            call()
        assert refusal.metadata == {"session_id": session_id}


def test_everything_wrong_with_a_message_is_told_at_once(shared_server):
    nothing = messages_pb.Message(type="command", priority=9, from_session_id="nonsense", expire_time=later(-1))
    nothing.payload.fields["k"].SetInParent()
    request = messages_pb.SendMessageRequest(message=nothing, broadcast_to=9, affinity_of="x", request_id="r" * 65)
    paths = ["type", "priority", "expire_time", "to_session_id", "payload.k"]
    with refused(
        StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", [f"message.{path}" for path in paths] + ["broadcast_to", "request_id"]
    ):
        shared_server.messages.SendMessage(request, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("type", ["", "command", "Command", "É" * 129, "A\nB"])
def test_a_type_that_is_none_is_refused(shared_server, type):
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["message.type"]):
        send(shared_server, create_receiver(shared_server), type=type)


@pytest.mark.parametrize(
    "targets",
    [{}, {"broadcast_to": DEPARTMENT, "affinity_of": "x"}, {"to": "x", "affinity_of": "x"}, {"to": "x", "broadcast_to": DEPARTMENT}],
)  # fmt: skip
def test_exactly_one_target_is_given(shared_server, targets):
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["message.to_session_id"]):
        send_all(shared_server, **targets)


def test_a_request_without_a_message_is_refused(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["message"]):
        shared_server.messages.SendMessage(messages_pb.SendMessageRequest(), timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("seconds", [-1, -86_400])
def test_a_time_to_expire_that_is_past_is_refused(shared_server, seconds):
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["message.expire_time"]):
        send(shared_server, create_receiver(shared_server), expire_time=later(seconds))


def test_wrong_fields_of_the_other_calls_are_told(shared_server):
    receiver = create_receiver(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["message_types[1]", "priority"]):
        register(shared_server, receiver, "COMMAND", "command", priority=9)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["timeout"]):
        deregister(shared_server, receiver, -1)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["max_in_flight"]):
        Receiver(shared_server, receiver, -1).next()


def test_sending_is_activity_of_the_sender_alone(shared_server):
    sender, receiver = create_in(shared_server, ACTIVE, "sender").id, create_receiver(shared_server)
    before = [get(shared_server, session) for session in (sender, receiver)]
    send(shared_server, receiver, sender=sender)
    after = [get(shared_server, session) for session in (sender, receiver)]
    assert after[0].last_activity_time.ToMicroseconds() > before[0].last_activity_time.ToMicroseconds()
    assert after[1] == before[1]
    assert after[0].revision == before[0].revision


def test_a_broadcast_goes_to_every_registered_session_of_the_type(server):
    departments = [create_receiver(server, f"d{i}", type=DEPARTMENT) for i in range(3)]
    create_receiver(server, "other", type=PARTICIPANT)
    create_in(server, ACTIVE, "unregistered", type=DEPARTMENT)
    sent = send_all(server, broadcast_to=DEPARTMENT, payload={"text": "all"})
    assert [item.to_session_id for item in sent] == departments
    assert len({item.id for item in sent}) == 3
    for department, item in zip(departments, sent, strict=True):
        stream = Receiver(server, department)
        assert stream.next().id == item.id
        stream.cancel()


def test_a_broadcast_leaves_out_who_cannot_take_it(server):
    full = create_receiver(server, "full", type=DEPARTMENT, constraints=["max-queue:0"])
    other = create_receiver(server, "other", type=DEPARTMENT, message_types=["OTHER"])
    able = create_receiver(server, "able", type=DEPARTMENT)
    assert [item.to_session_id for item in send_all(server, broadcast_to=DEPARTMENT)] == [able]
    assert [item.to_session_id for item in send_all(server, broadcast_to=DEPARTMENT, type="OTHER")] == [other, able]
    delete(server, able, force=True)
    with refused(StatusCode.UNAVAILABLE, "NO_TARGET") as refusal:
        send_all(server, broadcast_to=DEPARTMENT)
    assert refusal.metadata == {"type": "DEPARTMENT"}
    assert full
    with refused(StatusCode.UNAVAILABLE, "NO_TARGET"):
        send_all(server, broadcast_to=OBSERVER)


def test_a_broadcast_leaves_out_who_is_draining(server):
    draining = [create_receiver(server, f"d{i}", type=DEPARTMENT) for i in range(2)]
    able = create_receiver(server, "able", type=DEPARTMENT)
    for receiver in draining:
        send_texts(server, receiver, "last")
    with ThreadPoolExecutor() as pool:
        shutdowns = [pool.submit(shut_down, server, receiver, 20_000) for receiver in draining]
        until(lambda: all(get(server, receiver).registration.draining for receiver in draining))
        assert [item.to_session_id for item in send_all(server, broadcast_to=DEPARTMENT)] == [able]
        delete(server, able, force=True)
        with refused(StatusCode.UNAVAILABLE, "NO_TARGET") as refusal:
            send_all(server, broadcast_to=DEPARTMENT)
        assert refusal.metadata == {"type": "DEPARTMENT"}
        for receiver, shutdown in zip(draining, shutdowns, strict=True):
            assert not shutdown.done()
            stream = Receiver(server, receiver)
            last = stream.next()
            assert text(last) == "last"
            stream.settle(last)
            assert stream.ends_well()
        assert [shutdown.result().status for shutdown in shutdowns] == [TERMINATED] * 2


def test_an_affinity_picks_the_receiver(shared_server):
    owner = create(shared_server, "director").id
    targets = [create_receiver(shared_server, f"t{i}", type=DEPARTMENT) for i in range(3)]
    set_affinity(shared_server, owner, targets)
    sent = [send(shared_server, affinity_of=owner).to_session_id for _ in range(4)]
    assert sent == [*targets, targets[0]]
    update(shared_server, targets[1], status=ERROR)
    assert send(shared_server, affinity_of=owner).to_session_id == targets[2]


def test_the_same_key_has_the_same_receiver(shared_server):
    owner = create(shared_server, "director").id
    targets = [create_receiver(shared_server, f"t{i}", type=DEPARTMENT) for i in range(3)]
    set_affinity(shared_server, owner, targets, strategy=CONSISTENT_HASH)
    keys = [f"k{i}" for i in range(20)]
    first = [send(shared_server, affinity_of=owner, affinity_key=key).to_session_id for key in keys]
    assert [send(shared_server, affinity_of=owner, affinity_key=key).to_session_id for key in keys] == first
    assert len(set(first)) == 3
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["affinity_key"]):
        send(shared_server, affinity_of=owner)


def test_an_affinity_that_is_not_there_or_has_nobody_is_told(shared_server):
    owner, target = create(shared_server, "director").id, create_in(shared_server, ACTIVE, type=DEPARTMENT).id
    with refused(StatusCode.NOT_FOUND, "AFFINITY_NOT_FOUND"):
        send(shared_server, affinity_of=owner)
    set_affinity(shared_server, owner, [target])
    with refused(StatusCode.UNAVAILABLE, "NO_TARGET") as refusal:
        send(shared_server, affinity_of=owner)
    assert refusal.metadata == {"session_id": owner} and f"{target} is not registered" in refusal.message
    register(shared_server, target, "OTHER")
    with refused(StatusCode.FAILED_PRECONDITION, "TYPE_NOT_ACCEPTED"):
        send(shared_server, affinity_of=owner)
    assert send(shared_server, affinity_of=owner, type="OTHER").to_session_id == target


@pytest.mark.parametrize("strategy", [ROUND_ROBIN, WEIGHTED])
def test_who_may_not_send_takes_no_turn(shared_server, strategy):
    owner, observer = create(shared_server, "director").id, create(shared_server, "observer", type=OBSERVER).id
    targets = [create_receiver(shared_server, f"t{i}", type=DEPARTMENT) for i in range(3)]
    set_affinity(shared_server, owner, targets, strategy=strategy)
    for sender, code, reason in [
        (observer, StatusCode.FAILED_PRECONDITION, "OBSERVER_READ_ONLY"),
        (UNKNOWN_ID, StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"),
    ]:
        for target in targets:
            with refused(code, reason):
                send(shared_server, affinity_of=owner, sender=sender)
            assert send(shared_server, affinity_of=owner).to_session_id == target, reason


def test_a_target_that_refuses_the_type_had_its_turn(shared_server):
    owner = create(shared_server, "director").id
    picky = create_receiver(shared_server, "picky", type=DEPARTMENT, message_types=["COMMAND"])
    other = create_receiver(shared_server, "other", type=DEPARTMENT)
    set_affinity(shared_server, owner, [picky, other], strategy=ROUND_ROBIN)
    with refused(StatusCode.FAILED_PRECONDITION, "TYPE_NOT_ACCEPTED"):
        send(shared_server, affinity_of=owner, type="ERROR")
    # A repeat is for the next one, so that it may succeed.
    assert send(shared_server, affinity_of=owner, type="ERROR").to_session_id == other


def test_sending_by_affinity_can_be_switched_off(start_server):
    server = start_server("--enable-affinity", "false")
    with refused(StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED") as refusal:
        send(server, affinity_of=UNKNOWN_ID)
    assert refusal.metadata == {"setting": "enableAffinity"}


def test_a_repeated_request_sends_once_over_restarts(start_server):
    server = start_server()
    receivers = [create_receiver(server, f"d{i}", type=DEPARTMENT) for i in range(2)]
    fields = {"payload": {"a": 1, "b": [1, {"c": 2}]}, "broadcast_to": DEPARTMENT, "request_id": "r1", "priority": LOW}
    first = send_all(server, **fields)
    create_receiver(server, "late", type=DEPARTMENT)
    assert send_all(server, **fields) == first
    stream = Receiver(server, receivers[0])
    stream.settle(stream.next())
    assert send_all(server, **fields) == first
    stream.cancel()
    server.kill()
    server = start_server(database=server.database)
    assert send_all(server, **fields) == first
    for change in [{"payload": {"a": 2}}, {"priority": HIGH}, {"type": "OTHER"}, {"correlation_id": "c"}]:
        with refused(StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
            send_all(server, **fields | change)
    stream = Receiver(server, receivers[1])
    assert stream.next().id == first[1].id
    send_texts(server, receivers[1], "next")
    assert stream.texts(1) == ["next"]
    stream.cancel()
