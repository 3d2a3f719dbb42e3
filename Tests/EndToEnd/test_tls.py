"""TLS as stock clients speak it, and certificates that change while the server serves."""

import re
import socket
import ssl
import subprocess
from contextlib import contextmanager
from datetime import timedelta

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from certificates import Authority, Issued
from server import PATIENCE_SECONDS, Server
from sessions import create, get
from test_start import run
from watch import watching

AUTHORITY = Authority()


@pytest.fixture
def start_tls_server(start_server, tmp_path):
    """Starts servers with TLS, whose files are in the test's folder."""

    def start(*arguments: str, subject: str = "server-1", client: Issued | None = None, **options) -> Server:
        AUTHORITY.issue(subject).write(tmp_path)
        files = "--tls-certificate-file", tmp_path / "server.pem", "--tls-key-file", tmp_path / "server.key"
        return start_server(*files, *arguments, credentials=AUTHORITY.credentials(client), **options)

    return start


def check(channel: grpc.Channel) -> None:
    health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    context.set_alpn_protocols(["h2"])
    return context


@contextmanager
def connected(server: Server, context: ssl.SSLContext):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
            yield secured


def shown(server: Server) -> str:
    """The common name of the certificate that a new connection is shown."""
    with connected(server, trusting()) as connection:
        return dict(attribute for (attribute,) in connection.getpeercert()["subject"])["commonName"]


def is_refused(server: Server, credentials: grpc.ChannelCredentials) -> bool:
    with server.new_channel(credentials) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            check(channel)
        return caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_stock_client_calls_and_watches_over_tls(start_tls_server):
    server = start_tls_server()
    with watching(server) as watch:
        session = create(server, metadata={"key": "x" * 60_000})
        assert watch.event().session_id == session.id
    assert get(server, session.id).metadata["key"] == "x" * 60_000


def test_a_client_that_does_not_trust_the_certificate_goes(start_tls_server):
    server = start_tls_server()
    assert is_refused(server, Authority("Another").credentials())
    # The operator hears of it, and why.
    server.wait_for_log("TLS handshake failed")
    check(server.channel)


@pytest.mark.parametrize("protocols", [["http/1.1"], None], ids=["http/1.1", "none"])
def test_without_h2_by_alpn_the_connection_ends(start_tls_server, protocols):
    server = start_tls_server()
    context = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    if protocols:
        context.set_alpn_protocols(protocols)
    with connected(server, context) as connection:
        assert connection.selected_alpn_protocol() is None
        assert connection.recv(1) == b""
    server.wait_for_log("cause=the client does not offer h2 by ALPN")
    check(server.channel)


def handshake(server: Server, version: ssl.TLSVersion) -> str | None:
    context = trusting()
    # OpenSSL 3 speaks the old versions at this level only.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = version
    with connected(server, context) as connection:
        return connection.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=str)
def test_old_versions_are_refused(start_tls_server, version):
    server = start_tls_server()
    with pytest.raises(ssl.SSLError):
        handshake(server, version)
    check(server.channel)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_the_oldest_version_is_a_setting(start_tls_server, tmp_path):
    assert handshake(start_tls_server(), ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    strict = start_tls_server("--tls-minimum-version", "1.3", database=tmp_path / "strict.db")
    with pytest.raises(ssl.SSLError):
        handshake(strict, ssl.TLSVersion.TLSv1_2)
    assert handshake(strict, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"


def test_a_required_client_certificate_must_be_there_and_of_the_authority(start_tls_server, tmp_path):
    clients = Authority("Fleet")
    (tmp_path / "clients.pem").write_bytes(clients.certificate)
    agent = clients.issue("agent-7")
    server = start_tls_server(
        "--tls-client-certificates", "required", "--tls-client-ca-file", tmp_path / "clients.pem", client=agent
    )
    check(server.channel)
    assert is_refused(server, AUTHORITY.credentials())
    assert is_refused(server, AUTHORITY.credentials(Authority("Fleet").issue("agent-7")))
    assert is_refused(server, AUTHORITY.credentials(clients.issue("agent-8", until=-timedelta(minutes=1))))
    check(server.channel)


def test_an_optional_client_certificate_may_be_missing_but_not_wrong(start_tls_server, tmp_path):
    clients = Authority("Fleet")
    (tmp_path / "clients.pem").write_bytes(clients.certificate)
    server = start_tls_server("--tls-client-certificates", "optional", "--tls-client-ca-file", tmp_path / "clients.pem")
    check(server.channel)
    with server.new_channel(AUTHORITY.credentials(clients.issue("agent-7"))) as channel:
        check(channel)
    assert is_refused(server, AUTHORITY.credentials(Authority("Fleet").issue("agent-7")))


def test_a_hangup_brings_a_new_certificate_and_leaves_streams_alone(start_tls_server, tmp_path):
    server = start_tls_server(subject="server-1")
    with watching(server) as watch:
        first = create(server)
        assert watch.event().session_id == first.id
        assert shown(server) == "server-1"
        AUTHORITY.issue("server-2").write(tmp_path)
        server.hang_up()
        server.wait_for_log("certificate reloaded")
        assert shown(server) == "server-2"
        second = create(server)
        assert watch.event().session_id == second.id


@pytest.mark.parametrize("wanted", ["required", "optional"])
def test_a_hangup_brings_another_authority_of_clients(start_tls_server, tmp_path, wanted):
    # Of the same name, so that only the signature tells.
    before, after = Authority("Fleet"), Authority("Fleet")
    old, new = before.issue("agent-1"), after.issue("agent-2")
    (tmp_path / "clients.pem").write_bytes(before.certificate)
    server = start_tls_server(
        "--tls-client-certificates", wanted, "--tls-client-ca-file", tmp_path / "clients.pem", client=old
    )
    check(server.channel)
    assert is_refused(server, AUTHORITY.credentials(new))

    (tmp_path / "clients.pem").write_bytes(after.certificate)
    server.hang_up()
    server.wait_for_log("certificate reloaded")
    with server.new_channel(AUTHORITY.credentials(new)) as channel:
        check(channel)
    assert is_refused(server, AUTHORITY.credentials(old))
    # Whoever was let in stays.
    check(server.channel)


@pytest.mark.parametrize("wrong", ["key", "text", "expired"])
def test_a_hangup_with_a_wrong_certificate_changes_nothing(start_tls_server, tmp_path, wrong):
    server = start_tls_server(subject="server-1")
    match wrong:
        case "key":
            (tmp_path / "server.key").write_bytes(AUTHORITY.issue("server-2").key)
        case "text":
            (tmp_path / "server.pem").write_text("no certificate")
        case "expired":
            AUTHORITY.issue("server-2", until=-timedelta(minutes=1)).write(tmp_path)
    server.hang_up()
    server.wait_for_log("the certificate stays as it was")
    assert shown(server) == "server-1"
    AUTHORITY.issue("server-3").write(tmp_path)
    server.hang_up()
    server.wait_for_log("certificate reloaded")
    assert shown(server) == "server-3"


def test_a_wrong_file_stops_the_start_and_is_named(program, tmp_path):
    AUTHORITY.issue("server-1").write(tmp_path)
    (tmp_path / "other.key").write_bytes(AUTHORITY.issue("server-2").key)
    database = "--listen", "127.0.0.1:0", "--database-path", tmp_path / "sessions.db"
    certificate = "--tls-certificate-file", tmp_path / "server.pem"
    for key, problem in [
        ("missing.key", "No such file or directory"),
        ("other.key", "it is not the key of the certificate"),
        ("server.pem", "there is no private key in PEM"),
    ]:
        result = run(program, *database, *certificate, "--tls-key-file", tmp_path / key)
        assert result.returncode != 0
        assert f'tlsKeyFile is "{tmp_path / key}": {problem}' in result.stderr
    result = run(program, *database, *certificate)
    assert result.returncode != 0
    assert "tlsKeyFile" in result.stderr
    assert not (tmp_path / "sessions.db").exists()


def test_plaintext_beyond_loopback_is_refused(program, tmp_path):
    result = run(program, "--listen", "0.0.0.0:0", "--database-path", tmp_path / "sessions.db")
    assert result.returncode != 0
    assert "tlsCertificateFile" in result.stderr
    assert "allowPlaintext" in result.stderr
    assert "listening" not in result.stdout


def test_plaintext_beyond_loopback_is_served_where_it_is_allowed(program, tmp_path):
    command = [program, "--listen", "0.0.0.0:0", "--allow-plaintext", "--database-path", tmp_path / "sessions.db"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            listening = re.search(r"listening on 0\.0\.0\.0:(\d+)", process.stdout.readline())
            assert listening
            with grpc.insecure_channel(f"127.0.0.1:{listening[1]}") as channel:
                check(channel)
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()


def test_a_plaintext_client_gets_nowhere_and_harms_nobody(start_tls_server):
    server = start_tls_server()
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
        check(channel)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    check(server.channel)


def test_a_server_with_tls_stops_while_connections_are_open(start_tls_server):
    server = start_tls_server("--shutdown-grace", "60000")
    check(server.channel)
    # Two that never finish their handshake, and one that does and then says nothing.
    with (
        socket.create_connection(("127.0.0.1", server.port)),
        socket.create_connection(("127.0.0.1", server.port)) as started,
        connected(server, trusting()),
    ):
        started.sendall(b"\x16\x03\x01")
        server.stop()
