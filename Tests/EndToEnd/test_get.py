import pytest

from refusal import StatusCode, refused
from sessions import UNKNOWN_ID, create, get


def test_an_unknown_id_is_not_found(shared_server):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND") as refusal:
        get(shared_server, UNKNOWN_ID)
    assert UNKNOWN_ID in refusal.message or UNKNOWN_ID in refusal.metadata.values()


WRONG_IDS = ["director-1", "../etc", "é", UNKNOWN_ID + "0", UNKNOWN_ID.replace("-", ""), " " + UNKNOWN_ID]


@pytest.mark.parametrize("text", WRONG_IDS)
def test_what_is_no_id_names_no_session(shared_server, text):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        get(shared_server, text)


@pytest.mark.parametrize("length", [5_000, 20_000, 1_000_000])
def test_a_long_wrong_id_is_refused_in_few_words(shared_server, length):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND") as refusal:
        get(shared_server, "é" * length)
    assert len(refusal.message) < 1000


def test_no_id_is_a_wrong_request(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id"]):
        get(shared_server, "")


def test_an_id_is_found_in_any_case(shared_server):
    session = create(shared_server)
    assert get(shared_server, session.id.upper()) == session


def test_reading_is_no_activity(server):
    session = create(server)
    assert get(server, session.id).last_activity_time == session.last_activity_time
    assert get(server, session.id) == session
