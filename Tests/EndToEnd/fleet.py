"""A director and its departments: agents in processes of their own, and the director, who gives out the work."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
from orchestration.session.v1 import affinity_service_pb2 as affinity_pb
from orchestration.session.v1 import message_service_pb2 as messages_pb
from orchestration.session.v1.message_service_pb2_grpc import MessageServiceStub

from affinities import ROUND_ROBIN, affinity
from agent import RECONNECTING, STREAM_SECONDS
from lifecycle import shut_down
from messages import create_receiver, message, text
from server import PATIENCE_SECONDS, Server
from sessions import DEPARTMENT, DIRECTOR

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Said:
    """A line of an agent: what it did with which message, at which delivery."""

    what: str
    id: str
    text: str
    attempt: int


class Gathering:
    """A list that one thread extends and others wait for."""

    def __init__(self):
        self._items: list = []
        self._changed = threading.Condition()

    def add(self, item) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def items(self) -> list:
        with self._changed:
            return list(self._items)

    def wait_until(self, holds: Callable[[list], bool]) -> None:
        with self._changed:
            came = self._changed.wait_for(lambda: holds(self._items), PATIENCE_SECONDS)
            assert came, f"only {len(self._items)} came, the last {self._items[-1:]}"


class Agent:
    """The process of one agent, and what it has said."""

    def __init__(self, server: Server, session_id: str, director_id: str, holds_after: int | None = None):
        self.session_id = session_id
        self._said = Gathering()
        options = [] if holds_after is None else ["--holds-after", str(holds_after)]
        self._process = subprocess.Popen(
            [sys.executable, HERE / "agent.py", server.address, session_id, director_id, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(HERE / ".generated")},
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            # The last line of an agent that was killed may be part of one.
            if line.endswith("\n"):
                self._said.add(Said(**json.loads(line)))

    def said(self, *whats: str) -> list[Said]:
        return [item for item in self._said.items() if not whats or item.what in whats]

    def wait_for(self, what: str, count: int) -> list[Said]:
        """What it has said of it, once that is so much."""
        self._said.wait_until(lambda items: sum(item.what == what for item in items) >= count)
        return self.said(what)

    def kill(self) -> None:
        """Ends the process as a power failure would."""
        self._process.kill()
        self._close()

    def freeze(self) -> None:
        """Stops the process where it is: its connection stays, and nobody answers on it."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def wait_for_end(self) -> None:
        """Returns once it has ended by itself, as it does with its session."""
        assert self._process.wait(PATIENCE_SECONDS) == 0
        self._close()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        if self.is_running:
            self.kill()
        else:
            self._close()

    def _close(self) -> None:
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


class Director:
    """Gives out work by its affinity, and gathers the reports of it, over lost connections and restarts."""

    def __init__(self, server: Server, session_id: str):
        self.session_id = session_id
        self.given: list[messages_pb.Message] = []
        self._channel = grpc.insecure_channel(server.address, RECONNECTING)
        self._messages = MessageServiceStub(self._channel)
        self._reports = Gathering()
        self._gatherer = threading.Thread(target=self._gather)
        self._gatherer.start()

    def give(self, count: int) -> list[messages_pb.Message]:
        """Sends so much work to whose turn it is, each once, whatever happens to the server meanwhile."""
        given = []
        for _ in range(count):
            name = f"work-{len(self.given)}"
            request = messages_pb.SendMessageRequest(
                message=message(payload={"text": name}, sender=self.session_id),
                affinity_of=self.session_id,
                request_id=name,
            )
            (sent,) = self._insist(lambda request=request: self._messages.SendMessage(
                request, timeout=PATIENCE_SECONDS, wait_for_ready=True
            ).messages)  # fmt: skip
            self.given.append(sent)
            given.append(sent)
        return given

    def reports(self) -> dict[str, list[int]]:
        """The deliveries of each piece of work that were reported, in the order in which they came."""
        result: dict[str, list[int]] = defaultdict(list)
        seen: dict[str, int] = {}
        for report in self._reports.items():
            # A report itself comes twice only when it says so.
            assert report.delivery_attempt > seen.get(report.id, 0)
            if report.id not in seen:
                result[report.correlation_id].append(int(report.payload["attempt"]))
            seen[report.id] = report.delivery_attempt
        return result

    def wait_for_reports(self, of: list[messages_pb.Message]) -> None:
        """Returns once each of these has been reported."""
        ids = {item.id for item in of}
        self._reports.wait_until(lambda reports: ids <= {report.correlation_id for report in reports})

    def close(self) -> None:
        self._channel.close()
        self._gatherer.join()

    def _gather(self) -> None:
        request = messages_pb.ReceiveMessagesRequest(session_id=self.session_id)
        while True:
            try:
                for response in self._messages.ReceiveMessages(request, timeout=STREAM_SECONDS, wait_for_ready=True):
                    self._reports.add(response.message)
                    settled = messages_pb.AcknowledgeMessagesRequest(
                        session_id=self.session_id, message_ids=[response.message.id]
                    )
                    self._messages.AcknowledgeMessages(settled, timeout=PATIENCE_SECONDS)
                return
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    return
            except ValueError:
                # The channel was closed between two calls.
                return

    @staticmethod
    def _insist(call: Callable):
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise


class Fleet:
    """A director, the departments below it that share its work in turn, and the agents that were started for them."""

    def __init__(self, server: Server, size: int = 10, **fields):
        self.server = server
        director_id = create_receiver(server, "director", type=DIRECTOR)
        fields |= {"type": DEPARTMENT, "parent_id": director_id}
        self.departments = [create_receiver(server, f"department-{number}", **fields) for number in range(size)]
        request = affinity(director_id, self.departments, strategy=ROUND_ROBIN)
        # Who cannot take work is soon seen.
        request.health_check_interval.FromMilliseconds(50)
        server.affinities.SetSessionAffinity(
            affinity_pb.SetSessionAffinityRequest(affinity=request), timeout=PATIENCE_SECONDS
        )
        self.director = Director(server, director_id)
        self.agents: list[Agent] = []

    def start_agent(self, department: int, holds_after: int | None = None) -> Agent:
        agent = Agent(self.server, self.departments[department], self.director.session_id, holds_after)
        self.agents.append(agent)
        return agent

    def finish(self) -> None:
        """Shuts everything down, the director last, which waits for every queue; the agents end by themselves."""
        shut_down(self.server, self.director.session_id, 1000 * PATIENCE_SECONDS, reason="done", cascade=True)
        for agent in self.agents:
            if agent.is_running:
                agent.wait_for_end()

    def close(self) -> None:
        for agent in self.agents:
            agent.close()
        self.director.close()


def names(items: list) -> list[str]:
    """The pieces of work of messages, or of what agents said."""
    return [item.text if isinstance(item, Said) else text(item) for item in items]
