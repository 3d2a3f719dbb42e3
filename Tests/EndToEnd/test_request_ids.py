from concurrent.futures import ThreadPoolExecutor

from refusal import StatusCode, refused
from sessions import ACTIVE, create, delete, update
from watch import history


def test_a_repeat_returns_the_session_and_changes_nothing(server):
    first = create(server, request_id="once")
    assert create(server, request_id="once") == first
    assert len(history(server)) == 1


def test_a_repeat_returns_the_session_as_it_is_now(server):
    first = create(server, request_id="once")
    updated = update(server, first.id, status=ACTIVE)
    assert create(server, request_id="once") == updated


def test_the_same_id_with_another_body_is_refused(server):
    create(server, "one", request_id="once")
    with refused(StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        create(server, "two", request_id="once")
    assert len(history(server)) == 1


def test_a_repeat_after_the_deletion_is_not_found(server):
    first = create(server, request_id="once")
    delete(server, first.id, force=True)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        create(server, request_id="once")


def test_a_refused_create_leaves_its_request_id_free(server):
    with refused(StatusCode.INVALID_ARGUMENT):
        create(server, "", request_id="once")
    assert create(server, request_id="once").revision == 1


def test_a_request_id_has_at_most_64_characters(server):
    assert create(server, request_id="é" * 64) == create(server, request_id="é" * 64)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["request_id"]):
        create(server, request_id="r" * 65)


def test_no_request_id_is_no_request_id(server):
    assert create(server).id != create(server).id


def test_concurrent_repeats_make_one_session(server):
    with ThreadPoolExecutor(16) as pool:
        sessions = list(pool.map(lambda _: create(server, request_id="once"), range(64)))
    assert {session.id for session in sessions} == {sessions[0].id}
    assert len(history(server)) == 1


def test_a_repeat_is_known_after_a_restart(start_server):
    before = start_server()
    first = create(before, request_id="once")
    before.stop()
    after = start_server()
    assert create(after, request_id="once").id == first.id
    with refused(StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        create(after, "other", request_id="once")
