"""Traces that callers name by W3C Trace Context, and what the log says of them."""

import re

import pytest
from hyperframe.frame import HeadersFrame
from orchestration.session.v1 import session_service_pb2 as sessions_pb

from refusal import StatusCode, refused
from server import PATIENCE_SECONDS, Server
from sessions import UNKNOWN_ID
from test_access import bearer, token_line
from wire import LIST, connected, framed, request_headers
from wire_checks import OK

TRACE, OTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"


def parent(trace: str) -> str:
    return f"00-{trace}-00f067aa0ba902b7-01"


def list_all(server: Server, *parents: str, metadata=()) -> None:
    request = sessions_pb.ListSessionsRequest()
    sent = [*metadata, *(("traceparent", text) for text in parents)]
    server.sessions.ListSessions(request, metadata=sent, timeout=PATIENCE_SECONDS)


def traces(server: Server) -> list[str | None]:
    """The trace of each call in the log, in their order, once the server has stopped."""
    server.stop()
    calls = [line for line in server.log.splitlines() if "method=/orchestration." in line]
    found = [re.search(r" trace_id=(\S+)", line) for line in calls]
    return [match and match[1] for match in found]


def test_a_call_is_logged_under_the_trace_of_its_caller(start_server):
    server = start_server()
    list_all(server, parent(TRACE))
    list_all(server)
    list_all(server, parent(OTHER), metadata=[("tracestate", "congo=t61rcWkgMzE")])
    assert traces(server) == [TRACE, None, OTHER]


@pytest.mark.parametrize(
    "parents",
    [[TRACE], [parent(TRACE.upper())], [parent("0" * 32)], [parent(TRACE)] * 2, [parent(TRACE), parent(OTHER)]],
    ids=["without its other parts", "upper case", "all zero", "twice", "and another"],
)
def test_what_is_not_one_traceparent_is_not_followed(start_server, parents):
    server = start_server()
    # By hand: of several, grpcio sends the last.
    with connected(server) as wire:
        for sent in (parents, [parent(OTHER)]):
            stream = wire.new_stream()
            headers = request_headers(LIST) + [("traceparent", text) for text in sent]
            wire.send(HeadersFrame(stream, wire.encode(headers), flags=["END_HEADERS"]))
            wire.send_data(stream, framed(b""))
            assert wire.answer(stream).grpc_status == OK
    assert traces(server) == [None, OTHER]


def test_calls_that_fail_are_logged_under_their_trace_too(start_server, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(token_line("deploy", "reader", "secret"))
    tokens.chmod(0o600)
    server = start_server("--token-file", tokens)
    with refused(StatusCode.UNAUTHENTICATED):
        list_all(server, parent(TRACE))
    with refused(StatusCode.NOT_FOUND):
        server.sessions.GetSession(
            sessions_pb.GetSessionRequest(session_id=UNKNOWN_ID),
            metadata=[*bearer("secret"), ("traceparent", parent(OTHER))],
            timeout=PATIENCE_SECONDS,
        )
    assert traces(server) == [TRACE, OTHER]
