"""Requests as the tests write them: short, with what does not matter filled in."""

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct, Value
from orchestration.session.v1 import session_pb2 as pb
from orchestration.session.v1 import session_service_pb2 as sessions_pb

from server import PATIENCE_SECONDS, Server

INITIALIZING = pb.SESSION_STATUS_INITIALIZING
ACTIVE = pb.SESSION_STATUS_ACTIVE
IDLE = pb.SESSION_STATUS_IDLE
COMPLETED = pb.SESSION_STATUS_COMPLETED
ERROR = pb.SESSION_STATUS_ERROR
TERMINATED = pb.SESSION_STATUS_TERMINATED
STATUSES = [INITIALIZING, ACTIVE, IDLE, COMPLETED, ERROR, TERMINATED]

DIRECTOR = pb.SESSION_TYPE_DIRECTOR
DEPARTMENT = pb.SESSION_TYPE_DEPARTMENT
OBSERVER = pb.SESSION_TYPE_OBSERVER
PARTICIPANT = pb.SESSION_TYPE_ACTIVE

UNKNOWN_ID = "01890a5d-ac96-774b-bcce-b302099a8057"

# The moves that bring a new session into each status.
MOVES = {
    INITIALIZING: [],
    ACTIVE: [ACTIVE],
    IDLE: [ACTIVE, IDLE],
    COMPLETED: [ACTIVE, COMPLETED],
    ERROR: [ERROR],
    TERMINATED: [ACTIVE, TERMINATED],
}


def struct(values: dict) -> Struct:
    result = Struct()
    result.update(values)
    return result


def draft(name: str = "main", **fields) -> pb.Session:
    if isinstance(fields.get("metadata"), dict):
        fields["metadata"] = struct(fields["metadata"])
    return pb.Session(**{"type": DIRECTOR, "name": name, "workspace": "/workspace/main"} | fields)


def create(server: Server, name: str = "main", request_id: str = "", **fields) -> pb.Session:
    request = sessions_pb.CreateSessionRequest(session=draft(name, **fields), request_id=request_id)
    return server.sessions.CreateSession(request, timeout=PATIENCE_SECONDS).session


def get(server: Server, session_id: str) -> pb.Session:
    request = sessions_pb.GetSessionRequest(session_id=session_id)
    return server.sessions.GetSession(request, timeout=PATIENCE_SECONDS).session


def update(
    server: Server, session_id: str, mask: list[str] | None = None, expected_revision: int = 0, **fields
) -> pb.Session:
    """Updates the fields that are given, or those of an explicit mask."""
    paths = list(fields) if mask is None else mask
    if isinstance(fields.get("metadata"), dict):
        fields["metadata"] = struct(fields["metadata"])
    request = sessions_pb.UpdateSessionRequest(
        session=pb.Session(id=session_id, **fields),
        update_mask=FieldMask(paths=paths),
        expected_revision=expected_revision,
    )
    return server.sessions.UpdateSession(request, timeout=PATIENCE_SECONDS).session


def create_in(server: Server, status: pb.SessionStatus, name: str = "main", **fields) -> pb.Session:
    session = create(server, name, **fields)
    for move in MOVES[status]:
        session = update(server, session.id, status=move)
    return session


def delete(server: Server, session_id: str, **fields) -> bool:
    request = sessions_pb.DeleteSessionRequest(session_id=session_id, **fields)
    return server.sessions.DeleteSession(request, timeout=PATIENCE_SECONDS).deleted


def list_sessions(server: Server, *, where: str = "", params: list | None = None, **fields):
    request = sessions_pb.ListSessionsRequest(where=where, params=[value(item) for item in params or []], **fields)
    return server.sessions.ListSessions(request, timeout=PATIENCE_SECONDS)


def names(response) -> list[str]:
    return [session.name for session in response.sessions]


def search(server: Server, query: str, limit: int = 0) -> list[str]:
    request = sessions_pb.SearchSessionsRequest(query=query, limit=limit)
    return names(server.sessions.SearchSessions(request, timeout=PATIENCE_SECONDS))


def value(item) -> Value:
    match item:
        case None:
            return Value(null_value=0)
        case bool():
            return Value(bool_value=item)
        case int() | float():
            return Value(number_value=item)
        case str():
            return Value(string_value=item)
        case _:
            return item


def order(field: str, descending: bool = False) -> sessions_pb.OrderBy:
    direction = sessions_pb.OrderBy.DIRECTION_DESC if descending else sessions_pb.OrderBy.DIRECTION_ASC
    return sessions_pb.OrderBy(field=field, direction=direction)
