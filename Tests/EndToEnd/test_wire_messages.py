"""Bodies that are no good: bad framing, bad protobuf, too much of it."""

import gzip

import grpc
import pytest
from hyperframe.frame import RstStreamFrame
from orchestration.session.v1 import session_service_pb2 as sessions_pb

from sessions import UNKNOWN_ID, pb
from watch import history
from wire import CANCEL, CREATE, GET, WATCH, connected, framed
from wire_checks import (
    INTERNAL,
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

MIB = 1 << 20


@pytest.fixture
def wire(shared_server):
    """A connection that must still serve after the test, and so must others."""
    with connected(shared_server) as wire:
        yield wire
        assert_connection_serves(wire)
    assert_others_are_served(shared_server)


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def session(payload: bytes) -> bytes:
    """A CreateSessionRequest whose session is these bytes."""
    return field(1, payload)


def nested_metadata(depth: int) -> bytes:
    value = b""
    for _ in range(depth):
        # A Value that holds a Struct whose one entry has the value so far.
        value = field(5, field(1, field(1, b"a") + field(2, value)))
    return field(6, field(1, field(1, b"a") + field(2, value)))


# The message and the place that the error must name.
BAD_PROTOBUF = {
    "no tag": (session(b"\xff"), "session"),
    "a field numbered zero": (session(b"\x02\x00"), "session"),
    "a wire type that does not exist": (session(b"\x0f"), "session"),
    "a group": (session(b"\x0b\x0c"), "session"),
    "an endless varint": (session(b"\x10" + b"\xff" * 20), "session.type"),
    "a length past the end": (b"\x0a\x7fabc", "session"),
    "a length past 64 bits": (b"\x0a" + b"\xff" * 9 + b"\x01", "session"),
    "a number for a name": (session(b"\x18\x01"), "session.name"),
    "a text for a type": (session(field(2, b"abc")), "session.type"),
    "a name that is not UTF-8": (session(field(3, b"a\xffb")), "session.name"),
    "half a surrogate pair": (session(field(3, b"\xed\xa0\x80")), "session.name"),
    "an overlong encoding": (session(field(3, b"\xc0\xaf")), "session.name"),
    "a NUL in the name": (session(field(3, b"a\0b")), "session.name"),
    "a NUL in a capability": (session(field(7, b"ok") + field(7, b"\0")), "session.capabilities"),
    "a NUL in the metadata": (session(field(6, field(1, field(1, b"\0")))), "session.metadata"),
    "a NUL in a variable": (session(field(9, field(1, b"A") + field(2, b"\0"))), "session.environment"),
    "nesting too deep": (session(nested_metadata(200)), "session.metadata"),
    "nesting much too deep": (session(nested_metadata(5000)), "session.metadata"),
}


@pytest.mark.parametrize("message, place", BAD_PROTOBUF.values(), ids=BAD_PROTOBUF.keys())
def test_bad_protobuf_is_an_invalid_argument_that_names_the_place(wire, message, place):
    answer = wire.call(CREATE, framed(message))
    assert_refused(answer, INVALID_ARGUMENT)
    assert place in answer.grpc_message, answer.grpc_message


def test_a_request_cut_at_any_byte_is_refused_or_another_request(wire):
    whole = create_body(name="n" * 20, metadata={"a": [1, "b"]}, environment={"A": "1"})[5:]
    statuses = {wire.call(CREATE, framed(whole[:length])).grpc_status for length in range(len(whole))}
    assert statuses <= {OK, INVALID_ARGUMENT}
    assert INVALID_ARGUMENT in statuses


def test_unknown_fields_are_passed_over_and_never_sent_back(wire):
    answer = wire.call(CREATE, framed(session(create_session() + field(1000, b"unknown")) + field(2000, b"unknown")))
    assert answer.grpc_status == OK
    assert b"unknown" not in answer.data


def create_session() -> bytes:
    return pb.Session(type=1, name="main", workspace="/main").SerializeToString()


BOMBS = {
    "empty submessages": session(b"\x62\x00" + b"\x32\x02\x0a\x00" * (MIB // 4)),
    "a submessage again and again": session(field(6, field(1, field(1, b"a"))) * (MIB // 8)),
    "empty texts": session(b"\x3a\x00" * (2 * MIB - 4)),
    "empty variables": session(b"\x4a\x00" * (2 * MIB - 4)),
}


@pytest.mark.parametrize("message", BOMBS.values(), ids=BOMBS.keys())
def test_a_message_that_takes_far_more_memory_than_bytes_is_refused(wire, message):
    assert_refused(wire.call(CREATE, framed(message)), INVALID_ARGUMENT, RESOURCE_EXHAUSTED)


def test_a_message_over_four_mebibytes_is_refused_on_its_announcement(wire):
    stream = wire.open(CREATE)
    # Only the prefix: the rest never comes.
    wire.send_data(stream, b"\0" + (4 * MIB + 1).to_bytes(4, "big"), end=False)
    assert_refused(wire.answer(stream), RESOURCE_EXHAUSTED)


def test_the_longest_announcement_is_refused(wire):
    stream = wire.open(CREATE)
    wire.send_data(stream, b"\0\xff\xff\xff\xff", end=False)
    assert_refused(wire.answer(stream), RESOURCE_EXHAUSTED)


def test_a_message_of_four_mebibytes_is_read(shared_server):
    message = sessions_pb.GetSessionRequest(session_id=UNKNOWN_ID).SerializeToString()
    padding = 4 * MIB - len(message) - len(field(99, b"x" * 4 * MIB)) + 4 * MIB
    message += field(99, b"x" * padding)
    call = shared_server.channel.unary_unary(GET)
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=20)
    assert len(message) == 4 * MIB
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_truncated_message_is_refused(wire):
    body = create_body()
    for length in (1, 4, 5, 6, len(body) - 1):
        assert_refused(wire.call(CREATE, body[:length]), INTERNAL, INVALID_ARGUMENT)


@pytest.mark.parametrize("path", [GET, CREATE, WATCH])
def test_no_message_where_one_is_due_is_refused(wire, path):
    assert_refused(wire.call(path), UNIMPLEMENTED, INTERNAL)
    assert_refused(wire.call(path, b""), UNIMPLEMENTED, INTERNAL)


@pytest.mark.parametrize("path", [GET, WATCH])
def test_two_messages_where_one_is_due_are_refused(wire, path):
    stream = wire.open(path)
    wire.send_data(stream, framed(b"") + framed(b""))
    answer = wire.answer(stream)
    # The first names no session, which may be told before the second is looked at.
    assert answer.grpc_status in (UNIMPLEMENTED, INTERNAL, INVALID_ARGUMENT), answer


def test_two_creates_in_one_call_create_nothing(server):
    with connected(server) as wire:
        answer = wire.call(CREATE, create_body() + create_body())
        assert answer.grpc_status in (UNIMPLEMENTED, INTERNAL)
        assert_connection_serves(wire)
    assert len(history(server)) == 1


def test_a_compressed_message_without_an_encoding_is_refused(wire):
    assert_refused(wire.call(GET, framed(gzip.compress(get_body()[5:]), flag=1)), INTERNAL)


def test_a_compressed_message_of_no_encoding_is_refused(wire):
    assert_refused(wire.call(GET, framed(get_body()[5:], flag=1), grpc_encoding="identity"), INTERNAL)


@pytest.mark.parametrize("flag", [2, 0x80, 0xFF])
def test_a_flag_that_does_not_exist_is_refused(wire, flag):
    assert_refused(wire.call(GET, framed(get_body()[5:], flag=flag)), INTERNAL)


def test_a_message_in_the_smallest_pieces_is_good(wire):
    stream = wire.open(GET)
    body = get_body()
    for i in range(len(body)):
        wire.send_data(stream, body[i : i + 1], end=i == len(body) - 1)
    assert_refused(wire.answer(stream), NOT_FOUND)


def test_a_call_given_up_in_the_middle_of_its_message_leaves_nothing(wire):
    for _ in range(50):
        stream = wire.open(CREATE)
        wire.send_data(stream, create_body()[:20], end=False)
        wire.send(RstStreamFrame(stream, CANCEL))


def test_the_empty_message_is_one(wire):
    answer = wire.call(GET, framed(b""))
    assert answer.grpc_status in (INVALID_ARGUMENT, NOT_FOUND)
