"""Which sessions work for a session: set, read and taken away, and what is refused."""

import pytest
from google.protobuf.duration_pb2 import Duration

from affinities import (
    CONSISTENT_HASH,
    ROUND_ROBIN,
    WEIGHTED,
    affinity_pb,
    create_targets,
    delete_affinity,
    get_affinity,
    resolve,
    set_affinity,
)
from lifecycle import clean_up, force
from refusal import StatusCode, refused
from server import PATIENCE_SECONDS
from sessions import OBSERVER, UNKNOWN_ID, create, delete, get
from watch import history


def test_an_affinity_is_kept_with_all_of_its_input(server):
    owner = create(server, "director-1")
    targets = create_targets(server, 2)
    events = history(server)
    made = set_affinity(
        server,
        owner.id,
        targets[::-1],
        weights=[3, 0],
        strategy=WEIGHTED,
        health_check_interval=Duration(seconds=5, nanos=500_000_000),
    )
    assert [(target.session_id, target.weight) for target in made.targets] == [(targets[1], 3), (targets[0], 1)]
    assert (made.session_id, made.strategy) == (owner.id, WEIGHTED)
    assert made.health_check_interval == Duration(seconds=5, nanos=500_000_000)
    assert made.update_time.ToNanoseconds() >= owner.update_time.ToNanoseconds()
    assert get_affinity(server, owner.id) == made
    # It is no change of the session.
    assert history(server) == events
    assert get(server, owner.id) == owner


def test_the_example_of_the_reference_goes_in_turn_and_looks_every_ten_seconds(server):
    owner = create(server, "director-1").id
    made = set_affinity(server, owner, create_targets(server, 2))
    assert made.strategy == ROUND_ROBIN
    assert made.health_check_interval == Duration(seconds=10)
    assert [target.weight for target in made.targets] == [1, 1]


def test_setting_again_replaces_all_of_it(server):
    owner = create(server).id
    targets = create_targets(server, 3)
    set_affinity(server, owner, targets[:2], strategy=WEIGHTED, health_check_interval=Duration(seconds=1))
    second = set_affinity(server, owner, targets[2:])
    assert get_affinity(server, owner) == second
    assert second.strategy == ROUND_ROBIN
    assert [target.session_id for target in second.targets] == targets[2:]


def test_no_affinity_is_not_found(server):
    owner = create(server).id
    set_affinity(server, owner, create_targets(server, 1))
    delete_affinity(server, owner)
    for call in (get_affinity, delete_affinity, resolve):
        with refused(StatusCode.NOT_FOUND, "AFFINITY_NOT_FOUND") as refusal:
            call(server, owner)
        assert refusal.metadata == {"session_id": owner}


def test_the_affinity_of_no_session_is_not_found(server):
    for call in (get_affinity, delete_affinity, resolve):
        for session_id in (UNKNOWN_ID, "director-1"):
            with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND") as refusal:
                call(server, session_id)
            assert refusal.metadata == {"session_id": session_id}
        with refused(StatusCode.INVALID_ARGUMENT, paths=["session_id"]):
            call(server, "")


def test_owner_and_targets_must_exist(server):
    owner, target = create(server).id, create(server).id
    for session_id, targets, missing in [
        (UNKNOWN_ID, [target], UNKNOWN_ID),
        (owner, [target, UNKNOWN_ID], UNKNOWN_ID),
        ("director-1", [target], "director-1"),
        (owner, [target, "department-1"], "department-1"),
    ]:
        with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND") as refusal:
            set_affinity(server, session_id, targets)
        assert refusal.metadata == {"session_id": missing}


def test_an_observer_or_the_owner_as_target_is_a_wrong_request(server):
    owner, watcher = create(server).id, create(server, type=OBSERVER).id
    for target in (owner, watcher, owner.upper()):
        with refused(StatusCode.INVALID_ARGUMENT, paths=["affinity.targets[0].session_id"]):
            # What is wrong comes before what is not found.
            set_affinity(server, owner, [target, UNKNOWN_ID, "department-1"])


WRONG = {
    "no session": ({"owner": ""}, ["affinity.session_id"]),
    "no targets": ({"targets": []}, ["affinity.targets"]),
    "a repeated target": ({"repeat": True}, ["affinity.targets[1].session_id"]),
    "a target without an id": ({"targets": [""]}, ["affinity.targets[0].session_id"]),
    "a negative weight": ({"weights": [-1]}, ["affinity.targets[0].weight"]),
    "a strategy from the future": ({"strategy": 9}, ["affinity.strategy"]),
    "an interval of nothing": ({"health_check_interval": Duration()}, ["affinity.health_check_interval"]),
    "a negative interval": ({"health_check_interval": Duration(seconds=-1)}, ["affinity.health_check_interval"]),
    "an interval of two signs": (
        {"health_check_interval": Duration(seconds=1, nanos=-1)},
        ["affinity.health_check_interval"],
    ),
    "everything": (
        {"owner": "", "targets": [""], "weights": [-1], "strategy": 9, "health_check_interval": Duration()},
        [
            "affinity.session_id", "affinity.targets[0].session_id", "affinity.targets[0].weight",
            "affinity.strategy", "affinity.health_check_interval",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fields, paths", WRONG.values(), ids=WRONG.keys())
def test_every_violation_is_told_at_once(shared_server, fields, paths):
    fields = dict(fields)
    owner = fields.pop("owner", None)
    if owner is None:
        owner = create(shared_server).id
    targets = fields.pop("targets", None)
    if targets is None:
        targets = [create(shared_server).id]
    if fields.pop("repeat", False):
        targets += [targets[0].upper()]
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", paths):
        set_affinity(shared_server, owner, targets, **fields)


def test_no_affinity_at_all_is_a_wrong_request(shared_server):
    with refused(StatusCode.INVALID_ARGUMENT, paths=["affinity"]):
        shared_server.affinities.SetSessionAffinity(
            affinity_pb.SetSessionAffinityRequest(), timeout=PATIENCE_SECONDS
        )


def test_an_affinity_goes_with_its_session(server):
    owner = create(server).id
    targets = create_targets(server, 1)
    set_affinity(server, owner, targets)
    delete(server, owner, force=True)
    with refused(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"):
        get_affinity(server, owner)
    assert get(server, targets[0]).id == targets[0]


def test_a_clean_up_takes_the_affinity(server):
    owner = create(server).id
    set_affinity(server, owner, create_targets(server, 1))
    force(server, owner)
    assert get_affinity(server, owner).session_id == owner
    clean_up(server, owner)
    with refused(StatusCode.NOT_FOUND, "AFFINITY_NOT_FOUND"):
        get_affinity(server, owner)


def test_deleted_targets_leave_it(server):
    owner = create(server).id
    targets = create_targets(server, 3)
    set_affinity(server, owner, targets)
    delete(server, targets[1], force=True)
    assert [target.session_id for target in get_affinity(server, owner).targets] == [targets[0], targets[2]]
    for target in (targets[0], targets[2]):
        delete(server, target, force=True)
    assert list(get_affinity(server, owner).targets) == []
    with refused(StatusCode.UNAVAILABLE, "NO_TARGET"):
        resolve(server, owner)


def test_an_affinity_is_there_after_a_restart(start_server):
    before = start_server()
    owner = create(before).id
    targets = create_targets(before, 2)
    made = set_affinity(before, owner, targets, strategy=CONSISTENT_HASH)
    before.kill()
    after = start_server()
    assert get_affinity(after, owner) == made
    delete(after, targets[0], force=True)
    assert [target.session_id for target in get_affinity(after, owner).targets] == targets[1:]


def test_switched_off_every_call_is_refused(start_server):
    server = start_server("--enable-affinity", "false")
    owner, target = create(server).id, create(server).id
    for call in (get_affinity, delete_affinity, resolve, lambda server, owner: set_affinity(server, owner, [target])):
        with refused(StatusCode.UNIMPLEMENTED, "FEATURE_DISABLED") as refusal:
            call(server, owner)
        assert refusal.metadata == {"setting": "enableAffinity"}
