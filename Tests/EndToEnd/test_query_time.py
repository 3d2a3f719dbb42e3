"""Queries that would take long: they are ended, and others are served meanwhile."""

import grpc
from orchestration.session.v1 import session_service_pb2 as sessions_pb

from refusal import StatusCode, refused
from sessions import create, get, list_sessions, struct

# The pattern nearly fits at every position of the text: a tenth of a second for each session.
TEXT = "a" * 60_000
PATTERN = "%" + "a" * 2_000 + "b"
COSTLY = "metadata->>'text' LIKE ?"


def fill(server, count: int) -> None:
    for i in range(count):
        create(server, f"s{i}", metadata=struct({"text": TEXT}))


def test_a_query_over_the_time_limit_is_ended(start_server):
    server = start_server("--query-timeout", "250", "--max-sessions", "1000")
    fill(server, 40)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "QUERY_TOO_COSTLY") as refusal:
        list_sessions(server, where=COSTLY, params=[PATTERN])
    assert refusal.metadata["limit"] == "0.25 seconds"
    assert len(list_sessions(server, page_size=1).sessions) == 1


def test_a_query_whose_caller_left_frees_its_reader(start_server):
    server = start_server("--query-timeout", "600000", "--readers", "1", "--max-sessions", "1000")
    fill(server, 40)
    request = sessions_pb.ListSessionsRequest(where=" OR ".join([COSTLY] * 8))
    for _ in range(8):
        request.params.add(string_value=PATTERN)
    call = server.sessions.ListSessions.future(request, timeout=0.2)
    assert call.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    # The only reader would be busy for half a minute.
    first = list_sessions(server, page_size=1).sessions[0]
    assert get(server, first.id).name == "s0"
