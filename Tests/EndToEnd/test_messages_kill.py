"""Power failures with messages queued, in delivery and acknowledged: exactly what was not acknowledged comes again."""

import threading

import grpc
from orchestration.session.v1 import message_service_pb2 as messages_pb
from orchestration.session.v1.message_service_pb2_grpc import MessageServiceStub

from messages import Receiver, acknowledge, create_receiver, deregister, letters, register, send, send_texts, text
from refusal import StatusCode
from server import Server

PAIRS = 4


def test_what_was_not_acknowledged_comes_again(start_server):
    server = start_server()
    receiver = create_receiver(server)
    send_texts(server, receiver, *"abcdefghij")
    stream = Receiver(server, receiver, 6)
    taken = stream.take(6)
    stream.settle(*taken[:3])
    # The three that there is room for now are in delivery, too.
    more = stream.take(3)
    server.kill()
    server = start_server(database=server.database)
    stream = Receiver(server, receiver, 100)
    again = stream.take(7)
    assert [item.id for item in again[:6]] == [item.id for item in taken[3:] + more]
    assert [text(item) for item in again] == list("defghij")
    assert [item.delivery_attempt for item in again] == [2] * 6 + [1]
    # All of them can be settled, and what is sent now comes after them.
    stream.settle(*again)
    send_texts(server, receiver, "last")
    assert stream.texts(1) == ["last"]
    stream.cancel()


def test_what_was_to_be_tried_again_comes_again_and_what_failed_for_good_does_not(start_server):
    server = start_server("--retry-delay", "3600000", "--max-retries", "1")
    receiver, other = create_receiver(server), create_receiver(server, "other")
    send_texts(server, receiver, "failed", "settled", "held", "waits", "expires")
    stream = Receiver(server, receiver, 3)
    failed, settled, held = stream.take(3)
    stream.settle(failed, error="broken")
    waits = stream.next()
    stream.settle(settled)
    assert stream.texts(1) == ["expires"]
    send_texts(server, other, "dead")
    deregister(server, other)
    server.kill()
    server = start_server("--max-retries", "1", database=server.database)
    stream = Receiver(server, receiver, 100)
    # It waits no longer: a restart gives everything back at once.
    again = stream.take(4)
    assert [(item.id, item.delivery_attempt) for item in again[:3]] == [(item.id, 2) for item in (failed, held, waits)]
    assert text(again[3]) == "expires"
    send_texts(server, receiver, "last")
    assert stream.texts(1) == ["last"]
    # Its failure before the kill was its first, and the restart none.
    stream.settle(again[0], again[1], error="broken")
    assert letters(server, receiver) == [("failed", "failed after 2 deliveries: broken")]
    assert letters(server, other) == [("dead", "deregistered")]
    stream.cancel()


def test_an_unread_stream_loses_nothing(start_server):
    server = start_server()
    receiver = create_receiver(server)
    unread = Receiver(server, receiver)
    send_texts(server, receiver, *"abc")
    server.crash()
    assert unread.stream.code() == StatusCode.UNAVAILABLE
    server.channel.close()
    server = start_server(database=server.database)
    stream = Receiver(server, receiver)
    assert [(text(item), item.delivery_attempt) for item in stream.take(3)] == [(name, 2) for name in "abc"]
    stream.cancel()


class Pair:
    """A thread that sends to a session, and one that receives and acknowledges, until the server is gone."""

    def __init__(self, server: Server, receiver: str, prefix: str):
        self.receiver = receiver
        self.sent: set[str] = set()
        self.delivered: dict[str, int] = {}
        self.settled: set[str] = set()
        # Whose acknowledgement was not answered.
        self.unsure: set[str] = set()
        self.codes: set[StatusCode] = set()
        self._server = server
        self._prefix = prefix
        self._threads = [threading.Thread(target=run) for run in (self._send, self._receive)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        with self._server.new_channel() as channel:
            stub = MessageServiceStub(channel)
            try:
                while True:
                    self.sent.add(send(self._server, self.receiver, stub=stub, payload={"text": self._prefix}).id)
            except grpc.RpcError as error:
                self.codes.add(error.code())

    def _receive(self) -> None:
        with self._server.new_channel() as channel:
            stub = MessageServiceStub(channel)
            asked = ""
            try:
                stream = Receiver(self._server, self.receiver, 8, stub=stub, deadline=60)
                for number, response in enumerate(stream.stream):
                    item = response.message
                    self.delivered[item.id] = item.delivery_attempt
                    # Some stay in delivery; in the end as many as there may be.
                    if number % 50 == 49:
                        continue
                    asked = item.id
                    assert acknowledge(self._server, self.receiver, asked, stub=stub).acknowledged == 1
                    self.settled.add(asked)
                    asked = ""
            except grpc.RpcError as error:
                self.codes.add(error.code())
                if asked:
                    self.unsure.add(asked)


def test_nothing_is_lost_or_repeated_over_kill_9_under_load(start_server, request):
    rounds = request.config.getoption("--kill-rounds")
    server = start_server()
    receivers = [create_receiver(server, f"r{i}") for i in range(PAIRS)]
    gone: set[str] = set()
    for round in range(rounds):
        pairs = [Pair(server, receiver, f"{round}") for receiver in receivers]
        for pair in pairs:
            pair.start()
        settled_in_round(pairs, 40 + 60 * round)
        # They all go on while this happens.
        server.crash()
        for pair in pairs:
            pair.join()
            assert pair.codes == {StatusCode.UNAVAILABLE}
        server.channel.close()
        server = start_server(database=server.database)
        for pair in pairs:
            gone |= pair.settled
            gone |= settle_what_is_left(server, pair, gone)


def settled_in_round(pairs: list[Pair], count: int) -> None:
    event = threading.Event()
    for _ in range(2000):
        if sum(len(pair.settled) for pair in pairs) >= count:
            return
        event.wait(0.01)
    raise AssertionError("the deliveries do not get on")


def settle_what_is_left(server: Server, pair: Pair, gone: set[str]) -> set[str]:
    """Takes everything that is left, which must be exactly what was not acknowledged, and acknowledges it."""
    mark = send(server, pair.receiver, payload={"text": "mark"}).id
    stream = Receiver(server, pair.receiver, 1000)
    left: dict[str, int] = {}
    while True:
        item = stream.next()
        assert item.id not in left, "twice in delivery at once"
        left[item.id] = item.delivery_attempt
        if item.id == mark:
            break
    certain = pair.sent - pair.settled - pair.unsure
    assert certain <= left.keys()
    assert not gone & left.keys()
    # Beside these, there may be the message whose send was not answered.
    assert len(left.keys() - certain - pair.unsure - {mark}) <= 1
    for message_id, attempt in left.items():
        # What was not seen may have been on its way.
        assert attempt in ({pair.delivered[message_id] + 1} if message_id in pair.delivered else {1, 2})
    stream.settle(*(messages_pb.Message(id=message_id) for message_id in left))
    stream.cancel()
    return set(left)


def test_registrations_and_queues_are_there_after_a_restart(start_server):
    server = start_server()
    receiver = create_receiver(server, constraints=["max-queue:2"])
    register(server, receiver, "COMMAND")
    send_texts(server, receiver, "a", "b")
    server.stop()
    server = start_server(database=server.database)
    try:
        send(server, receiver)
        raise AssertionError("the queue was full")
    except grpc.RpcError as error:
        assert error.code() == StatusCode.RESOURCE_EXHAUSTED
