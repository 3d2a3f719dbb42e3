"""What must hold after wrong input: others are served, and where HTTP/2 allows it, so is the same connection."""

from orchestration.session.v1 import session_service_pb2 as sessions_pb

from server import Server
from sessions import UNKNOWN_ID, create, draft, get
from wire import CREATE, GET, Answer, Wire, framed

OK = 0
CANCELLED = 1
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
RESOURCE_EXHAUSTED = 8
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14


def get_body(session_id: str = UNKNOWN_ID) -> bytes:
    return framed(sessions_pb.GetSessionRequest(session_id=session_id).SerializeToString())


def create_body(**fields) -> bytes:
    return framed(sessions_pb.CreateSessionRequest(session=draft(**fields)).SerializeToString())


def assert_others_are_served(server: Server) -> None:
    """A normal pair of calls on a connection of a stock client."""
    session = create(server)
    assert get(server, session.id) == session
    assert server.is_running


def assert_connection_serves(wire: Wire) -> None:
    """A normal call on the connection that sent the wrong input."""
    answer = wire.call(CREATE, create_body())
    assert (answer.http_status, answer.grpc_status, answer.reset) == ("200", OK, None)
    created = sessions_pb.CreateSessionResponse.FromString(answer.messages[0]).session
    answer = wire.call(GET, get_body(created.id))
    assert sessions_pb.GetSessionResponse.FromString(answer.messages[0]).session == created


def assert_refused(answer: Answer, *statuses: int) -> None:
    """The call ended with one of these gRPC statuses, in headers without a body, and said why."""
    assert answer.http_status == "200", answer
    assert answer.grpc_status in statuses, answer
    assert answer.grpc_message, answer
    assert answer.data == b""
    # An error before any message is one block of headers.
    assert len(answer.blocks) == 1, answer
    assert answer.blocks[0]["content-type"].startswith("application/grpc")
