from concurrent.futures import ThreadPoolExecutor

import grpc

from refusal import StatusCode, refused
from sessions import ACTIVE, COMPLETED, ERROR, TERMINATED, create, create_in, delete, list_sessions, update
from watch import history


def test_sessions_in_no_final_status_are_limited(start_server):
    server = start_server("--max-sessions", "3")
    sessions = [create_in(server, ACTIVE, f"s{i}") for i in range(3)]
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(server, "over")
    update(server, sessions[0].id, status=COMPLETED)
    create(server, "in the first's place")
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(server, "over")
    delete(server, sessions[1].id, force=True)
    create(server, "in the second's place")
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(server, "over")


def test_a_session_in_error_counts_until_it_is_terminated(start_server):
    server = start_server("--max-sessions", "1")
    failed = create_in(server, ERROR)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT") as refusal:
        create(server, "over")
    assert refusal.metadata == {"maxSessions": "1"}
    update(server, failed.id, status=TERMINATED)
    create(server, "in its place")


def test_a_hundred_is_the_default_limit(start_server):
    server = start_server()
    for i in range(100):
        create(server, f"s{i}")
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(server, "over")


def test_a_repeated_request_is_answered_at_the_limit(start_server):
    server = start_server("--max-sessions", "1")
    session = create(server, request_id="once")
    assert create(server, request_id="once") == session


def test_a_wrong_request_at_the_limit_is_told_what_is_wrong(start_server):
    server = start_server("--max-sessions", "1")
    create(server)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session.name"]):
        create(server, "")


def test_the_limit_holds_over_a_restart(start_server):
    before = start_server("--max-sessions", "2")
    create(before, "one")
    create_in(before, COMPLETED, "two")
    before.stop()
    after = start_server("--max-sessions", "2")
    create(after, "three")
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(after, "over")


def test_concurrent_creates_never_pass_the_limit(start_server):
    server = start_server("--max-sessions", "10")

    def try_to_create(i: int) -> bool:
        try:
            create(server, f"s{i}")
        except grpc.RpcError as error:
            assert error.code() == StatusCode.RESOURCE_EXHAUSTED
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(try_to_create, range(100))) == 10
    assert len(list_sessions(server).sessions) == len(history(server)) == 10


def test_a_setting_may_come_from_the_environment(start_server):
    server = start_server(environment={"SESSIOND_MAX_SESSIONS": "1"})
    create(server)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        create(server, "over")


def test_a_flag_counts_and_not_the_environment(start_server):
    server = start_server("--max-sessions", "2", environment={"SESSIOND_MAX_SESSIONS": "1"})
    create(server)
    create(server, "second")
