"""Messages that are not acknowledged, that fail, that expire: again, and at last a dead letter."""

import time

import pytest

from lifecycle import force, migrate, shut_down_all
from messages import (
    Receiver,
    acknowledge,
    create_receiver,
    dead_letters,
    deregister,
    later,
    letters,
    register,
    send,
    send_texts,
    text,
)
from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import COMPLETED, TERMINATED, UNKNOWN_ID, delete, update

QUICK = ("--ack-timeout", "300", "--retry-delay", "200")


def wait_for_letters(server, session: str, count: int) -> list[tuple[str, str]]:
    end = time.monotonic() + PATIENCE_SECONDS
    while len(found := letters(server, session)) < count:
        assert time.monotonic() < end, f"only {found}"
    return found


def test_what_is_not_acknowledged_comes_again_after_the_delay(start_server):
    server = start_server(*QUICK)
    receiver = create_receiver(server)
    stream = Receiver(server, receiver)
    begin = time.monotonic()
    sent = send(server, receiver)
    first = stream.next_response()
    again = stream.next_response()
    assert 0.45 < time.monotonic() - begin < 5
    assert (first.message.id, again.message.id) == (sent.id, sent.id)
    assert (first.message.delivery_attempt, again.message.delivery_attempt) == (1, 2)
    assert again.ack_deadline.ToMicroseconds() > first.ack_deadline.ToMicroseconds()
    stream.settle(again.message)
    stream.cancel()


def test_what_fails_waits_for_the_whole_delay(start_server):
    server = start_server("--retry-delay", "3000")
    receiver = create_receiver(server)
    stream = Receiver(server, receiver)
    send(server, receiver)
    failed = stream.next()
    begin = time.monotonic()
    stream.settle(failed, error="not now")
    again = stream.next()
    assert 2.9 <= time.monotonic() - begin < 10
    assert (again.id, again.delivery_attempt) == (failed.id, 2)
    stream.settle(again)
    stream.cancel()


def test_while_it_waits_to_be_tried_again_it_cannot_be_acknowledged(start_server):
    server = start_server("--retry-delay", "3600000")
    receiver = create_receiver(server)
    stream = Receiver(server, receiver)
    sent = send(server, receiver)
    stream.settle(stream.next(), error="not now")
    answer = acknowledge(server, receiver, sent.id)
    assert (answer.acknowledged, list(answer.unknown_message_ids)) == (0, [sent.id])
    stream.cancel()


def test_what_fails_comes_again_three_times_and_is_a_dead_letter_then(start_server):
    server = start_server("--retry-delay", "50")
    receiver = create_receiver(server)
    stream = Receiver(server, receiver)
    send_texts(server, receiver, "bad")
    for attempt in range(1, 5):
        item = stream.next()
        assert item.delivery_attempt == attempt
        stream.settle(item, error=f"error {attempt}")
    (letter,) = dead_letters(server, receiver).dead_letters
    assert letter.reason == "failed after 4 deliveries: error 4"
    assert letter.message == item
    assert letter.time.ToMicroseconds() >= item.send_time.ToMicroseconds()
    send_texts(server, receiver, "good")
    assert stream.texts(1) == ["good"]
    stream.cancel()


@pytest.mark.parametrize("retries", [0, 1])
def test_how_often_is_a_setting(start_server, retries):
    server = start_server("--ack-timeout", "100", "--retry-delay", "0", "--max-retries", str(retries))
    receiver = create_receiver(server)
    stream = Receiver(server, receiver)
    send_texts(server, receiver, "a")
    assert [item.delivery_attempt for item in stream.take(retries + 1)] == list(range(1, retries + 2))
    reason = f"not acknowledged within 100 ms, after {retries + 1} deliveries"
    assert wait_for_letters(server, receiver, 1) == [("a", reason)]
    stream.cancel()


def test_a_message_that_failed_lets_the_next_ones_pass(start_server):
    server = start_server("--retry-delay", "500")
    receiver = create_receiver(server)
    stream = Receiver(server, receiver, 1)
    send_texts(server, receiver, "a", "b", "c")
    stream.settle(stream.next(), error="later")
    for expected in ["b", "c", "a"]:
        item = stream.next()
        assert text(item) == expected
        stream.settle(item)
    stream.cancel()


def test_failures_are_counted_over_a_restart(start_server):
    server = start_server("--max-retries", "1", "--retry-delay", "0")
    receiver = create_receiver(server)
    send_texts(server, receiver, "a")
    stream = Receiver(server, receiver)
    stream.settle(stream.next(), error="first")
    server.kill()
    server = start_server("--max-retries", "1", "--retry-delay", "0", database=server.database)
    stream = Receiver(server, receiver)
    item = stream.next()
    assert item.delivery_attempt >= 2
    stream.settle(item, error="second")
    assert [reason.split(": ")[1] for _, reason in letters(server, receiver)] == ["second"]
    stream.cancel()


def test_a_message_that_waits_expires(shared_server):
    receiver = create_receiver(shared_server)
    sent = send(shared_server, receiver, payload={"text": "old"}, expire_time=later(0.5))
    send_texts(shared_server, receiver, "new")
    assert wait_for_letters(shared_server, receiver, 1) == [("old", "expired")]
    (letter,) = dead_letters(shared_server, receiver).dead_letters
    assert letter.time.ToMicroseconds() >= sent.expire_time.ToMicroseconds()
    assert letter.message.delivery_attempt == 0
    stream = Receiver(shared_server, receiver)
    assert stream.texts(1) == ["new"]
    stream.cancel()


def test_a_message_in_delivery_may_be_acknowledged_after_it_expired(shared_server):
    receiver, other = create_receiver(shared_server), create_receiver(shared_server, "other")
    stream = Receiver(shared_server, receiver)
    send_texts(shared_server, receiver, "held", expire_time=later(0.4))
    send_texts(shared_server, other, "waits", expire_time=later(0.5))
    held = stream.next()
    wait_for_letters(shared_server, other, 1)
    stream.settle(held)
    assert letters(shared_server, receiver) == []
    stream.cancel()


def test_a_message_that_expired_in_delivery_does_not_come_again(shared_server):
    receiver, other = create_receiver(shared_server), create_receiver(shared_server, "other")
    stream = Receiver(shared_server, receiver)
    send_texts(shared_server, receiver, "held", expire_time=later(0.4))
    send_texts(shared_server, other, "waits", expire_time=later(0.5))
    stream.next()
    wait_for_letters(shared_server, other, 1)
    stream.cancel()
    assert wait_for_letters(shared_server, receiver, 1) == [("held", "expired")]


def test_messages_expire_while_the_server_is_down(start_server, shared_server):
    server = start_server()
    receiver, other = create_receiver(server), create_receiver(shared_server)
    expire_time = later(2)
    send_texts(server, receiver, "old", expire_time=expire_time)
    send_texts(shared_server, other, "old", expire_time=expire_time)
    server.kill()
    # It leaves the bus when its queue is empty: a server that runs tells when the time is over.
    assert deregister(shared_server, other, PATIENCE_SECONDS * 1000).undelivered == 0
    server = start_server(database=server.database)
    assert deregister(server, receiver, PATIENCE_SECONDS * 1000).undelivered == 0
    assert letters(server, receiver) == [("old", "expired")]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda server, session: force(server, session, reason="now"), "now"),
        (lambda server, session: force(server, session), "forced"),
        (lambda server, session: update(server, session, status=COMPLETED, status_reason="all done"), "all done"),
        (lambda server, session: update(server, session, status=TERMINATED), "the receiver ended"),
        (lambda server, session: delete(server, session, force=True), "forced"),
        (lambda server, session: deregister(server, session), "deregistered"),
        (lambda server, session: migrate(server, session, "/new"), "migrated"),
        (lambda server, session: shut_down_all(server, "fire"), "fire"),
    ],
    ids=["force", "forced", "completed", "terminated", "delete", "deregister", "migrate", "emergency"],
)
def test_who_leaves_the_bus_leaves_dead_letters(server, end, reason):
    receiver = create_receiver(server)
    send_texts(server, receiver, "a", "b")
    end(server, receiver)
    assert letters(server, receiver) == [("a", reason), ("b", reason)]


def test_what_is_in_delivery_dies_with_its_receiver(server):
    receiver = create_receiver(server)
    send_texts(server, receiver, "a", "b")
    stream = Receiver(server, receiver, 1)
    taken = stream.next()
    assert force(server, receiver).dead_lettered == 2
    assert stream.ends_well()
    assert [name for name, _ in letters(server, receiver)] == ["a", "b"]
    assert acknowledge(server, receiver, taken.id).acknowledged == 0


def test_who_registers_again_starts_with_an_empty_queue(server):
    receiver = create_receiver(server)
    send_texts(server, receiver, "old")
    assert deregister(server, receiver).undelivered == 1
    register(server, receiver)
    send_texts(server, receiver, "new")
    stream = Receiver(server, receiver)
    assert stream.texts(1) == ["new"]
    stream.cancel()


def test_dead_letters_come_in_pages_the_oldest_first(server):
    receivers = [create_receiver(server, f"r{i}") for i in range(2)]
    for number in range(6):
        send_texts(server, receivers[number % 2], f"{number}")
    for receiver in receivers:
        deregister(server, receiver)
    everything, token = [], ""
    while True:
        page = dead_letters(server, page_size=4, page_token=token)
        everything += [text(letter.message) for letter in page.dead_letters]
        if not (token := page.next_page_token):
            break
        assert len(page.dead_letters) == 4
    assert everything == ["0", "2", "4", "1", "3", "5"]
    assert [name for name, _ in letters(server, receivers[1])] == ["1", "3", "5"]
    token = dead_letters(server, page_size=4).next_page_token
    with refused(StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        dead_letters(server, receivers[0], page_token=token)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["page_size"]):
        dead_letters(server, page_size=-1)
    assert [list(dead_letters(server, other).dead_letters) for other in (UNKNOWN_ID, "nonsense")] == [[], []]
