"""Errors about long or many wrong things: the call still ends, with its code, and with headers a client takes."""

import grpc
import pytest
from grpc_health.v1 import health_pb2

from refusal import StatusCode, refused
from sessions import PATIENCE_SECONDS, create, delete, draft, get, list_sessions, order, sessions_pb, struct, update
from watch import Watch

LONG = "é" * 100_000


def test_a_long_id(shared_server):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        delete(shared_server, LONG)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        update(shared_server, LONG, name="new")
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        Watch(shared_server, observer_id=LONG).next_item()


def test_a_long_path_in_a_mask(shared_server):
    session = create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT):
        update(shared_server, session.id, [LONG])


def test_many_paths_in_a_mask(shared_server):
    session = create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT):
        update(shared_server, session.id, [f"nonsense_{i}" for i in range(20_000)])


def test_a_long_metadata_key(shared_server):
    session = create(shared_server)
    with refused(StatusCode.INVALID_ARGUMENT):
        update(shared_server, session.id, metadata={LONG: float("inf")})


def test_many_wrong_entries(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT) as refusal:
        create(
            shared_server,
            "",
            capabilities=["a"] * 50_000,
            constraints=["no-colon"] * 50_000,
            environment={f"{i}-{'x' * 100}": "" for i in range(10_000)},
        )
    assert "session.name" in refusal.paths


def test_many_wrong_filters(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT):
        list_sessions(shared_server, types=[0] * 100_000, statuses=[99] * 100_000)
    with refused(StatusCode.INVALID_ARGUMENT):
        Watch(shared_server, kinds=[0] * 100_000).next_item()


def test_a_long_field_to_order_by(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT):
        list_sessions(shared_server, order_by=[order(LONG)])
    with refused(StatusCode.INVALID_ARGUMENT):
        list_sessions(shared_server, order_by=[order("nonsense")] * 10_000)


def test_a_long_request_id(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["request_id"]):
        create(shared_server, request_id=LONG)


def test_a_long_name_of_a_service(shared_server):
    with pytest.raises(grpc.RpcError) as caught:
        shared_server.health.Check(health_pb2.HealthCheckRequest(service=LONG), timeout=PATIENCE_SECONDS)
    assert caught.value.code() == StatusCode.NOT_FOUND


def test_a_long_method_name(shared_server):
    call = shared_server.channel.unary_unary("/x/" + "y" * 14_000)
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=PATIENCE_SECONDS)
    assert caught.value.code() == StatusCode.UNIMPLEMENTED


def test_a_server_that_refused_much_still_serves(shared_server):
    request = sessions_pb.CreateSessionRequest(session=draft(metadata=struct({"k": "v"})))
    session = shared_server.sessions.CreateSession(request, timeout=PATIENCE_SECONDS).session
    assert get(shared_server, session.id) == session
