import pytest

from refusal import StatusCode, refused
from sessions import UNKNOWN_ID, create, get


def test_an_unknown_id_is_not_found(shared_server):
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND") as refusal:
        get(shared_server, UNKNOWN_ID)
    assert UNKNOWN_ID in refusal.message or UNKNOWN_ID in refusal.metadata.values()


@pytest.mark.parametrize(
    "text", ["", "director-1", "../etc", UNKNOWN_ID + "0", UNKNOWN_ID.replace("-", ""), "é" * 5000]
)
def test_what_is_no_id_names_no_session(shared_server, text):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id"]):
        get(shared_server, text)


def test_reading_is_no_activity(server):
    session = create(server)
    assert get(server, session.id).last_activity_time == session.last_activity_time
    assert get(server, session.id) == session
