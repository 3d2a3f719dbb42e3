"""What the server says when it starts, and how it refuses to."""

import sqlite3
import subprocess

import pytest

from server import PATIENCE_SECONDS
from sessions import create


def run(program, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def test_one_line_says_where_it_listens_and_which_file_it_uses(start_server, tmp_path):
    server = start_server()
    (line,) = [line for line in server.log.splitlines() if "listening on" in line]
    assert server.address in line
    assert str(tmp_path / "sessions.db") in line


def test_each_call_is_one_line_at_debug(start_server):
    server = start_server()
    create(server)
    create(server)
    server.stop()
    lines = [line for line in server.log.splitlines() if "CreateSession" in line]
    assert len(lines) == 2


WRONG = {
    "a number in words": ("--max-sessions", "many"),
    "a negative number": ("--max-sessions", "-1"),
    "an unknown level": ("--log-level", "loud"),
    "an address without a port": ("--listen", "127.0.0.1"),
}


@pytest.mark.parametrize("flag, value", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_stops_the_start_and_is_named(program, tmp_path, flag, value):
    result = run(program, "--database-path", tmp_path / "sessions.db", f"{flag}={value}")
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert value in said
    # The flag, the variable or the setting's own name.
    assert flag.strip("-").replace("-", "") in said.lower().replace("-", "").replace("_", "")


def test_a_file_that_is_no_database_is_refused_and_left_alone(program, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and no database. " * 100)
    result = run(program, "--listen", "127.0.0.1:0", "--database-path", path)
    assert result.returncode != 0
    assert str(path) in result.stdout + result.stderr
    assert path.read_text() == "These are notes, and no database. " * 100


def test_somebody_elses_database_is_refused_and_left_alone(program, tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE sessions (id INTEGER)")
    database.close()
    before = path.read_bytes()
    result = run(program, "--listen", "127.0.0.1:0", "--database-path", path)
    assert result.returncode != 0
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_refused(program, tmp_path):
    result = run(program, "--listen", "127.0.0.1:0", "--database-path", tmp_path / "no" / "sessions.db")
    assert result.returncode != 0
    assert str(tmp_path / "no") in result.stdout + result.stderr


def test_a_port_that_is_taken_is_refused(start_server, program, tmp_path):
    server = start_server()
    result = run(program, "--listen", server.address, "--database-path", tmp_path / "other.db")
    assert result.returncode != 0
    assert server.address in result.stdout + result.stderr
