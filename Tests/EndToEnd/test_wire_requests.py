"""Requests that HTTP/2 allows and gRPC does not (grpc/doc/PROTOCOL-HTTP2.md)."""

import pytest
from hyperframe.frame import ContinuationFrame, HeadersFrame

from wire import CREATE, GET, PROTOCOL_ERROR, WATCH, connected, request_headers
from wire_checks import (
    DEADLINE_EXCEEDED,
    INVALID_ARGUMENT,
    NOT_FOUND,
    OK,
    RESOURCE_EXHAUSTED,
    UNIMPLEMENTED,
    assert_connection_serves,
    assert_others_are_served,
    assert_refused,
    create_body,
    get_body,
)


@pytest.fixture
def wire(shared_server):
    """A connection that must still serve after the test, and so must others."""
    with connected(shared_server) as wire:
        yield wire
        assert_connection_serves(wire)
    assert_others_are_served(shared_server)


def test_a_normal_call_is_answered_as_the_protocol_says(wire):
    answer = wire.call(CREATE, create_body())
    assert len(answer.blocks) == 2
    head, trailers = answer.blocks
    assert head[":status"] == "200"
    assert head["content-type"].startswith("application/grpc")
    assert "grpc-status" not in head
    assert trailers["grpc-status"] == "0"
    assert len(answer.messages) == 1
    assert answer.ended and answer.reset is None


def test_an_unknown_id_is_not_found(wire):
    assert_refused(wire.call(GET, get_body()), NOT_FOUND)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "OPTIONS", "post"])
def test_a_method_other_than_post_is_405(wire, method):
    answer = wire.call(GET, get_body(), method=method)
    assert (answer.http_status, answer.blocks[0].get("allow")) == ("405", "POST")


def test_a_get_without_a_body_is_405(wire):
    assert wire.call("/", method="GET", te=None, content_type=None).http_status == "405"


TYPES = [
    None,
    "",
    "text/html",
    "application/json",
    "application/grpc-web",
    "application/grpcx",
    "application/grpc+json",
    "application/x-www-form-urlencoded",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_another_content_type_is_415(wire, content_type):
    assert wire.call(GET, get_body(), content_type=content_type).http_status == "415"


@pytest.mark.parametrize(
    "content_type", ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"]
)
def test_every_spelling_of_grpcs_content_type_is_good(wire, content_type):
    assert_refused(wire.call(GET, get_body(), content_type=content_type), NOT_FOUND)


PATHS = {
    "an unknown method": "/orchestration.session.v1.SessionService/Nonsense",
    "a method in lower case": "/orchestration.session.v1.SessionService/getsession",
    "an unknown service": "/orchestration.session.v1.Nonsense/GetSession",
    "a service of nobody": "/x/y",
    "the root": "/",
    "one part": "/orchestration.session.v1.SessionService",
    "no method": "/orchestration.session.v1.SessionService/",
    "three parts": GET + "/more",
    "an empty part": "/" + GET,
    "a query": GET + "?x=1",
    "escapes": GET.replace("/", "%2F"),
    "letters past ASCII": "/orchestration.session.v1.SessionService/Gét",
    "a long path": "/" + "x" * 8000 + "/y",
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_an_unknown_or_malformed_path_is_unimplemented(wire, path):
    stream = wire.open(path)
    wire.send_data(stream, get_body())
    answer = wire.answer(stream)
    if answer.reset is None:
        assert_refused(answer, UNIMPLEMENTED)
    else:
        # What is no path in HTTP/2's own rules may end the stream; nothing else here may.
        assert not path.startswith("/") or not path.isascii()


BAD_HEADERS = {
    "no path": [h for h in request_headers(GET) if h[0] != ":path"],
    "no method": [h for h in request_headers(GET) if h[0] != ":method"],
    "two paths": [(":path", GET), *request_headers(GET)],
    "a pseudo header after others": [*request_headers(GET)[1:], request_headers(GET)[0]],
    "an unknown pseudo header": [(":nonsense", "x"), *request_headers(GET)],
    "a name in upper case": [*request_headers(GET), ("X-Upper", "x")],
    "a connection header": [*request_headers(GET), ("connection", "keep-alive")],
    "a name with a space": [*request_headers(GET), ("x y", "z")],
    "a value with a line feed": [*request_headers(GET), ("x", "a\nb")],
    "a value with a NUL": [*request_headers(GET), ("x", "a\0b")],
    "a content-length that is wrong": [*request_headers(GET), ("content-length", "7")],
}


@pytest.mark.parametrize("headers", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_headers_that_http2_forbids_end_the_stream_or_are_passed_over(wire, headers):
    stream = wire.new_stream()
    wire.send(HeadersFrame(stream, wire.encode(headers), flags=["END_HEADERS"]))
    wire.send_data(stream, get_body())
    answer = wire.answer(stream)
    assert answer.reset is not None or answer.http_status == "400" or answer.grpc_status not in (None, OK)


TIMEOUTS = [
    "",
    "1",
    "S",
    "abc",
    "-1S",
    "+1S",
    "1.5S",
    "1s",
    "123456789S",
    "1S1S",
    "1 S",
    "99999999999999999999H",
]


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_a_bad_timeout_is_refused(wire, timeout):
    assert_refused(wire.call(GET, get_body(), grpc_timeout=timeout), INVALID_ARGUMENT)


@pytest.mark.parametrize("timeout", ["99999999H", "99999999M", "10S", "99999999m", "99999999u", "99999999n"])
def test_every_unit_of_a_timeout_is_good(wire, timeout):
    assert_refused(wire.call(GET, get_body(), grpc_timeout=timeout), NOT_FOUND)


@pytest.mark.parametrize("timeout", ["1n", "0S"])
def test_a_timeout_that_is_over_at_once_is_deadline_exceeded(wire, timeout):
    stream = wire.open(WATCH, grpc_timeout=timeout)
    wire.send_data(stream, b"\0\0\0\0\0")
    assert wire.answer(stream).grpc_status == DEADLINE_EXCEEDED


def test_a_request_that_never_comes_ends_at_its_deadline(wire):
    stream = wire.open(grpc_timeout="50m")
    assert wire.answer(stream).grpc_status == DEADLINE_EXCEEDED


def test_an_unknown_encoding_is_unimplemented_and_the_known_ones_are_told(wire):
    answer = wire.call(GET, get_body(), grpc_encoding="nonsense")
    assert_refused(answer, UNIMPLEMENTED)
    assert "identity" in answer.blocks[-1]["grpc-accept-encoding"]


def test_metadata_that_is_no_base64_is_refused(wire):
    answer = wire.call(GET, get_body(), **{"x-bytes-bin": "!!!"})
    assert_refused(answer, INVALID_ARGUMENT)
    assert "x-bytes-bin" in answer.grpc_message


def test_bad_metadata_is_refused_each_time_it_comes(wire):
    for _ in range(3):
        assert_refused(wire.call(GET, get_body(), x_bin="!"), INVALID_ARGUMENT)


def test_nothing_of_a_malformed_request_is_left_for_the_next(wire):
    headers = request_headers(GET, grpc_timeout="bad") + [("Upper-Case", "malformed")]
    stream = wire.new_stream()
    wire.send(HeadersFrame(stream, wire.encode(headers), flags=["END_HEADERS", "END_STREAM"]))
    assert wire.answer(stream).reset == PROTOCOL_ERROR
    assert_refused(wire.call(GET, get_body()), NOT_FOUND)


@pytest.mark.parametrize("size", [17_000, 60_000])
def test_a_huge_header_list_ends_its_call_only(wire, size):
    block = wire.encode([*request_headers(GET), ("x-huge", "v" * size)])
    stream = wire.new_stream()
    pieces = [block[i : i + 16_384] for i in range(0, len(block), 16_384)]
    wire.send(HeadersFrame(stream, pieces[0]))
    for piece in pieces[1:]:
        wire.send(ContinuationFrame(stream, piece, flags=["END_HEADERS"] if piece is pieces[-1] else []))
    wire.send_data(stream, get_body())
    answer = wire.answer(stream)
    assert answer.reset is not None or answer.http_status == "431" or answer.grpc_status == RESOURCE_EXHAUSTED


def test_headers_without_end_are_cut_off(shared_server):
    with connected(shared_server) as wire:
        stream = wire.new_stream()
        wire.send(HeadersFrame(stream, wire.encode(request_headers(GET))))
        piece = ContinuationFrame(stream, wire.encode([("x", "v" * 16_000)])).serialize()
        try:
            # 160 MB at most.
            for _ in range(10_000):
                wire.send_bytes(piece)
        except ConnectionError:
            pass
        else:
            raise AssertionError("headers without end are taken")
    assert_others_are_served(shared_server)
