"""Deliveries: when they come, in which order, and to whom."""

import queue
import threading
import time

import pytest

from affinities import LEAST_LOADED, resolve, set_affinity
from lifecycle import force
from messages import (
    CRITICAL,
    HIGH,
    LOW,
    NORMAL,
    Receiver,
    acknowledge,
    create_receiver,
    deregister,
    letters,
    register,
    send,
    send_texts,
    text,
)
from refusal import StatusCode
from sessions import ACTIVE, COMPLETED, DEPARTMENT, IDLE, INITIALIZING, TERMINATED, create, delete, get, update
from watch import STATUS_CHANGED, history


def test_a_message_is_pushed_as_it_is_sent(shared_server):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver, 100)
    for number in range(20):
        send_texts(shared_server, receiver, f"m{number}")
        assert stream.texts(1) == [f"m{number}"]
    stream.cancel()


def test_waiting_messages_come_by_priority_then_in_the_order_sent(shared_server):
    receiver = create_receiver(shared_server)
    for number, priority in enumerate([LOW, NORMAL, HIGH, CRITICAL, LOW, NORMAL, HIGH, CRITICAL]):
        send_texts(shared_server, receiver, f"{number}", priority=priority)
    stream = Receiver(shared_server, receiver)
    assert stream.texts(8) == ["3", "7", "2", "6", "1", "5", "0", "4"]
    stream.cancel()


def test_a_message_is_delivered_once_while_it_is_in_delivery(shared_server):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver)
    send_texts(shared_server, receiver, "a")
    first = stream.next()
    send_texts(shared_server, receiver, "b")
    second = stream.next()
    assert (text(first), text(second)) == ("a", "b")
    stream.settle(first, second)
    stream.cancel()


def test_an_acknowledged_message_is_gone(shared_server):
    receiver = create_receiver(shared_server)
    send_texts(shared_server, receiver, "a", "b", "c")
    stream = Receiver(shared_server, receiver)
    a, b, _ = stream.take(3)
    answer = acknowledge(shared_server, receiver, a.id, b.id, "nonsense", a.id)
    assert (answer.acknowledged, list(answer.unknown_message_ids)) == (2, ["nonsense", a.id])
    stream.cancel()
    again = Receiver(shared_server, receiver)
    assert again.texts(1) == ["c"]
    again.cancel()


def test_only_the_receiver_can_acknowledge(shared_server):
    receiver, other = create_receiver(shared_server), create_receiver(shared_server, "other")
    send(shared_server, receiver)
    stream = Receiver(shared_server, receiver)
    taken = stream.next()
    answer = acknowledge(shared_server, other, taken.id)
    assert (answer.acknowledged, list(answer.unknown_message_ids)) == (0, [taken.id])
    stream.settle(taken)
    stream.cancel()


def test_a_message_that_waits_cannot_be_acknowledged(shared_server):
    receiver = create_receiver(shared_server)
    sent = send(shared_server, receiver)
    assert acknowledge(shared_server, receiver, sent.id).acknowledged == 0


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_is_in_delivery_than_asked_for(shared_server, limit):
    receiver = create_receiver(shared_server)
    stream = Receiver(shared_server, receiver, limit)
    send_texts(shared_server, receiver, *(f"{i}" for i in range(6)))
    taken = stream.take(limit)
    # A message that is sent later, and settled, shows that no other has come in between.
    probe = Receiver(shared_server, receiver, 1)
    assert probe.texts(1) == [f"{limit}"]
    stream.settle(taken[0])
    assert stream.texts(1) == [f"{limit + 1}"]
    stream.cancel()
    probe.cancel()


def test_sixteen_are_in_delivery_unless_asked_otherwise(shared_server):
    receiver = create_receiver(shared_server)
    send_texts(shared_server, receiver, *(f"{i}" for i in range(17)))
    stream = Receiver(shared_server, receiver)
    assert stream.texts(16) == [f"{i}" for i in range(16)]
    other = Receiver(shared_server, receiver)
    assert other.texts(1) == ["16"]
    stream.cancel()
    other.cancel()


def test_streams_of_one_session_share_its_messages(shared_server):
    receiver = create_receiver(shared_server)
    streams = [Receiver(shared_server, receiver, 4) for _ in range(3)]
    taken: queue.Queue = queue.Queue()

    def run(number: int) -> None:
        for item in streams[number].stream:
            taken.put((number, item.message))
            acknowledge(shared_server, receiver, item.message.id)

    threads = [threading.Thread(target=lambda number=number: ignore_end(run, number)) for number in range(3)]
    for thread in threads:
        thread.start()
    texts = [f"{i}" for i in range(120)]
    send_texts(shared_server, receiver, *texts)
    received = [taken.get(timeout=20) for _ in texts]
    assert sorted(int(text(item)) for _, item in received) == list(range(120))
    assert {number for number, _ in received} == {0, 1, 2}
    assert all(item.delivery_attempt == 1 for _, item in received)
    for stream in streams:
        stream.cancel()
    for thread in threads:
        thread.join()


def ignore_end(run, number: int) -> None:
    try:
        run(number)
    except Exception:  # noqa: BLE001 - the test cancels the stream
        pass


def test_a_lost_stream_gives_its_messages_back_at_once(shared_server):
    receiver = create_receiver(shared_server)
    first = Receiver(shared_server, receiver)
    second = Receiver(shared_server, receiver)
    send_texts(shared_server, receiver, "a", "b")
    # Each takes one, the one that holds less first.
    a, b = first.next(), second.next()
    assert {text(a), text(b)} == {"a", "b"}
    first.cancel()
    back = second.next()
    assert back.id == a.id and back.delivery_attempt == 2
    second.settle(b, back)
    second.cancel()


def test_a_lost_connection_gives_its_messages_back_in_order(shared_server):
    receiver = create_receiver(shared_server)
    send_texts(shared_server, receiver, *(f"{i}" for i in range(10)))
    channel = shared_server.new_channel()
    lost = Receiver(shared_server, receiver, stub=type(shared_server.messages)(channel))
    taken = lost.take(10)
    channel.close()
    stream = Receiver(shared_server, receiver)
    again = stream.take(10)
    assert [(item.id, item.delivery_attempt) for item in again] == [(item.id, 2) for item in taken]
    stream.cancel()


def test_lost_streams_do_not_count_as_retries(start_server):
    server = start_server("--max-retries", "0")
    receiver = create_receiver(server)
    send_texts(server, receiver, "a")
    for attempt in range(1, 7):
        stream = Receiver(server, receiver)
        item = stream.next()
        assert (text(item), item.delivery_attempt) == ("a", attempt)
        stream.cancel()
    assert letters(server, receiver) == []
    stream = Receiver(server, receiver)
    stream.settle(stream.next(), error="broken")
    assert letters(server, receiver) == [("a", "failed after 7 deliveries: broken")]
    stream.cancel()


def test_an_initializing_session_gets_its_messages_when_it_starts(shared_server):
    session = create(shared_server).id
    register(shared_server, session)
    send_texts(shared_server, session, "early")
    stream = Receiver(shared_server, session)
    assert get(shared_server, session).status == INITIALIZING
    update(shared_server, session, status=ACTIVE)
    assert stream.texts(1) == ["early"]
    stream.cancel()


def test_a_delivery_makes_an_idle_session_active(shared_server):
    session = create_receiver(shared_server)
    idle = update(shared_server, session, status=IDLE)
    stream = Receiver(shared_server, session)
    assert get(shared_server, session).status == IDLE
    send_texts(shared_server, session, "a", "b")
    assert stream.texts(2) == ["a", "b"]
    woken = get(shared_server, session)
    assert (woken.status, woken.status_reason) == (ACTIVE, "message delivered")
    events = history(shared_server, idle.revision)
    assert [(event.kind, event.old_status, event.reason) for event in events] == [
        (STATUS_CHANGED, IDLE, "message delivered")
    ]
    stream.cancel()


def test_a_session_in_error_gets_nothing(shared_server):
    session, other = create_receiver(shared_server), create_receiver(shared_server, "other")
    streams = [Receiver(shared_server, session), Receiver(shared_server, other)]
    update(shared_server, session, status=5)
    send_texts(shared_server, session, "lost")
    send_texts(shared_server, other, "found")
    assert streams[1].texts(1) == ["found"]
    force(shared_server, session)
    assert streams[0].ends_well()
    assert letters(shared_server, session) == [("lost", "forced")]
    streams[1].cancel()


@pytest.mark.parametrize("end", ["complete", "terminate", "delete", "deregister"])
def test_a_stream_ends_well_when_its_session_ends_or_leaves(shared_server, end):
    session = create_receiver(shared_server)
    stream = Receiver(shared_server, session)
    match end:
        case "complete":
            update(shared_server, session, status=COMPLETED)
        case "terminate":
            update(shared_server, session, status=TERMINATED)
        case "delete":
            delete(shared_server, session, force=True)
        case "deregister":
            deregister(shared_server, session)
    assert stream.ends_well()


def test_receiving_and_acknowledging_are_activity(shared_server):
    session = create_receiver(shared_server)
    times = [get(shared_server, session).last_activity_time.ToMicroseconds()]
    stream = Receiver(shared_server, session)
    times.append(get(shared_server, session).last_activity_time.ToMicroseconds())
    send(shared_server, session)
    item = stream.next()
    times.append(get(shared_server, session).last_activity_time.ToMicroseconds())
    stream.settle(item)
    times.append(get(shared_server, session).last_activity_time.ToMicroseconds())
    assert times == sorted(set(times))
    stream.cancel()


def test_a_session_with_messages_does_not_become_idle(start_server):
    server = start_server("--session-timeout", "1500")
    busy, idle = create_receiver(server, "busy"), create_receiver(server, "idle")
    stream = Receiver(server, busy)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        send(server, busy)
        stream.settle(stream.next())
    assert get(server, busy).status == ACTIVE
    assert get(server, idle).status in (IDLE, TERMINATED)
    stream.cancel()


def test_the_least_loaded_is_who_has_the_shortest_queue(shared_server):
    owner = create(shared_server, "director").id
    targets = [create_receiver(shared_server, f"t{i}", type=DEPARTMENT) for i in range(2)]
    set_affinity(shared_server, owner, targets, strategy=LEAST_LOADED)
    send(shared_server, targets[0])
    answer = resolve(shared_server, owner)
    assert answer.target_session_id == targets[1]
    assert "1 message" in answer.explanation


def test_a_target_whose_queue_is_full_can_take_no_work(shared_server):
    owner = create(shared_server, "director").id
    targets = [
        create_receiver(shared_server, f"t{i}", type=DEPARTMENT, constraints=["max-queue:1"]) for i in range(2)
    ]
    set_affinity(shared_server, owner, targets)
    send(shared_server, targets[0])
    assert [resolve(shared_server, owner).target_session_id for _ in range(2)] == [targets[1]] * 2


def test_streams_end_with_unavailable_when_the_server_stops(start_server):
    server = start_server()
    stream = Receiver(server, create_receiver(server))
    server.terminate()
    assert stream.end().code == StatusCode.UNAVAILABLE
    server.wait_for_exit()
