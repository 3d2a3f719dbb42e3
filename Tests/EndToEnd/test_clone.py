import pytest

from lifecycle import bootstrap, clone, resources
from messages import Receiver, create_receiver, send_texts
from pulse import activity, metrics, report, stats
from refusal import StatusCode, refused
from sessions import (
    ACTIVE,
    COMPLETED,
    DEPARTMENT,
    ERROR,
    INITIALIZING,
    STATUSES,
    TERMINATED,
    UNKNOWN_ID,
    create,
    create_in,
    get,
    update,
)
from templates import create_template, instantiate
from test_status import short
from watch import CREATED, history

COPIED = ["type", "workspace", "metadata", "capabilities", "constraints", "environment", "parent_id", "template_name"]


def source(server):
    return bootstrap(
        server,
        "source",
        type=DEPARTMENT,
        metadata={"k": {"l": [1, None]}, "capabilities": ["from metadata"]},
        capabilities=["batch"],
        constraints=["max-memory:2gb"],
        environment={"LOG_LEVEL": "info"},
        parent_id=create(server, "parent").id,
        resources=resources("1g", "2"),
        message_types=["COMMAND"],
    )


def test_a_clone_is_a_new_session_with_the_contents_and_status_of_its_source(server):
    original = source(server)
    copy = clone(server, original.id)
    for field in COPIED:
        assert getattr(copy, field) == getattr(original, field), field
    assert copy.id > original.id and copy.cloned_from == original.id
    assert (copy.name, copy.status) == ("source-clone", ACTIVE)
    assert copy.start_time == copy.create_time
    assert not copy.HasField("registration") and not copy.HasField("resources")
    (event,) = history(server, after=original.revision)
    assert (event.kind, event.session_id, event.new_status) == (CREATED, copy.id, ACTIVE)
    assert get(server, original.id) == original
    assert get(server, copy.id) == copy


def test_a_clone_may_start_anew_with_a_name_and_resources_of_its_own(server):
    original = source(server)
    copy = clone(server, original.id, name="fresh", reset_state=True, copy_resources=True)
    assert (copy.name, copy.status) == ("fresh", INITIALIZING)
    assert copy.resources == original.resources
    assert not copy.HasField("start_time") and not copy.HasField("registration")


@pytest.mark.parametrize("status", STATUSES, ids=short)
def test_without_a_new_start_a_clone_needs_a_source_in_no_final_status(shared_server, status):
    original = create_in(shared_server, status)
    assert clone(shared_server, original.id, reset_state=True).status == INITIALIZING
    if status in [COMPLETED, TERMINATED]:
        with refused(StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION") as refusal:
            clone(shared_server, original.id)
        assert refusal.metadata["from"] == short(status)
    else:
        assert clone(shared_server, original.id).status == status


def test_a_clone_of_an_error_has_its_reason(shared_server):
    original = update(shared_server, create(shared_server).id, status=ERROR, status_reason="out of memory")
    assert clone(shared_server, original.id).status_reason == "out of memory"
    assert clone(shared_server, original.id, reset_state=True).status_reason == ""


def test_a_clone_has_the_template_name_of_its_source(server):
    create_template(server)
    original = instantiate(server)
    assert clone(server, original.id).template_name == original.template_name == "data"


def test_a_clone_has_the_counters_of_its_source_unless_it_starts_anew(start_server):
    server = start_server()
    original = create_receiver(server)
    stream = Receiver(server, original)
    send_texts(server, original, "a", "b")
    stream.settle(*stream.take(2))
    stream.cancel()
    report(server, activity(original, 5, 1, memory=7))
    copy, fresh = clone(server, original).id, clone(server, original, reset_state=True).id
    server.kill()
    server = start_server()
    for session_id, counters in [(original, (2, 5)), (copy, (2, 5)), (fresh, (0, 0))]:
        found = metrics(server, session_id)
        assert (found.messages_processed, found.tasks_processed) == counters
    assert metrics(server, copy).memory_usage_bytes == 0
    # Nothing was processed twice.
    assert stats(server).total_processed_tasks == 5


def test_capabilities_never_come_from_metadata(shared_server):
    original = create(shared_server, metadata={"capabilities": ["x"], "constraints": ["a:b"]})
    emptied = update(shared_server, original.id, mask=["capabilities", "constraints"])
    assert list(emptied.capabilities) == []
    copy = clone(shared_server, original.id)
    assert list(copy.capabilities) == [] and list(copy.constraints) == []


def test_a_long_default_name_shortens_the_sources_part(shared_server):
    original = create(shared_server, "n" * 256)
    assert clone(shared_server, original.id).name == "n" * 250 + "-clone"


def test_a_clone_of_a_clone_names_its_own_source(shared_server):
    first = clone(shared_server, create(shared_server).id)
    second = clone(shared_server, first.id)
    assert (second.cloned_from, second.name) == (first.id, "main-clone-clone")


def test_a_clone_counts_as_a_session(start_server):
    server = start_server("--max-sessions", "1")
    original = create(server)
    with refused(StatusCode.RESOURCE_EXHAUSTED, "SESSION_LIMIT"):
        clone(server, original.id)


def test_a_wrong_clone_is_refused(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["name"]):
        clone(shared_server, UNKNOWN_ID, name="n" * 257)
    with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id", "name"]):
        clone(shared_server, "", name="a\nb")
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        clone(shared_server, UNKNOWN_ID)
