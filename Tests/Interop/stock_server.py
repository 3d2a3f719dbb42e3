"""grpc.testing.TestService on stock grpcio. grpcio does not tell whether a request was compressed: `expect_compressed`
is not checked here, but by frames_server.py."""

import argparse
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from protos import ECHO_INITIAL, ECHO_TRAILING, empty_pb2, messages_pb2, test_pb2_grpc, zeros

STATUSES = {status.value[0]: status for status in grpc.StatusCode}


class TestService(test_pb2_grpc.TestServiceServicer):
    """UnimplementedCall is left as generated."""

    def EmptyCall(self, request, context):
        return empty_pb2.Empty()

    def UnaryCall(self, request, context):
        echo_metadata(context)
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        abort_if_asked(request, context)
        return messages_pb2.SimpleResponse(payload=zeros(request.response_size))

    def CacheableUnaryCall(self, request, context):
        context.send_initial_metadata([("cache-control", "max-age=60, public")])
        payload = messages_pb2.Payload(body=str(time.time_ns()).encode())
        return messages_pb2.SimpleResponse(payload=payload)

    def StreamingInputCall(self, requests, context):
        size = sum(len(request.payload.body) for request in requests)
        return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)

    def StreamingOutputCall(self, request, context):
        if any(parameters.compressed.value for parameters in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        for parameters in request.response_parameters:
            time.sleep(parameters.interval_us / 1e6)
            if not parameters.compressed.value:
                context.disable_next_message_compression()
            yield messages_pb2.StreamingOutputCallResponse(payload=zeros(parameters.size))
        abort_if_asked(request, context)

    def FullDuplexCall(self, requests, context):
        echo_metadata(context)
        for request in requests:
            yield from self.StreamingOutputCall(request, context)

    def HalfDuplexCall(self, requests, context):
        for request in list(requests):
            yield from self.StreamingOutputCall(request, context)


def abort_if_asked(request, context) -> None:
    if request.HasField("response_status"):
        context.abort(STATUSES[request.response_status.code], request.response_status.message)


def echo_metadata(context) -> None:
    for key, value in context.invocation_metadata():
        if key == ECHO_INITIAL:
            context.send_initial_metadata([(key, value)])
        elif key == ECHO_TRAILING:
            context.set_trailing_metadata([(key, value)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tls_cert_file", type=Path)
    parser.add_argument("--tls_key_file", type=Path)
    arguments = parser.parse_args()
    server = grpc.server(ThreadPoolExecutor())
    test_pb2_grpc.add_TestServiceServicer_to_server(TestService(), server)
    if arguments.tls_cert_file:
        pair = (arguments.tls_key_file.read_bytes(), arguments.tls_cert_file.read_bytes())
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    signal.sigwait({signal.SIGTERM})
    server.stop(grace=1).wait()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main()
