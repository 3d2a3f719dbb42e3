"""Receivers that do not read: they hold a bounded number of messages, and nothing of the server's memory."""

from pathlib import Path

import grpc
from orchestration.session.v1.message_service_pb2_grpc import MessageServiceStub

from messages import Receiver, create_receiver, send, send_texts, text
from server import Server

KIB = 1024


def resident_bytes(server: Server) -> int:
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * 4 * KIB


def unread_stream(server: Server, receiver: str, max_in_flight: int):
    """A stream on a connection of its own whose messages nobody takes."""
    channel = grpc.insecure_channel(
        server.address, [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0)]
    )
    return channel, Receiver(server, receiver, max_in_flight, stub=MessageServiceStub(channel), deadline=120)


def test_memory_does_not_grow_with_a_receiver_that_does_not_read(start_server):
    server = start_server("--ack-timeout", "600000")
    receiver = create_receiver(server)
    channel, stream = unread_stream(server, receiver, 1000)
    big = "x" * (64 * KIB)
    for number in range(50):
        send(server, receiver, payload={"text": f"{number}", "fill": big})
    before = resident_bytes(server)
    for number in range(50, 1050):
        send(server, receiver, payload={"text": f"{number}", "fill": big})
    # 64 MB of messages wait.
    grown = resident_bytes(server) - before
    assert grown < 24 * KIB * KIB, f"grew by {grown / KIB / KIB:.1f} MiB"
    # When it reads at last, everything is there, in order.
    for number in range(1050):
        item = stream.next()
        assert (text(item), item.delivery_attempt) == (f"{number}", 1)
        stream.settle(item)
    channel.close()


def test_a_receiver_that_does_not_read_holds_no_more_than_it_may(shared_server):
    receiver = create_receiver(shared_server)
    channel, stream = unread_stream(shared_server, receiver, 5)
    send_texts(shared_server, receiver, *(f"{i}" for i in range(12)))
    other = Receiver(shared_server, receiver, 100)
    assert other.texts(7) == [f"{i}" for i in range(5, 12)]
    assert stream.texts(5) == [f"{i}" for i in range(5)]
    other.cancel()
    channel.close()


def test_a_receiver_that_does_not_read_keeps_nothing_from_others(start_server):
    server = start_server("--ack-timeout", "1000", "--retry-delay", "100")
    receiver = create_receiver(server)
    channel, _ = unread_stream(server, receiver, 1000)
    big = "x" * (64 * KIB)
    for number in range(40):
        send(server, receiver, payload={"text": f"{number}", "fill": big})
    other = Receiver(server, receiver, 100)
    seen: set[str] = set()
    while len(seen) < 40:
        item = other.next()
        other.settle(item)
        assert text(item) not in seen
        seen.add(text(item))
    other.cancel()
    channel.close()


def test_slow_receivers_slow_nobody(shared_server):
    slow, quick = create_receiver(shared_server, "slow"), create_receiver(shared_server, "quick")
    channel, _ = unread_stream(shared_server, slow, 1000)
    for number in range(200):
        send(shared_server, slow, payload={"text": f"{number}", "fill": "x" * (16 * KIB)})
    stream = Receiver(shared_server, quick)
    for number in range(20):
        send_texts(shared_server, quick, f"{number}")
        item = stream.next()
        assert text(item) == f"{number}"
        stream.settle(item)
    stream.cancel()
    channel.close()
