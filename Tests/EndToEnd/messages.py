"""Calls of MessageService as the tests write them, and streams that are read with a deadline."""

import datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from orchestration.session.v1 import message_service_pb2 as messages_pb
from orchestration.session.v1 import session_pb2 as pb

from lifecycle import bootstrap, duration
from refusal import read_refusal
from server import PATIENCE_SECONDS, Server
from sessions import PARTICIPANT, get, struct

LOW = pb.MESSAGE_PRIORITY_LOW
NORMAL = pb.MESSAGE_PRIORITY_NORMAL
HIGH = pb.MESSAGE_PRIORITY_HIGH
CRITICAL = pb.MESSAGE_PRIORITY_CRITICAL


def register(server: Server, session_id: str, *message_types: str, priority: int = 0) -> pb.Session:
    request = messages_pb.RegisterSessionRequest(session_id=session_id, message_types=message_types, priority=priority)
    return server.messages.RegisterSession(request, timeout=PATIENCE_SECONDS).session


def deregister(server: Server, session_id: str, timeout_ms: int | None = None):
    request = messages_pb.DeregisterSessionRequest(session_id=session_id, timeout=duration(timeout_ms))
    return server.messages.DeregisterSession(request, timeout=PATIENCE_SECONDS)


def create_receiver(server: Server, name: str = "receiver", **fields) -> str:
    """An active session that is on the bus."""
    return bootstrap(server, name, **({"type": PARTICIPANT} | fields)).id


def message(to: str = "", type: str = "COMMAND", payload: dict | None = None, sender: str = "", **fields):
    if payload is not None:
        fields["payload"] = struct(payload)
    return messages_pb.Message(type=type, to_session_id=to, from_session_id=sender, **fields)


def send_all(server: Server, to: str = "", request_id: str = "", stub=None, **fields) -> list[messages_pb.Message]:
    """Sends one message, and gives what it became for each receiver."""
    others = {key: fields.pop(key) for key in ["affinity_of", "affinity_key", "broadcast_to"] if key in fields}
    request = messages_pb.SendMessageRequest(message=message(to, **fields), request_id=request_id, **others)
    return list((stub or server.messages).SendMessage(request, timeout=PATIENCE_SECONDS).messages)


def send(server: Server, to: str = "", **fields) -> messages_pb.Message:
    (sent,) = send_all(server, to, **fields)
    return sent


def send_texts(server: Server, to: str, *texts: str, **fields) -> None:
    for text in texts:
        send(server, to, payload={"text": text}, **fields)


def acknowledge(server: Server, session_id: str, *ids: str, error: str = "", stub=None):
    request = messages_pb.AcknowledgeMessagesRequest(session_id=session_id, message_ids=ids, error=error)
    return (stub or server.messages).AcknowledgeMessages(request, timeout=PATIENCE_SECONDS)


def dead_letters(server: Server, session_id: str = "", **fields) -> messages_pb.ListDeadLettersResponse:
    request = messages_pb.ListDeadLettersRequest(session_id=session_id, **fields)
    return server.messages.ListDeadLetters(request, timeout=PATIENCE_SECONDS)


def letters(server: Server, session_id: str) -> list[tuple[str, str]]:
    """The texts of a session's dead letters and why they died."""
    return [(text(letter.message), letter.reason) for letter in dead_letters(server, session_id).dead_letters]


def text(message: messages_pb.Message) -> str:
    return message.payload["text"]


def later(seconds: float) -> Timestamp:
    result = Timestamp()
    result.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds))
    return result


class Receiver:
    """A stream of ReceiveMessages that has begun; every read fails after the deadline."""

    def __init__(self, server: Server, session_id: str, max_in_flight: int = 0, *, stub=None, deadline=PATIENCE_SECONDS):
        self._server = server
        self.session_id = session_id
        request = messages_pb.ReceiveMessagesRequest(session_id=session_id, max_in_flight=max_in_flight)
        self.stream = (stub or server.messages).ReceiveMessages(request, timeout=deadline)
        self.stream.initial_metadata()

    def next(self) -> messages_pb.Message:
        return self.next_response().message

    def next_response(self) -> messages_pb.ReceiveMessagesResponse:
        return next(self.stream)

    def take(self, count: int) -> list[messages_pb.Message]:
        return [self.next() for _ in range(count)]

    def texts(self, count: int) -> list[str]:
        return [text(message) for message in self.take(count)]

    def settle(self, *messages: messages_pb.Message, error: str = "") -> None:
        answer = acknowledge(self._server, self.session_id, *(message.id for message in messages), error=error)
        assert (answer.acknowledged, list(answer.unknown_message_ids)) == (len(messages), [])

    def ends_well(self) -> bool:
        """Reads on to the end of the stream."""
        return not list(self.stream) and self.stream.code() == grpc.StatusCode.OK

    def end(self):
        """Reads on to the error that ends the stream."""
        try:
            for _ in self.stream:
                pass
        except grpc.RpcError as error:
            return read_refusal(error)
        raise AssertionError("the stream ended without an error")

    def cancel(self) -> None:
        self.stream.cancel()


def is_registered(server: Server, session_id: str) -> bool:
    return get(server, session_id).HasField("registration")
