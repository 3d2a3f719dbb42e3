"""What waits for messages: deregistering, shutting down, moving."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lifecycle import bootstrap, clone, force, migrate, shut_down
from messages import (
    HIGH,
    Receiver,
    create_receiver,
    deregister,
    is_registered,
    letters,
    register,
    send,
    send_texts,
    text,
)
from refusal import StatusCode, refused
from sessions import ACTIVE, TERMINATED, get
from watch import DEREGISTERED, MIGRATED, UPDATED, history, watching


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def wait_for_draining(server, session: str) -> None:
    with watching(server, include_snapshot=True, session_ids=[session]) as watch:
        sessions, _ = watch.snapshot()
        if not sessions[0].registration.draining:
            watch.event()
    assert get(server, session).registration.draining


def test_deregistering_waits_for_the_queue(shared_server, pool):
    receiver = create_receiver(shared_server)
    before = get(shared_server, receiver)
    stream = Receiver(shared_server, receiver, 1)
    send_texts(shared_server, receiver, "a", "b")
    first = stream.next()
    answer = pool.submit(deregister, shared_server, receiver, 20_000)
    wait_for_draining(shared_server, receiver)
    with refused(StatusCode.FAILED_PRECONDITION, "DRAINING"):
        send(shared_server, receiver)
    stream.settle(first)
    second = stream.next()
    assert text(second) == "b" and not answer.done()
    stream.settle(second)
    left = answer.result()
    assert left.undelivered == 0 and not left.session.HasField("registration") and left.session.status == ACTIVE
    assert stream.ends_well()
    events = history(shared_server, before.revision)
    assert [(event.kind, list(event.changed_fields)) for event in events if event.session_id == receiver] == [
        (UPDATED, ["registration"]),
        (DEREGISTERED, []),
    ]
    assert letters(shared_server, receiver) == []


def test_deregistering_goes_on_at_the_timeout(shared_server):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver, 1)
    send_texts(shared_server, receiver, "a", "b")
    stream.next()
    assert deregister(shared_server, receiver, 200).undelivered == 2
    assert stream.ends_well()
    assert letters(shared_server, receiver) == [("a", "deregistered"), ("b", "deregistered")]


def test_registering_again_ends_the_draining(shared_server):
    receiver = create_receiver(shared_server)
    send(shared_server, receiver)
    with refused(StatusCode.DEADLINE_EXCEEDED, "DRAIN_TIMEOUT"):
        shut_down(shared_server, receiver, timeout_ms=1)
    register(shared_server, receiver)
    send(shared_server, receiver)


def test_a_shutdown_waits_for_the_last_message(shared_server, pool):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver)
    send_texts(shared_server, receiver, "a", "b")
    taken = stream.take(2)
    answer = pool.submit(shut_down, shared_server, receiver, 20_000, reason="done")
    wait_for_draining(shared_server, receiver)
    stream.settle(taken[0])
    assert not answer.done()
    stream.settle(taken[1])
    ended = answer.result()
    assert (ended.status, ended.status_reason) == (TERMINATED, "done")
    assert stream.ends_well()
    assert letters(shared_server, receiver) == []


def test_a_shutdown_that_takes_too_long_goes_on_when_repeated(shared_server, pool):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver)
    send_texts(shared_server, receiver, "a", "b")
    with refused(StatusCode.DEADLINE_EXCEEDED, "DRAIN_TIMEOUT") as refusal:
        shut_down(shared_server, receiver, 100)
    assert refusal.metadata == {"pending": "2"}
    assert get(shared_server, receiver).registration.draining
    answer = pool.submit(shut_down, shared_server, receiver, 20_000)
    stream.settle(*stream.take(2))
    assert answer.result().status == TERMINATED


def test_a_force_ends_what_drains(shared_server, pool):
    receiver = create_receiver(shared_server)
    send_texts(shared_server, receiver, "a", "b")
    answer = pool.submit(shut_down, shared_server, receiver, 20_000)
    wait_for_draining(shared_server, receiver)
    assert force(shared_server, receiver, reason="now").dead_lettered == 2
    assert answer.result().status_reason == "now"
    assert letters(shared_server, receiver) == [("a", "now"), ("b", "now")]


def test_a_shutdown_ends_when_the_last_message_dies(start_server, pool):
    server = start_server("--max-retries", "0")
    receiver = create_receiver(server)
    stream = Receiver(server, receiver)
    send(server, receiver)
    taken = stream.next()
    answer = pool.submit(shut_down, server, receiver, 20_000)
    wait_for_draining(server, receiver)
    stream.settle(taken, error="broken")
    assert answer.result().status == TERMINATED


def test_a_cascade_lets_the_lower_ones_send_to_the_last(shared_server, pool):
    top = create_receiver(shared_server, "top")
    lower = bootstrap(shared_server, "lower", parent_id=top).id
    stream = Receiver(shared_server, lower)
    send_texts(shared_server, lower, "work")
    work = stream.next()
    answer = pool.submit(shut_down, shared_server, top, 20_000, cascade=True)
    wait_for_draining(shared_server, lower)
    send_texts(shared_server, top, "result", sender=lower)
    stream.settle(work)
    above = Receiver(shared_server, top)
    above.settle(above.next())
    assert answer.result().status == TERMINATED
    assert get(shared_server, lower).status == TERMINATED


def test_a_migration_waits_for_what_is_in_delivery_and_begins_nothing(shared_server, pool):
    receiver = create_receiver(shared_server, priority=HIGH)
    before = get(shared_server, receiver)
    stream = Receiver(shared_server, receiver, 1)
    send_texts(shared_server, receiver, "a", "b")
    first = stream.next()
    began = threading.Event()

    def move():
        began.set()
        return migrate(shared_server, receiver, "/new", 20_000, preserve_state=True)

    answer = pool.submit(move)
    began.wait()
    assert not answer.done()
    stream.settle(first)
    moved = answer.result()
    assert moved.workspace == "/new" and moved.registration == before.registration
    assert stream.texts(1) == ["b"]
    kinds = [event.kind for event in history(shared_server, before.revision) if event.session_id == receiver]
    assert kinds == [MIGRATED]
    stream.cancel()


def test_a_migration_that_takes_too_long_changes_nothing(shared_server):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver, 1)
    send_texts(shared_server, receiver, "a", "b")
    first = stream.next()
    with refused(StatusCode.DEADLINE_EXCEEDED, "MIGRATION_TIMEOUT") as refusal:
        migrate(shared_server, receiver, "/new", 100)
    assert refusal.metadata == {"in_delivery": "1"}
    stream.settle(first)
    assert stream.texts(1) == ["b"]
    assert get(shared_server, receiver).workspace != "/new"
    stream.cancel()


def test_a_migration_without_state_takes_the_session_off_the_bus(shared_server):
    receiver = create_receiver(shared_server, metadata={"a": 1})
    send_texts(shared_server, receiver, "a")
    moved = migrate(shared_server, receiver, "/new")
    assert moved.workspace == "/new" and not moved.HasField("registration") and not moved.metadata.fields
    assert letters(shared_server, receiver) == [("a", "migrated")]
    with refused(StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED"):
        send(shared_server, receiver)


def test_a_stream_ends_well_when_its_session_migrates_without_state(shared_server):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver)
    migrate(shared_server, receiver, "/new")
    assert stream.ends_well()


def test_a_clone_is_not_on_the_bus(shared_server):
    receiver = create_receiver(shared_server)
    send(shared_server, receiver)
    copy = clone(shared_server, receiver)
    assert not is_registered(shared_server, copy.id) and is_registered(shared_server, receiver)
