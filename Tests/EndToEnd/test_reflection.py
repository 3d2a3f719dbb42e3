"""Clients that have no proto files: they ask the server for them."""

import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from server import PATIENCE_SECONDS
from sessions import create, struct

SESSIONS = "orchestration.session.v1.SessionService"
SERVICES = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "orchestration.session.v1.AffinityService",
    "orchestration.session.v1.EventService",
    "orchestration.session.v1.LifecycleService",
    "orchestration.session.v1.MessageService",
    "orchestration.session.v1.MetricsService",
    "orchestration.session.v1.SessionHealthService",
    SESSIONS,
    "orchestration.session.v1.TemplateService",
]
BUF = Path(sys.executable).with_name("buf")


def ask(server, *requests: dict, version: str = "v1", metadata=None) -> list:
    """The answers of one stream. The messages of both versions are the same but for their package."""
    call = server.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    messages = [reflection_pb2.ServerReflectionRequest(**request) for request in requests]
    return list(call(iter(messages), metadata=metadata, timeout=PATIENCE_SECONDS))


def paths(response) -> list[str]:
    files = response.file_descriptor_response.file_descriptor_proto
    return [descriptor_pb2.FileDescriptorProto.FromString(file).name for file in files]


@pytest.fixture
def pool(shared_server) -> DescriptorPool:
    return DescriptorPool(ProtoReflectionDescriptorDatabase(shared_server.channel))


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_the_services_are_listed(shared_server, version):
    (response,) = ask(shared_server, {"list_services": "*"}, version=version)
    assert [service.name for service in response.list_services_response.service] == SERVICES


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_a_file_comes_with_its_imports_once_in_a_stream(shared_server, version):
    first, again = ask(shared_server, *[{"file_containing_symbol": SESSIONS}] * 2, version=version)
    assert paths(first)[0] == "orchestration/session/v1/session_service.proto"
    assert len(set(paths(first))) == len(paths(first))
    assert {"orchestration/session/v1/session.proto", "google/protobuf/struct.proto"} <= set(paths(first))
    assert paths(again) == paths(first)[:1]


def test_an_error_does_not_end_the_stream(shared_server):
    missing, found = ask(
        shared_server, {"file_by_filename": "nothing.proto"}, {"file_by_filename": "grpc/health/v1/health.proto"}
    )
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert paths(found) == ["grpc/health/v1/health.proto"]


def test_the_database_of_grpcio_finds_every_service(shared_server, pool):
    database = ProtoReflectionDescriptorDatabase(shared_server.channel)
    assert sorted(database.get_services()) == SERVICES
    for service in SERVICES:
        assert pool.FindServiceByName(service).methods


def test_a_client_made_from_reflection_alone_gets_a_session(shared_server, pool):
    session = create(shared_server, "reflected", metadata=struct({"answer": 42}))
    service = pool.FindServiceByName(SESSIONS)
    method = service.methods_by_name["GetSession"]
    request_class = message_factory.GetMessageClass(method.input_type)
    response_class = message_factory.GetMessageClass(method.output_type)
    get_session = shared_server.channel.unary_unary(
        f"/{service.full_name}/{method.name}",
        request_serializer=request_class.SerializeToString,
        response_deserializer=response_class.FromString,
    )
    response = get_session(request_class(session_id=session.id), timeout=PATIENCE_SECONDS)
    assert json_format.MessageToDict(response.session) == json_format.MessageToDict(session)


def test_buf_curl_calls_without_proto_files(shared_server, tmp_path):
    session = create(shared_server, "curled")
    url = f"http://{shared_server.address}/{SESSIONS}/ListSessions"
    call = [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--data", '{"where": "name = \'curled\'"}']
    # In an empty folder, where buf finds no proto files.
    result = subprocess.run(
        [*call, url], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert result.returncode == 0, result.stderr
    assert [found["id"] for found in json.loads(result.stdout)["sessions"]] == [session.id]


def test_reflection_can_be_switched_off(start_server):
    with pytest.raises(grpc.RpcError) as caught:
        ask(start_server("--enable-reflection", "false"), {"list_services": "*"})
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
