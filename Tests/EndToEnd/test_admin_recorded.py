"""The admin port: what the program counts where it happens."""

import hashlib
import socket
import ssl
from datetime import timedelta

import pytest
from cryptography import x509

from admin import ANYWHERE, Scrape, fetch, status
from certificates import Authority
from pulse import until
from server import PATIENCE_SECONDS, Server

AUTHORITY = Authority()
RELOADED = {"settings": "settings reloaded", "certificate": "certificate reloaded", "tokens": "tokens reloaded"}
REFUSED = {
    "settings": "the settings stay as they were",
    "certificate": "the certificate stays as it was",
    "tokens": "the tokens stay as they were",
}


def reloads(server: Server, what: str) -> tuple[float | None, float | None]:
    scrape = Scrape(server)
    return tuple(scrape.value("sessiond_reloads_total", what=what, result=result) for result in ["success", "failure"])


@pytest.fixture
def files(tmp_path) -> dict:
    token = hashlib.sha256(b"sdt_x").hexdigest()
    (tmp_path / "sessiond.yaml").write_text("logLevel: info\n")
    (tmp_path / "tokens").write_text(f"token first reader sha256:{token}\n")
    AUTHORITY.issue("server-1").write(tmp_path)
    return {
        "settings": tmp_path / "sessiond.yaml", "certificate": tmp_path / "server.pem", "tokens": tmp_path / "tokens"
    }  # fmt: skip


@pytest.fixture
def reloading(start_server, files, tmp_path) -> Server:
    return start_server(
        *ANYWHERE, "--config", files["settings"], "--token-file", files["tokens"],
        "--tls-certificate-file", files["certificate"], "--tls-key-file", tmp_path / "server.key",
        log_level=None, credentials=AUTHORITY.credentials(),
    )  # fmt: skip


@pytest.mark.parametrize("wrong", RELOADED)
def test_what_a_hangup_came_to_is_counted(reloading, files, wrong):
    until(lambda: all(reloads(reloading, what) == (0, 0) for what in RELOADED))
    kept = files[wrong].read_text()
    files[wrong].write_text("nothing of the kind")
    reloading.hang_up()
    for what in RELOADED:
        reloading.wait_for_log((REFUSED if what == wrong else RELOADED)[what])
        assert reloads(reloading, what) == ((0, 1) if what == wrong else (1, 0))
    files[wrong].write_text(kept)
    reloading.hang_up()
    for what in RELOADED:
        reloading.wait_for_log(RELOADED[what], count=1 if what == wrong else 2)
        assert reloads(reloading, what) == ((1, 1) if what == wrong else (2, 0))


def test_what_there_is_not_is_not_reloaded(start_server, files):
    server = start_server(*ANYWHERE, "--config", files["settings"])
    until(lambda: reloads(server, "settings") == (0, 0))
    server.hang_up()
    server.wait_for_log("settings reloaded")
    assert reloads(server, "settings") == (1, 0)
    scrape = Scrape(server)
    assert {labels["what"] for labels in scrape.labels("sessiond_reloads_total")} == {"settings"}
    assert not scrape.labels("sessiond_certificate_expiry_seconds")


def test_the_certificates_end_is_told(reloading, files, tmp_path):
    def tells_the_files() -> bool:
        end = x509.load_pem_x509_certificate(files["certificate"].read_bytes()).not_valid_after_utc.timestamp()
        return Scrape(reloading).value("sessiond_certificate_expiry_seconds") == end

    until(tells_the_files)
    AUTHORITY.issue("server-2", until=timedelta(days=30)).write(tmp_path)
    reloading.hang_up()
    reloading.wait_for_log("certificate reloaded")
    assert tells_the_files()


def test_handshakes_that_fail_are_counted(reloading):
    assert Scrape(reloading).value("sessiond_tls_handshakes_failed_total") == 0
    for count in [1, 2]:
        with socket.create_connection(("127.0.0.1", reloading.port), PATIENCE_SECONDS) as client:
            # It trusts nobody.
            with pytest.raises(ssl.SSLError):
                ssl.create_default_context(cadata=Authority().certificate.decode()).wrap_socket(
                    client, server_hostname="127.0.0.1")  # fmt: skip
        reloading.wait_for_log("TLS handshake failed", count)
        assert Scrape(reloading).value("sessiond_tls_handshakes_failed_total") == count


def test_connections_that_are_too_many_are_counted(start_server):
    server = start_server(*ANYWHERE, "--max-connections", "1")
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS):
        until(lambda: Scrape(server).value("sessiond_connections") == 1)
        assert Scrape(server).value("sessiond_connections_refused_total") == 0
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as refused:
            assert refused.recv(1) == b""
        assert Scrape(server).value("sessiond_connections_refused_total") == 1


def test_requests_of_the_port_are_counted_by_page(start_server):
    server = start_server(*ANYWHERE)
    for path in ["/readyz", "/readyz?full", "/nothing", "/made/up"]:
        fetch(server, path)
    assert fetch(server, "/metrics", "POST")[0].status == 405
    Scrape(server)
    assert status(server, "/healthz")[0] == 200
    scrape = Scrape(server)
    counted = {
        (labels["path"], labels["status"]): scrape.value("sessiond_admin_requests_total", **labels)
        for labels in scrape.labels("sessiond_admin_requests_total")
    }
    # The scrape that tells it is answered once it is written.
    assert counted == {
        ("/readyz", "200"): 2, ("other", "404"): 2, ("other", "405"): 1, ("/metrics", "200"): 1, ("/healthz", "200"): 1
    }  # fmt: skip
    assert scrape.value("sessiond_scrape_seconds_count") == 1
    assert 0 < scrape.value("sessiond_scrape_seconds_sum") < PATIENCE_SECONDS
    assert scrape.value("sessiond_metrics_refused_total") == 0
