"""Calls of LifecycleService as the tests write them."""

from google.protobuf.duration_pb2 import Duration
from orchestration.session.v1 import lifecycle_service_pb2 as lifecycle_pb
from orchestration.session.v1 import session_pb2 as pb

from server import PATIENCE_SECONDS, Server
from sessions import draft


def resources(memory: str = "", cpu: str = "", disk: str = "") -> pb.ResourceRequest:
    return pb.ResourceRequest(memory=memory, cpu=cpu, disk=disk)


def bootstrap(server: Server, name: str = "main", request_id: str = "", **fields) -> pb.Session:
    """Creates a session from the fields of a session, and what else the request has."""
    others = {key: fields.pop(key) for key in ["resources", "message_types", "priority"] if key in fields}
    request = lifecycle_pb.BootstrapSessionRequest(session=draft(name, **fields), request_id=request_id, **others)
    return server.lifecycle.BootstrapSession(request, timeout=PATIENCE_SECONDS).session


def initialize(server: Server, session_id: str, memory: str = "", cpu: str = "", disk: str = "") -> pb.Session:
    request = lifecycle_pb.InitializeSessionRequest(session_id=session_id, resources=resources(memory, cpu, disk))
    return server.lifecycle.InitializeSession(request, timeout=PATIENCE_SECONDS).session


def start(server: Server, session_id: str) -> pb.Session:
    request = lifecycle_pb.StartSessionRequest(session_id=session_id)
    return server.lifecycle.StartSession(request, timeout=PATIENCE_SECONDS).session


def duration(milliseconds: int | None) -> Duration | None:
    if milliseconds is None:
        return None
    result = Duration()
    result.FromMilliseconds(milliseconds)
    return result


def shut_down(server: Server, session_id: str, timeout_ms: int | None = None, **fields) -> pb.Session:
    request = lifecycle_pb.ShutdownSessionRequest(session_id=session_id, timeout=duration(timeout_ms), **fields)
    return server.lifecycle.ShutdownSession(request, timeout=PATIENCE_SECONDS).session


def force(server: Server, session_id: str, **fields) -> lifecycle_pb.ForceShutdownSessionResponse:
    request = lifecycle_pb.ForceShutdownSessionRequest(session_id=session_id, **fields)
    return server.lifecycle.ForceShutdownSession(request, timeout=PATIENCE_SECONDS)


def shut_down_all(server: Server, reason: str = "") -> list[str]:
    request = lifecycle_pb.EmergencyShutdownRequest(reason=reason)
    return list(server.lifecycle.EmergencyShutdown(request, timeout=PATIENCE_SECONDS).terminated_session_ids)


def clean_up(server: Server, session_id: str) -> pb.Session:
    request = lifecycle_pb.CleanupSessionRequest(session_id=session_id)
    return server.lifecycle.CleanupSession(request, timeout=PATIENCE_SECONDS).session


def migrate(server: Server, session_id: str, workspace: str, timeout_ms: int | None = None, **fields) -> pb.Session:
    request = lifecycle_pb.MigrateSessionRequest(
        session_id=session_id, workspace=workspace, timeout=duration(timeout_ms), **fields
    )
    return server.lifecycle.MigrateSession(request, timeout=PATIENCE_SECONDS).session


def clone(server: Server, session_id: str, **fields) -> pb.Session:
    request = lifecycle_pb.CloneSessionRequest(session_id=session_id, **fields)
    return server.lifecycle.CloneSession(request, timeout=PATIENCE_SECONDS).session
