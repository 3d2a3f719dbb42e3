"""The generated messages and stubs of grpc/testing, which lie in a folder of the same name as the grpc package."""

from pathlib import Path

import grpc

grpc.__path__.append(str(Path(__file__).with_name(".generated") / "grpc"))

from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc  # noqa: E402

__all__ = ["empty_pb2", "messages_pb2", "test_pb2_grpc"]

ECHO_INITIAL = "x-grpc-test-echo-initial"
ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"


def zeros(size: int) -> messages_pb2.Payload:
    return messages_pb2.Payload(body=bytes(size))
