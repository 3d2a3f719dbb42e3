"""Settings in a file: YAML and JSON, what wins, what is refused, and what a hangup changes."""

import json
import os
import signal
import subprocess

import grpc
import pytest

from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import create


def run(program, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=os.environ | environment
    )


def printed(program, *arguments: str, **environment: str) -> dict[str, tuple[str, str]]:
    result = run(program, *arguments, "--print-config", **environment)
    assert result.returncode == 0, result.stderr
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    return {name: (value, source) for name, value, source in lines}


def test_every_source_is_told(program, tmp_path):
    path = tmp_path / "sessiond.yaml"
    path.write_text("maxSessions: 10\nmaxRetries: 11\nretryDelay: 12 # ms\n")
    config = printed(
        program, "--config", path, "--max-sessions", "30", SESSIOND_MAX_SESSIONS="20", SESSIOND_MAX_RETRIES="21"
    )
    assert config["config"] == (str(path), "flag --config")
    assert config["maxSessions"] == ("30", "flag --max-sessions")
    assert config["maxRetries"] == ("21", "environment SESSIOND_MAX_RETRIES")
    assert config["retryDelay"] == ("12", f"file {path}")
    assert config["ackTimeout"] == ("30000", "default")
    assert printed(program, SESSIOND_CONFIG=str(path))["retryDelay"] == ("12", f"file {path}")


def test_all_settings_can_be_in_a_json_file(program, tmp_path):
    path = tmp_path / "sessiond.json"
    defaults = printed(program)
    del defaults["config"]
    path.write_text(json.dumps({name: value for name, (value, _) in defaults.items()}))
    config = printed(program, "--config", path)
    del config["config"]
    assert config == {name: (value, f"file {path}") for name, (value, _) in defaults.items()}


def test_a_server_runs_by_its_file(start_server, tmp_path):
    path = tmp_path / "sessiond.json"
    settings = {"maxSessions": 1, "adminListen": "127.0.0.1:0", "enableReflection": False}
    path.write_text(json.dumps(settings, indent="\t"))
    server = start_server("--config", path)
    assert server.admin_port
    create(server)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(server)


WRONG = {
    "an unknown name": ("maxSesions: 5", ["maxSesions"]),
    "a wrong type": ("maxSessions: many", ["maxSessions", "many", "a whole number from 1"]),
    "a number for yes": ("enableMetrics: 1", ["enableMetrics", "true or false"]),
    "a value out of bounds": ("maxSessions: 0", ["maxSessions", "0", "a whole number from 1"]),
    "no YAML": ("maxSessions: [1", ["neither YAML nor JSON"]),
    "half a JSON": ('{"maxSessions": 1', ["neither YAML nor JSON"]),
    "a list": ("- 1\n- 2\n", ["not a mapping"]),
    "a name twice": ("maxSessions: 1\nmaxSessions: 2\n", ["maxSessions"]),
    "values in a value": ("maxSessions:\n  most: 1\n", ["maxSessions.most"]),
    "bytes": ("\0\1\2\3", ["neither YAML nor JSON"]),
}


@pytest.mark.parametrize("text, told", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_stops_the_start_and_says_what_is_wrong(program, tmp_path, text, told):
    path = tmp_path / "sessiond.yaml"
    path.write_text(text)
    result = run(program, "--config", path, "--listen", "127.0.0.1:0", "--database-path", tmp_path / "sessions.db")
    assert result.returncode != 0
    (line,) = result.stderr.splitlines()
    assert str(path) in line
    for piece in told:
        assert piece in line, line
    assert not (tmp_path / "sessions.db").exists()


def test_a_file_that_cannot_be_read_stops_the_start(program, tmp_path):
    for path in [tmp_path / "none.yaml", tmp_path]:
        result = run(program, "--config", path, "--database-path", tmp_path / "sessions.db")
        assert result.returncode != 0
        assert f"the settings file {path}: " in result.stderr


def calls_logged(server) -> int:
    return server.log.count("CreateSession")


def test_a_hangup_changes_the_level_of_the_log(start_server, tmp_path):
    path = tmp_path / "sessiond.yaml"
    path.write_text("logLevel: notice\n")
    server = start_server("--config", path, log_level=None)
    create(server)
    path.write_text("logLevel: debug\nmaxSessions: 1000\n")
    server.hang_up()
    server.wait_for_log("settings reloaded")
    server.wait_for_log("settings=maxSessions")
    assert calls_logged(server) == 0
    create(server)
    server.wait_for_log("CreateSession")
    path.write_text("logLevel: notice\n")
    server.hang_up()
    server.wait_for_log("settings reloaded", count=2)
    create(server)
    assert server.is_running and calls_logged(server) == 1
    server.stop()
    assert calls_logged(server) == 1


def test_a_hangup_with_a_wrong_file_changes_nothing(start_server, tmp_path):
    path = tmp_path / "sessiond.yaml"
    path.write_text("logLevel: debug\n")
    server = start_server("--config", path, log_level=None)
    path.write_text("logLevel: notice\nmaxSesions: 5\n")
    server.hang_up()
    server.wait_for_log("the settings stay as they were")
    assert f"the settings file {path}: there is no setting maxSesions" in server.log
    create(server)
    server.wait_for_log("CreateSession")


def test_without_a_file_a_hangup_ends_the_server(start_server):
    server = start_server()
    server.hang_up()
    assert server.wait_for_exit() == -signal.SIGHUP


def test_without_logging_there_is_no_log(start_server):
    server = start_server("--enable-logging", "false")
    create(server)
    with pytest.raises(grpc.RpcError):
        create(server, workspace="relative")
    server.stop()
    (line,) = server.log.splitlines()
    assert "listening on" in line


@pytest.mark.parametrize("level, count", [("info", 0), ("debug", 1), ("trace", 1)])
def test_the_level_says_whether_calls_are_logged(start_server, level, count):
    server = start_server(log_level=level)
    create(server)
    server.stop()
    assert calls_logged(server) == count
