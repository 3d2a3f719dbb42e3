"""The process of one agent: takes a session's messages, reports each to the director, and acknowledges it.

    agent.py ADDRESS SESSION DIRECTOR [--holds-after N]

Needs nothing but grpcio and the stubs. What it does it says on stdout, a line of JSON each: what, id, text, attempt. It
goes on over lost connections, and ends when its session does. With `--holds-after` it reports but does not acknowledge
what comes after the first N messages, as an agent in the middle of its work, until its stream is lost.
"""

import argparse
import json

import grpc
from google.protobuf.struct_pb2 import Struct
from orchestration.session.v1 import message_service_pb2 as messages_pb
from orchestration.session.v1.message_service_pb2_grpc import MessageServiceStub

CALL_SECONDS = 20
STREAM_SECONDS = 60
IN_FLIGHT = 4
# A server that is started again is found soon.
RECONNECTING = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


class Agent:
    def __init__(self, channel: grpc.Channel, session_id: str, director_id: str, holds_after: int | None):
        self._messages = MessageServiceStub(channel)
        self._session_id = session_id
        self._director_id = director_id
        self._settles_yet = holds_after

    def work(self) -> bool:
        """Works until the stream ends; true when its session has ended, false when the connection is lost."""
        request = messages_pb.ReceiveMessagesRequest(session_id=self._session_id, max_in_flight=IN_FLIGHT)
        try:
            stream = self._messages.ReceiveMessages(request, timeout=STREAM_SECONDS, wait_for_ready=True)
            for response in stream:
                self._take(response.message)
            return True
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            self._settles_yet = None
            return False

    def _take(self, message: messages_pb.Message) -> None:
        say("took", message)
        self._report(message)
        if self._settles_yet is not None:
            if self._settles_yet == 0:
                say("holds", message)
                return
            self._settles_yet -= 1
        # Without an answer after it, nobody knows whether it was acknowledged.
        say("settles", message)
        request = messages_pb.AcknowledgeMessagesRequest(session_id=self._session_id, message_ids=[message.id])
        answer = self._messages.AcknowledgeMessages(request, timeout=CALL_SECONDS)
        say("settled" if answer.acknowledged else "unknown", message)

    def _report(self, message: messages_pb.Message) -> None:
        payload = Struct()
        payload.update({"text": message.payload["text"], "attempt": message.delivery_attempt})
        report = messages_pb.Message(
            type="PROGRESS_REPORT",
            from_session_id=self._session_id,
            to_session_id=self._director_id,
            correlation_id=message.id,
            payload=payload,
        )
        request_id = f"{message.id}/{message.delivery_attempt}"
        request = messages_pb.SendMessageRequest(message=report, request_id=request_id)
        self._messages.SendMessage(request, timeout=CALL_SECONDS)


def say(what: str, message: messages_pb.Message) -> None:
    attempt = message.delivery_attempt
    print(json.dumps({"what": what, "id": message.id, "text": message.payload["text"], "attempt": attempt}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ["address", "session", "director"]:
        parser.add_argument(name)
    parser.add_argument("--holds-after", type=int)
    arguments = parser.parse_args()
    with grpc.insecure_channel(arguments.address, RECONNECTING) as channel:
        agent = Agent(channel, arguments.session, arguments.director, arguments.holds_after)
        while not agent.work():
            pass


if __name__ == "__main__":
    main()
