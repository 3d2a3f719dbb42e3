"""What an error tells: its code, and the google.rpc details in its trailers."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode
from grpc_status import rpc_status

__all__ = ["Refusal", "StatusCode", "refused"]


@dataclass
class Refusal:
    """An error, once the call in `refused` has failed."""

    code: StatusCode | None = None
    message: str = ""
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: list[tuple[str, str]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.violations]


def read_refusal(error: grpc.RpcError) -> Refusal:
    refusal = Refusal(error.code(), error.details())
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info = error_details_pb2.ErrorInfo()
        request = error_details_pb2.BadRequest()
        if detail.Unpack(info):
            assert info.domain == "sessiond"
            refusal.reason = info.reason
            refusal.metadata = dict(info.metadata)
        elif detail.Unpack(request):
            refusal.violations = [(item.field, item.description) for item in request.field_violations]
    return refusal


@contextmanager
def refused(code: StatusCode, reason: str | None = None, paths: list[str] | None = None):
    """Expects the calls inside to fail with this code, reason and violations."""
    refusal = Refusal()
    with pytest.raises(grpc.RpcError) as caught:
        yield refusal
    actual = read_refusal(caught.value)
    vars(refusal).update(vars(actual))
    assert actual.code == code, f"{actual}"
    assert actual.message, "an error says something"
    # A server's own refusals always carry a reason.
    assert actual.reason.replace("_", "").isupper(), f"{actual}"
    if reason is not None:
        assert actual.reason == reason, f"{actual}"
    if paths is not None:
        assert sorted(actual.paths) == sorted(paths), f"{actual}"
        assert all(description for _, description in actual.violations), f"{actual}"
