"""The test cases on stock grpcio. It does not tell whether a response was compressed: frames_client.py looks at that."""

import argparse
import os
import threading
from pathlib import Path

import grpc

import frames_client
from protos import ECHO_INITIAL, ECHO_TRAILING, empty_pb2, messages_pb2, test_pb2_grpc, zeros

TIMEOUT_SECONDS = 30
REQUEST_SIZES = [27_182, 8, 1828, 45_904]
RESPONSE_SIZES = [31_415, 9, 2653, 58_979]
REQUEST_BYTES, RESPONSE_BYTES = 271_828, 314_159
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP \N{WHITE SMILING FACE} and non-BMP \N{SMILING FACE WITH HORNS}\t\n"
GZIP, PLAIN = grpc.Compression.Gzip, grpc.Compression.NoCompression


def expect(what: str, found, expected) -> None:
    if found != expected:
        raise AssertionError(f"{what} is {found!r}; expected {expected!r}")


def expect_failure(code: grpc.StatusCode, call, message: str | None = None) -> None:
    try:
        call()
    except grpc.RpcError as error:
        expect("the code", error.code(), code)
        if message is not None:
            expect("the message", error.details(), message)
    else:
        raise AssertionError(f"the call succeeded; expected {code}")


def expect_sizes(responses, sizes: list[int]) -> None:
    expect("the responses", [response.payload.body for response in responses], [bytes(size) for size in sizes])


def bool_value(value: bool) -> messages_pb2.BoolValue:
    return messages_pb2.BoolValue(value=value)


def large_request(**fields) -> messages_pb2.SimpleRequest:
    return messages_pb2.SimpleRequest(response_size=RESPONSE_BYTES, payload=zeros(REQUEST_BYTES), **fields)


def exchange(request_size: int, response_size: int) -> messages_pb2.StreamingOutputCallRequest:
    parameters = [messages_pb2.ResponseParameters(size=response_size)]
    return messages_pb2.StreamingOutputCallRequest(response_parameters=parameters, payload=zeros(request_size))


class Cases:
    """A method for each case, of its name."""

    def __init__(self, target: frames_client.Target):
        self._target = target
        if target.ca_file:
            credentials = grpc.ssl_channel_credentials(target.ca_file.read_bytes())
            options = [("grpc.ssl_target_name_override", target.server_name)]
            self._channel = grpc.secure_channel(target.address, credentials, options)
        else:
            self._channel = grpc.insecure_channel(target.address)
        self._service = test_pb2_grpc.TestServiceStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def empty_unary(self):
        response = self._service.EmptyCall(empty_pb2.Empty(), timeout=TIMEOUT_SECONDS)
        expect("the response", response, empty_pb2.Empty())

    def large_unary(self):
        self._call_large(large_request())

    def client_streaming(self):
        requests = [messages_pb2.StreamingInputCallRequest(payload=zeros(size)) for size in REQUEST_SIZES]
        response = self._service.StreamingInputCall(iter(requests), timeout=TIMEOUT_SECONDS)
        expect("the sum of the sizes", response.aggregated_payload_size, 74_922)

    def server_streaming(self):
        parameters = [messages_pb2.ResponseParameters(size=size) for size in RESPONSE_SIZES]
        request = messages_pb2.StreamingOutputCallRequest(response_parameters=parameters)
        expect_sizes(self._service.StreamingOutputCall(request, timeout=TIMEOUT_SECONDS), RESPONSE_SIZES)

    def ping_pong(self):
        answered = threading.Semaphore(1)

        def requests():
            for request_size, response_size in zip(REQUEST_SIZES, RESPONSE_SIZES):
                answered.acquire(timeout=TIMEOUT_SECONDS)
                yield exchange(request_size, response_size)

        received = []
        for response in self._service.FullDuplexCall(requests(), timeout=TIMEOUT_SECONDS):
            received.append(response)
            answered.release()
        expect_sizes(received, RESPONSE_SIZES)

    def empty_stream(self):
        expect_sizes(self._service.FullDuplexCall(iter([]), timeout=TIMEOUT_SECONDS), [])

    def cancel_after_begin(self):
        over = threading.Event()
        call = self._service.StreamingInputCall.future(endless(over), timeout=TIMEOUT_SECONDS)
        call.cancel()
        over.set()
        expect("cancelled", call.cancelled(), True)
        expect("the code", call.code(), grpc.StatusCode.CANCELLED)

    def cancel_after_first_response(self):
        over = threading.Event()
        call = self._service.FullDuplexCall(endless(over, exchange(27_182, 31_415)), timeout=TIMEOUT_SECONDS)
        expect_sizes([next(call)], [31_415])
        call.cancel()
        over.set()
        expect_failure(grpc.StatusCode.CANCELLED, lambda: next(call))

    def timeout_on_sleeping_server(self):
        over = threading.Event()
        request = messages_pb2.StreamingOutputCallRequest(payload=zeros(27_182))
        call = self._service.FullDuplexCall(endless(over, request), timeout=0.001)
        expect_failure(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(call))
        over.set()

    def status_code_and_message(self):
        status = messages_pb2.EchoStatus(code=grpc.StatusCode.UNKNOWN.value[0], message="test status message")
        self._expect_status(status)
        request = messages_pb2.StreamingOutputCallRequest(response_status=status)
        call = self._service.FullDuplexCall(iter([request]), timeout=TIMEOUT_SECONDS)
        expect_failure(grpc.StatusCode.UNKNOWN, lambda: next(call), status.message)

    def special_status_message(self):
        code = grpc.StatusCode.UNKNOWN.value[0]
        self._expect_status(messages_pb2.EchoStatus(code=code, message=SPECIAL_MESSAGE))

    def custom_metadata(self):
        sent = {ECHO_INITIAL: "test_initial_metadata_value", ECHO_TRAILING: b"\xab\xab\xab"}
        metadata = list(sent.items())
        _, unary = self._service.UnaryCall.with_call(large_request(), metadata=metadata, timeout=TIMEOUT_SECONDS)
        duplex = self._service.FullDuplexCall(
            iter([exchange(REQUEST_BYTES, RESPONSE_BYTES)]), metadata=metadata, timeout=TIMEOUT_SECONDS
        )
        expect_sizes(duplex, [RESPONSE_BYTES])
        for call in (unary, duplex):
            expect("the initial metadata", dict(call.initial_metadata()).get(ECHO_INITIAL), sent[ECHO_INITIAL])
            expect("the trailing metadata", dict(call.trailing_metadata()).get(ECHO_TRAILING), sent[ECHO_TRAILING])

    def unimplemented_method(self):
        call = self._service.UnimplementedCall
        expect_failure(grpc.StatusCode.UNIMPLEMENTED, lambda: call(empty_pb2.Empty(), timeout=TIMEOUT_SECONDS))

    def unimplemented_service(self):
        call = test_pb2_grpc.UnimplementedServiceStub(self._channel).UnimplementedCall
        expect_failure(grpc.StatusCode.UNIMPLEMENTED, lambda: call(empty_pb2.Empty(), timeout=TIMEOUT_SECONDS))

    def client_compressed_unary(self):
        compressed = large_request(expect_compressed=bool_value(True))
        expect_failure(grpc.StatusCode.INVALID_ARGUMENT, lambda: self._call_large(compressed, compression=PLAIN))
        self._call_large(compressed, compression=GZIP)
        self._call_large(large_request(expect_compressed=bool_value(False)), compression=PLAIN)

    def client_compressed_streaming(self):
        def request(compressed: bool, body: bytes) -> messages_pb2.StreamingInputCallRequest:
            payload = messages_pb2.Payload(body=body)
            return messages_pb2.StreamingInputCallRequest(expect_compressed=bool_value(compressed), payload=payload)

        def call(requests, compression):
            return self._service.StreamingInputCall(iter(requests), compression=compression, timeout=TIMEOUT_SECONDS)

        compressed = request(True, bytes(27_182))
        expect_failure(grpc.StatusCode.INVALID_ARGUMENT, lambda: call([compressed], PLAIN))
        # grpcio does not let callers choose for each message of a stream, but sends as they are those that compression
        # makes no smaller.
        plain = request(False, os.urandom(45_904))
        expect("the sum of the sizes", call([compressed, plain], GZIP).aggregated_payload_size, 73_086)

    def server_compressed_unary(self):
        for compressed in (True, False):
            request = large_request(response_compressed=bool_value(compressed))
            self._call_large(request)
            flags = frames_client.flags_of_responses(self._target, "UnaryCall", request.SerializeToString())
            expect("the flags", flags, [compressed])

    def server_compressed_streaming(self):
        parameters = [
            messages_pb2.ResponseParameters(size=31_415, compressed=bool_value(True)),
            messages_pb2.ResponseParameters(size=92_653, compressed=bool_value(False)),
        ]
        request = messages_pb2.StreamingOutputCallRequest(response_parameters=parameters)
        expect_sizes(self._service.StreamingOutputCall(request, timeout=TIMEOUT_SECONDS), [31_415, 92_653])
        flags = frames_client.flags_of_responses(self._target, "StreamingOutputCall", request.SerializeToString())
        expect("the flags", flags, [True, False])

    def _call_large(self, request, **options) -> None:
        response = self._service.UnaryCall(request, timeout=TIMEOUT_SECONDS, **options)
        expect_sizes([response], [RESPONSE_BYTES])

    def _expect_status(self, status: messages_pb2.EchoStatus) -> None:
        request = messages_pb2.SimpleRequest(response_status=status)
        call = self._service.UnaryCall
        expect_failure(grpc.StatusCode.UNKNOWN, lambda: call(request, timeout=TIMEOUT_SECONDS), status.message)


def endless(over: threading.Event, *requests):
    """The requests, and then none until it is over."""
    yield from requests
    over.wait(TIMEOUT_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server_port", required=True, type=int)
    parser.add_argument("--server_host_override", default="localhost")
    parser.add_argument("--ca_file", type=Path, help="use TLS, and trust what is signed by this")
    parser.add_argument("--test_case", required=True)
    arguments = parser.parse_args()
    target = frames_client.Target(arguments.server_port, arguments.server_host_override, arguments.ca_file)
    cases = Cases(target)
    getattr(cases, arguments.test_case)()
    cases.close()


if __name__ == "__main__":
    main()
