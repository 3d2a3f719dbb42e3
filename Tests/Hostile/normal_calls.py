"""A stock client, in a process of its own so that the attacker's work is not in its times.

    normal_calls.py ADDRESS SESSION_ID [ROOTS]

With a file of root certificates it speaks TLS.

At each "begin" on its input it starts to call GetSession, one call after the other; at "end" it makes those that are
missing to the least number, stops, and writes a line of JSON: the milliseconds of each call, and the errors.
"""

import json
import sys
import threading
import time
from pathlib import Path

import grpc
from orchestration.session.v1 import session_service_pb2 as sessions_pb
from orchestration.session.v1.session_service_pb2_grpc import SessionServiceStub

CALLS_MIN = 20
# Between two calls, so that they are a light load.
PAUSE_SECONDS = 0.002
TIMEOUT_SECONDS = 10


class Caller:
    def __init__(self, address: str, session_id: str, roots: str | None = None):
        if roots is None:
            channel = grpc.insecure_channel(address)
        else:
            channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(Path(roots).read_bytes()))
        self._stub = SessionServiceStub(channel)
        self._request = sessions_pb.GetSessionRequest(session_id=session_id)
        self._ends = threading.Event()

    def begin(self) -> None:
        self.milliseconds: list[float] = []
        self.errors: list[str] = []
        self._ends.clear()
        self._thread = threading.Thread(target=self._call_on)
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join()

    def _call_on(self) -> None:
        while not self._ends.wait(PAUSE_SECONDS) or len(self.milliseconds) + len(self.errors) < CALLS_MIN:
            start = time.monotonic()
            try:
                self._stub.GetSession(self._request, timeout=TIMEOUT_SECONDS)
                self.milliseconds.append((time.monotonic() - start) * 1000)
            except grpc.RpcError as error:
                self.errors.append(f"{error.code().name}: {error.details()}")


def main() -> None:
    caller = Caller(*sys.argv[1:])
    for line in sys.stdin:
        match line.strip():
            case "begin":
                caller.begin()
            case "end":
                caller.end()
                print(json.dumps([caller.milliseconds, caller.errors]), flush=True)


if __name__ == "__main__":
    main()
