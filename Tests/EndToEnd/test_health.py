import grpc
import pytest
from grpc_health.v1 import health_pb2

from sessions import PATIENCE_SECONDS, create

SERVING = health_pb2.HealthCheckResponse.SERVING
SERVICES = [
    "SessionService",
    "LifecycleService",
    "EventService",
    "TemplateService",
    "AffinityService",
    "MessageService",
    "MetricsService",
    "SessionHealthService",
]


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_a_running_server_is_serving(shared_server, service):
    request = health_pb2.HealthCheckRequest(service=service and f"orchestration.session.v1.{service}")
    assert shared_server.health.Check(request, timeout=PATIENCE_SECONDS).status == SERVING


def test_all_services_of_the_contract_are_listed_and_serve(shared_server):
    statuses = shared_server.health.List(health_pb2.HealthListRequest(), timeout=PATIENCE_SECONDS).statuses
    expected = ["", *(f"orchestration.session.v1.{service}" for service in SERVICES)]
    assert {name: answer.status for name, answer in statuses.items()} == dict.fromkeys(expected, SERVING)


def test_an_unknown_service_is_not_found(shared_server):
    with pytest.raises(grpc.RpcError) as caught:
        shared_server.health.Check(health_pb2.HealthCheckRequest(service="nonsense"), timeout=PATIENCE_SECONDS)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_check_is_no_change(server):
    server.health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
    assert create(server).revision == 1
