"""Power failures during concurrent creates: what was acknowledged is there, and the history has no hole."""

import threading

import grpc
from orchestration.session.v1.session_service_pb2_grpc import SessionServiceStub

from refusal import StatusCode
from server import PATIENCE_SECONDS, Server
from sessions import draft, get, list_sessions, sessions_pb
from watch import CREATED, Watch, assert_unbroken, history

THREADS = 8
LIMIT = ("--max-sessions", "10000000")


class Writers:
    """Threads that create sessions until the server is gone, and note what was acknowledged."""

    def __init__(self, server: Server, kill_after: int):
        self._server = server
        self._kill_after = kill_after
        self._lock = threading.Lock()
        self._due = threading.Event()
        self.acknowledged: dict[str, int] = {}
        self.codes: set[StatusCode] = set()
        self._threads = [threading.Thread(target=self._create, args=(i,)) for i in range(THREADS)]

    def run_until_killed(self) -> None:
        for thread in self._threads:
            thread.start()
        assert self._due.wait(60), "the creates do not get on"
        # The writers go on while this happens.
        self._server.kill()
        for thread in self._threads:
            thread.join()

    def _create(self, writer: int) -> None:
        created = 0
        with self._server.new_channel() as channel:
            stub = SessionServiceStub(channel)
            while True:
                request = sessions_pb.CreateSessionRequest(session=draft(f"writer-{writer}-{created}"))
                try:
                    session = stub.CreateSession(request, timeout=PATIENCE_SECONDS).session
                except grpc.RpcError as error:
                    self.codes.add(error.code())
                    self._due.set()
                    return
                created += 1
                with self._lock:
                    self.acknowledged[session.id] = session.revision
                    if len(self.acknowledged) >= self._kill_after:
                        self._due.set()


def every_session(server: Server):
    token = ""
    while True:
        page = list_sessions(server, page_size=1000, page_token=token, include_total=True)
        yield page
        token = page.next_page_token
        if not token:
            return


def test_what_was_acknowledged_survives_kill_9(start_server, request):
    rounds = request.config.getoption("--kill-rounds")
    acknowledged: dict[str, int] = {}
    for round in range(rounds):
        server = start_server(*LIMIT)
        writers = Writers(server, kill_after=20 + (37 * round) % 200)
        writers.run_until_killed()
        assert writers.codes == {StatusCode.UNAVAILABLE}
        acknowledged |= writers.acknowledged

        server = start_server(*LIMIT)
        check(server, writers.acknowledged, acknowledged)
        server.stop()


def check(server: Server, latest: dict[str, int], acknowledged: dict[str, int]) -> None:
    for session_id, revision in latest.items():
        assert get(server, session_id).revision == revision

    events = history(server)
    assert_unbroken(events, 0)
    assert all(event.kind == CREATED for event in events)
    sequences = {event.session_id: event.sequence for event in events}
    assert acknowledged.items() <= sequences.items()

    pages = list(every_session(server))
    listed = {session.id: session.revision for page in pages for session in page.sessions}
    assert listed == sequences
    for page in pages:
        assert (page.total_size, page.sequence) == (len(events), len(events))

    watch = Watch(server, include_snapshot=True)
    sessions, sequence = watch.snapshot()
    assert (len(sessions), sequence) == (len(events), len(events))
    watch.cancel()
