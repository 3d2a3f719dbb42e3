"""Fixtures: servers on temporary databases, with their logs shown when a test fails."""

import signal
from pathlib import Path

import pytest

from server import Server

LOG_LINES_SHOWN = 100


def pytest_addoption(parser):
    parser.addoption("--sessiond", required=True, type=Path, help="the server's binary")
    parser.addoption("--kill-rounds", default=5, type=int, help="how often the kill -9 test kills (%(default)s)")


def pytest_configure(config):
    # Who runs the tests may have it ignored, as nohup does. Servers would inherit that; a handler they do not.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and report.when == "call":
        for server in getattr(item, "servers", []):
            lines = server.log.splitlines(keepends=True)
            report.sections.append((f"sessiond on {server.database}", "".join(lines[-LOG_LINES_SHOWN:])))
    return report


@pytest.fixture(scope="session")
def program(request) -> Path:
    path = request.config.getoption("--sessiond").resolve()
    assert path.is_file(), f"{path} is not there"
    return path


@pytest.fixture
def start_server(request, program, tmp_path):
    """Starts servers that are stopped, and must stop well, after the test."""
    servers = request.node.servers = []

    def start(*arguments: str, database: Path = tmp_path / "sessions.db", **options) -> Server:
        server = Server(program, database, *arguments, **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        if server.is_running:
            server.stop()


@pytest.fixture
def server(start_server) -> Server:
    """A server of the test's own, on an empty database."""
    return start_server("--max-sessions", "10000")


@pytest.fixture(scope="module")
def module_server(program, tmp_path_factory):
    """A server for tests that share its sessions with their neighbours in the file."""
    server = Server(program, tmp_path_factory.mktemp("module") / "sessions.db", "--max-sessions", "10000")
    yield server
    server.stop()


@pytest.fixture
def shared_server(request, module_server) -> Server:
    request.node.servers = [module_server]
    assert module_server.is_running, f"sessiond ended; its log:\n{module_server.log}"
    return module_server
