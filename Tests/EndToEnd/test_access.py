"""Who may call what: tokens and client certificates with roles, as stock clients send them."""

import hashlib
import re
import stat
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from orchestration.session.v1 import (
    affinity_service_pb2,
    event_service_pb2,
    health_service_pb2,
    lifecycle_service_pb2,
    message_service_pb2,
    metrics_service_pb2,
    session_service_pb2,
    template_service_pb2,
)

from certificates import Authority
from refusal import StatusCode, read_refusal, refused
from server import PATIENCE_SECONDS, Server
from sessions import draft
from test_reflection import SERVICES, ask
from test_start import run
from watch import Watch

FILES = [
    affinity_service_pb2, event_service_pb2, health_service_pb2, lifecycle_service_pb2, message_service_pb2,
    metrics_service_pb2, session_service_pb2, template_service_pb2,
]  # fmt: skip
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
READING = re.compile("Get|List|Search|Watch|Check|Resolve")
ROLES = ["reader", "operator", "admin"]
HEALTH = health_pb2.HealthCheckRequest()


def needed(method) -> str:
    if READING.match(method.name):
        return "reader"
    return "admin" if method.name == "EmergencyShutdown" else "operator"


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


def token_line(name: str, role: str, token: str, expires_in: timedelta | None = None) -> str:
    line = f"token {name} {role} sha256:{hashlib.sha256(token.encode()).hexdigest()}"
    if expires_in is not None:
        line += f" expires:{datetime.now(timezone.utc) + expires_in:%Y-%m-%dT%H:%M:%SZ}"
    return line + "\n"


class Tokens:
    """A token file and the command that changes it."""

    def __init__(self, program: Path, path: Path):
        self.path = path
        self._program = program

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return run(self._program, "token", *arguments, "--file", self.path)

    def create(self, name: str, role: str, *arguments: str) -> str:
        result = self.run("create", "--name", name, "--role", role, *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()


@pytest.fixture
def tokens(program, tmp_path) -> Tokens:
    return Tokens(program, tmp_path / "tokens")


@pytest.fixture(scope="module")
def roles_server(program, tmp_path_factory):
    """A server with a token for each role."""
    folder = tmp_path_factory.mktemp("roles")
    tokens = Tokens(program, folder / "tokens")
    tokens_by_role = {role: tokens.create(f"the-{role}", role) for role in ROLES}
    server = Server(program, folder / "sessions.db", "--token-file", tokens.path, "--log-level", "trace")
    server.tokens = tokens_by_role
    yield server
    server.stop()


def call(server: Server, method, metadata=None, channel: grpc.Channel | None = None):
    """Makes an empty call of any kind; what comes first, or the error."""
    request = GetMessageClass(method.input_type)()
    path = f"/{method.containing_service.full_name}/{method.name}"
    make = {
        (False, False): "unary_unary", (False, True): "unary_stream", (True, False): "stream_unary",
        (True, True): "stream_stream",
    }[method.client_streaming, method.server_streaming]  # fmt: skip
    stub = getattr(channel or server.channel, make)(
        path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    answer = stub(iter([request]) if method.client_streaming else request, metadata=metadata, timeout=PATIENCE_SECONDS)
    if method.server_streaming:
        try:
            return next(answer)
        finally:
            answer.cancel()
    return answer


def create(server: Server, metadata):
    request = session_service_pb2.CreateSessionRequest(session=draft())
    return server.sessions.CreateSession(request, metadata=metadata, timeout=PATIENCE_SECONDS).session


def list_all(server: Server, metadata=None, sessions=None):
    request = session_service_pb2.ListSessionsRequest()
    return (sessions or server.sessions).ListSessions(request, metadata=metadata, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name.removeprefix("orchestration.session.v1."))
def test_each_method_is_for_its_role_and_those_above(roles_server, method, role):
    required = needed(method)
    allowed = ROLES.index(role) >= ROLES.index(required)
    try:
        call(roles_server, method, bearer(roles_server.tokens[role]))
        refusal = None
    except grpc.RpcError as error:
        refusal = read_refusal(error)
    if allowed:
        # What is let in may still be wrong, or not served.
        assert refusal is None or refusal.code not in (StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED)
    elif refusal.code != StatusCode.UNIMPLEMENTED:
        assert refusal.code == StatusCode.PERMISSION_DENIED
        assert refusal.reason == "ROLE_REQUIRED"
        path = f"/{method.containing_service.full_name}/{method.name}"
        assert refusal.metadata == {"role": role, "required": required, "method": path}


def test_without_a_token_only_health_is_told(roles_server):
    roles_server.health.Check(HEALTH, timeout=PATIENCE_SECONDS)
    with refused(StatusCode.UNAUTHENTICATED, "MISSING_CREDENTIALS"):
        list_all(roles_server)
    with refused(StatusCode.UNAUTHENTICATED, "MISSING_CREDENTIALS"):
        Watch(roles_server).next_item()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_is_for_readers_and_those_above(roles_server, version):
    question = {"list_services": "*"}
    for role in ROLES:
        (answer,) = ask(roles_server, question, version=version, metadata=bearer(roles_server.tokens[role]))
        assert [service.name for service in answer.list_services_response.service] == SERVICES
    with refused(StatusCode.UNAUTHENTICATED, "MISSING_CREDENTIALS"):
        ask(roles_server, question, version=version)


@pytest.mark.parametrize("header", ["Bearer sdt_wrong", "Bearer", "Basic c2RfdDp4", "sdt_wrong"])
def test_a_wrong_token_is_refused(roles_server, header):
    with refused(StatusCode.UNAUTHENTICATED, "INVALID_TOKEN"):
        list_all(roles_server, [("authorization", header)])


def test_two_tokens_are_refused(roles_server):
    metadata = bearer(roles_server.tokens["admin"]) + bearer(roles_server.tokens["reader"])
    with pytest.raises(grpc.RpcError) as caught:
        list_all(roles_server, metadata)
    assert caught.value.code() == StatusCode.UNAUTHENTICATED


def test_the_log_names_callers_and_never_tells_their_tokens(start_server, tokens):
    token = tokens.create("deploy", "operator")
    server = start_server("--token-file", tokens.path, "--log-level", "trace")
    create(server, bearer(token))
    with refused(StatusCode.UNAUTHENTICATED, "INVALID_TOKEN"):
        list_all(server, bearer("sdt_" + "x" * 27))
    server.hang_up()
    server.wait_for_log("tokens reloaded")
    server.stop()
    assert "identity=deploy" in server.log
    for secret in [token, token[4:24], "x" * 27, hashlib.sha256(token.encode()).hexdigest()]:
        assert secret not in server.log


def test_the_settings_tell_the_file_and_nothing_in_it(program, tokens):
    token = tokens.create("deploy", "operator")
    said = run(program, "--token-file", tokens.path, "--print-config").stdout
    assert f"tokenFile\t{tokens.path}\tflag --token-file" in said
    assert token not in said
    assert hashlib.sha256(token.encode()).hexdigest() not in said


def test_a_token_that_has_expired_is_refused(start_server, tokens):
    with tokens.path.open("w") as file:
        file.write(token_line("past", "reader", "old", timedelta(seconds=-1)))
        file.write(token_line("future", "reader", "new", timedelta(hours=1)))
    server = start_server("--token-file", tokens.path)
    list_all(server, bearer("new"))
    with refused(StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED") as refusal:
        list_all(server, bearer("old"))
    assert refusal.metadata == {"name": "past"}


def test_a_token_that_expires_is_refused_on_a_live_connection(start_server, tokens):
    tokens.path.write_text(token_line("short", "reader", "short", timedelta(seconds=2)))
    server = start_server("--token-file", tokens.path)
    until = datetime.now() + timedelta(seconds=PATIENCE_SECONDS)
    calls = 0
    with refused(StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED"):
        while datetime.now() < until:
            list_all(server, bearer("short"))
            calls += 1
    assert calls > 0


def test_a_hangup_revokes_and_admits_on_live_connections(start_server, tokens):
    first = tokens.create("first", "operator")
    server = start_server("--token-file", tokens.path)
    create(server, bearer(first))
    second = tokens.create("second", "operator")
    assert tokens.run("revoke", "--name", "first").returncode == 0
    # Until the server is told, nothing changes.
    create(server, bearer(first))
    server.hang_up()
    server.wait_for_log("tokens reloaded")
    with refused(StatusCode.UNAUTHENTICATED, "INVALID_TOKEN"):
        create(server, bearer(first))
    create(server, bearer(second))


def test_a_hangup_with_a_wrong_file_changes_nothing(start_server, tokens):
    token = tokens.create("deploy", "operator")
    server = start_server("--token-file", tokens.path)
    tokens.path.write_text("token deploy operator " + "sdt_" + "y" * 43 + "\n")
    server.hang_up()
    server.wait_for_log("the tokens stay as they were")
    assert "line 1: expected sha256: and 64 hexadecimal digits" in server.log
    assert "y" * 43 not in server.log
    create(server, bearer(token))


def test_a_wrong_file_stops_the_start_and_is_named(program, tokens, tmp_path):
    arguments = "--listen", "127.0.0.1:0", "--database-path", tmp_path / "sessions.db", "--token-file", tokens.path
    result = run(program, *arguments)
    assert result.returncode != 0
    assert f'tokenFile is "{tokens.path}": No such file or directory' in result.stderr
    tokens.path.write_text("# mine\n\ntoken deploy boss\n")
    result = run(program, *arguments)
    assert result.returncode != 0
    assert f'tokenFile is "{tokens.path}": line 3: expected token' in result.stderr
    assert not (tmp_path / "sessions.db").exists()


def test_a_file_that_others_may_read_is_warned_of(start_server, tokens):
    tokens.create("deploy", "operator")
    quiet = start_server("--token-file", tokens.path)
    quiet.stop()
    assert "chmod 600" not in quiet.log
    tokens.path.chmod(0o644)
    loud = start_server("--token-file", tokens.path)
    loud.wait_for_log("chmod 600")


def test_the_command_makes_lists_and_revokes(tokens):
    first = tokens.create("first", "reader")
    second = tokens.create("second", "admin", "--expires-in", "90d")
    assert first != second
    assert re.fullmatch(r"sdt_[A-Za-z0-9_-]{27}", first)
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert first not in tokens.path.read_text()
    assert hashlib.sha256(first.encode()).hexdigest() in tokens.path.read_text()
    end = datetime.now(timezone.utc) + timedelta(days=90)
    lines = tokens.run("list").stdout.splitlines()
    assert lines[0] == "first\treader\tnever"
    assert re.fullmatch(r"second\tadmin\t(.+)", lines[1])
    listed = datetime.strptime(lines[1].split("\t")[2], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert abs(listed - end) < timedelta(minutes=1)

    again = tokens.run("create", "--name", "first", "--role", "admin")
    assert again.returncode != 0
    assert "first" in again.stderr and again.stdout == ""
    assert tokens.run("revoke", "--name", "first").returncode == 0
    assert tokens.run("revoke", "--name", "first").returncode != 0
    assert [line.split("\t")[0] for line in tokens.run("list").stdout.splitlines()] == ["second"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--name", "a b", "--role", "reader"),
        ("create", "--name", "a", "--role", "boss"),
        ("create", "--name", "a", "--role", "reader", "--expires-in", "soon"),
        ("create", "--role", "reader"),
        ("list",),
    ],
    ids=" ".join,
)
def test_the_command_refuses_what_is_wrong(tokens, arguments):
    result = tokens.run(*arguments)
    assert result.returncode != 0
    assert result.stderr
    assert not tokens.path.exists()


class Fleet:
    """A server with TLS that knows clients' certificates, and takes tokens too."""

    def __init__(self, start_server, tokens: Tokens, folder: Path, wanted: str):
        self.authority = Authority()
        self.clients = Authority("Fleet")
        self.authority.issue("server-1").write(folder)
        (folder / "clients.pem").write_bytes(self.clients.certificate)
        self.token = tokens.create("deploy", "reader")
        with tokens.path.open("a") as file:
            file.write("certificate operator CN=agent-7,O=the fleet\\, west\n")
        self.server = start_server(
            "--tls-certificate-file", folder / "server.pem", "--tls-key-file", folder / "server.key",
            "--tls-client-certificates", wanted, "--tls-client-ca-file", folder / "clients.pem",
            "--token-file", tokens.path, credentials=self.authority.credentials(),
        )  # fmt: skip

    def channel(self, common_name: str, organization: str | None = None) -> grpc.Channel:
        issued = self.clients.issue(common_name, organization)
        return self.server.new_channel(self.authority.credentials(issued))


METHOD = {method.name: method for method in METHODS}


def test_a_certificate_has_the_role_of_its_subject(start_server, tokens, tmp_path):
    fleet = Fleet(start_server, tokens, tmp_path, "required")
    with fleet.channel("agent-7", "the fleet, west") as channel:
        call(fleet.server, METHOD["ListSessions"], channel=channel)
        with refused(StatusCode.INVALID_ARGUMENT):
            call(fleet.server, METHOD["CreateSession"], channel=channel)
    fleet.server.wait_for_log(r"identity=CN=agent-7,O=the fleet\, west")


def test_a_certificate_without_a_role_is_told_its_subject(start_server, tokens, tmp_path):
    fleet = Fleet(start_server, tokens, tmp_path, "required")
    with fleet.channel("agent-8", "the fleet, west") as channel:
        with refused(StatusCode.UNAUTHENTICATED, "UNKNOWN_CERTIFICATE") as refusal:
            call(fleet.server, METHOD["ListSessions"], channel=channel)
        assert refusal.metadata == {"subject": r"CN=agent-8,O=the fleet\, west"}
        # Its token lets it in all the same.
        call(fleet.server, METHOD["ListSessions"], bearer(fleet.token), channel)


def test_a_token_goes_before_a_certificate(start_server, tokens, tmp_path):
    fleet = Fleet(start_server, tokens, tmp_path, "optional")
    with fleet.channel("agent-7", "the fleet, west") as channel:
        with refused(StatusCode.PERMISSION_DENIED, "ROLE_REQUIRED") as refusal:
            call(fleet.server, METHOD["CreateSession"], bearer(fleet.token), channel)
        assert refusal.metadata["role"] == "reader"
        with refused(StatusCode.UNAUTHENTICATED, "INVALID_TOKEN"):
            call(fleet.server, METHOD["ListSessions"], bearer("sdt_wrong"), channel)
    with refused(StatusCode.UNAUTHENTICATED, "MISSING_CREDENTIALS"):
        call(fleet.server, METHOD["ListSessions"])
    call(fleet.server, METHOD["ListSessions"], bearer(fleet.token))


def test_grpcs_own_call_credentials_are_understood(start_server, tokens, tmp_path):
    fleet = Fleet(start_server, tokens, tmp_path, "optional")
    both = grpc.composite_channel_credentials(
        fleet.authority.credentials(), grpc.access_token_call_credentials(fleet.token)
    )
    with fleet.server.new_channel(both) as channel:
        call(fleet.server, METHOD["ListSessions"], channel=channel)


def test_without_a_token_file_everybody_may_do_everything(start_server):
    server = start_server()
    create(server, None)
    create(server, bearer("whatever"))
