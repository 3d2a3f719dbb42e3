"""Keys of the metadata that are declared: they are indexed, and lists say the same as before."""

import sqlite3
import subprocess

import pytest

from server import PATIENCE_SECONDS
from sessions import ACTIVE, DEPARTMENT, DIRECTOR, create, create_in, list_sessions, names, order, update

KEYS = "domain,config->region,'it''s größer'"
LATEST_FIRST = [order("lastActivity", descending=True)]


def indexes(server) -> list[str]:
    with sqlite3.connect(f"file:{server.database}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'sessions_by_metadata%' ORDER BY name")
        return [row[0].removeprefix("sessions_by_metadata: ") for row in rows]


def fill(server) -> None:
    create(server, "a", metadata={"domain": "data", "config": {"region": "eu"}, "it's größer": 1})
    create(server, "b", type=DEPARTMENT, metadata={"domain": "sales", "config": {"region": "eu"}, "it's größer": True})
    create_in(server, ACTIVE, "c", type=DEPARTMENT, metadata={"domain": "data", "config": {"region": "us"}})
    create(server, "d")


def check(server) -> None:
    data = {"where": "metadata->>'domain' = ?", "params": ["data"]}
    assert names(list_sessions(server, **data)) == ["a", "c"]
    assert names(list_sessions(server, **data, order_by=LATEST_FIRST)) == ["c", "a"]
    assert names(list_sessions(server, **data, types=[DEPARTMENT], statuses=[ACTIVE])) == ["c"]
    assert names(list_sessions(server, **data, types=[DIRECTOR], statuses=[ACTIVE])) == []
    assert names(list_sessions(server, where="metadata->'config'->>'region' = 'eu' AND type = 'DEPARTMENT'")) == ["b"]
    assert names(list_sessions(server, where="metadata->>'it''s größer' = 1")) == ["a"]
    assert names(list_sessions(server, where="metadata->>'it''s größer' = true")) == ["b"]
    assert names(list_sessions(server, where="metadata->>'domain' IS NULL")) == ["d"]
    first = list_sessions(server, **data, page_size=1, include_total=True)
    assert names(first) == ["a"] and first.total_size == 2
    again = {"page_size": 1, "include_total": True, "page_token": first.next_page_token}
    assert names(list_sessions(server, **data, **again)) == ["c"]


def test_lists_say_the_same_with_indexes_and_without(start_server):
    server = start_server("--metadata-indexes", KEYS)
    fill(server)
    check(server)
    assert indexes(server) == sorted(
        f"{field} by {column}"
        for field in ["metadata->>'domain'", "metadata->'config'->>'region'", "metadata->>'it''s größer'"]
        for column in ["create_time", "last_activity_time"]
    )
    server.stop()
    server = start_server()
    assert indexes(server) == []
    assert server.log.count("an index is dropped") == 6
    check(server)
    server.stop()
    server = start_server(environment={"SESSIOND_METADATA_INDEXES": KEYS})
    assert len(indexes(server)) == 6 and server.log.count("an index is built") == 6
    check(server)


def test_a_change_of_a_declared_key_is_found(start_server):
    server = start_server("--metadata-indexes", "domain")
    session = create(server, metadata={"domain": "data"})
    update(server, session.id, mask=["metadata.domain"], metadata={"domain": "O'Neill"})
    assert names(list_sessions(server, where="metadata->>'domain' = 'data'")) == []
    assert names(list_sessions(server, where="metadata->>'domain' = 'O''Neill'")) == ["main"]


def test_a_page_goes_on_after_a_restart_with_other_indexes(start_server):
    server = start_server()
    fill(server)
    request = {"where": "metadata->>'domain' = 'data'", "page_size": 1}
    token = list_sessions(server, **request).next_page_token
    server.stop()
    server = start_server("--metadata-indexes", "domain")
    assert names(list_sessions(server, **request, page_token=token)) == ["c"]


@pytest.mark.parametrize("keys", ['a"b', "a\\b", "a,a", "a,", "'a", "a->", ",".join(f"k{i}" for i in range(17))])
def test_wrong_keys_stop_the_start(program, tmp_path, keys):
    ended = subprocess.run(
        [program, "--database-path", tmp_path / "sessions.db", "--metadata-indexes", keys],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        f'sessiond: metadataIndexes is "{keys}" (flag --metadata-indexes); allowed is up to 16 different keys'
    )
    assert not (tmp_path / "sessions.db").exists()
