"""Which target gets the next piece of work, and why."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from affinities import (
    CONSISTENT_HASH,
    LEAST_LOADED,
    WEIGHTED,
    create_targets,
    resolve,
    set_affinity,
)
from lifecycle import shut_down
from messages import register, send
from refusal import StatusCode, refused
from sessions import ERROR, IDLE, TERMINATED, create, delete, get, update
from watch import history


class Team:
    """A director and sessions that can take its work."""

    def __init__(self, server, count: int = 3):
        self.server = server
        self.owner = create(server, "director").id
        self.targets = create_targets(server, count)
        for target in self.targets:
            register(server, target)

    def set(self, **fields) -> None:
        set_affinity(self.server, self.owner, self.targets, **fields)

    def resolve(self, key: str = "") -> int:
        return self.targets.index(resolve(self.server, self.owner, key).target_session_id)

    def explanation(self) -> str:
        return resolve(self.server, self.owner).explanation


@pytest.fixture
def team(server) -> Team:
    return Team(server)


def test_registered_sessions_are_read_as_such(team):
    for target in team.targets:
        assert get(team.server, target).registration.register_time.seconds > 0


def test_round_robin_goes_in_the_order_given(team):
    team.targets = team.targets[::-1]
    team.set()
    assert [team.resolve() for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_resolving_is_no_event_and_no_activity(team):
    team.set()
    events, sessions = history(team.server), [get(team.server, target) for target in team.targets]
    team.resolve()
    assert history(team.server) == events
    assert [get(team.server, target) for target in team.targets] == sessions


def test_many_callers_each_take_a_turn_of_their_own(team):
    team.set()
    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(lambda _: team.resolve(), range(90)))
    assert [numbers.count(i) for i in range(3)] == [30, 30, 30]


def test_weighted_is_smooth(team):
    team.targets = team.targets[:2]
    team.set(weights=[3, 1], strategy=WEIGHTED)
    assert "".join("AB"[team.resolve()] for _ in range(8)) == "AABAAABA"


def test_least_loaded_takes_the_shortest_queue(team):
    team.set(strategy=LEAST_LOADED)
    assert {team.resolve() for _ in range(3)} == {0, 1, 2}
    assert team.explanation() == (
        f"{team.targets[0]} is next of those with the shortest queue, 0 messages; {team.targets[1]} comes later; "
        f"{team.targets[2]} comes later"
    )


def test_consistent_hash_moves_only_the_keys_of_the_targets_that_went(team):
    team.set(strategy=CONSISTENT_HASH)
    keys = [f"key-{i}" for i in range(100)]
    before = {key: team.resolve(key) for key in keys}
    assert set(before.values()) == {0, 1, 2}
    assert {key: team.resolve(key) for key in keys} == before
    update(team.server, team.targets[1], status=TERMINATED)
    after = {key: team.resolve(key) for key in keys}
    assert {key for key in keys if after[key] != before[key]} == {key for key in keys if before[key] == 1}
    delete(team.server, team.targets[1])
    assert {key: team.resolve(key) for key in keys} == after


def test_consistent_hash_moves_only_the_keys_of_the_targets_that_came(team):
    targets, team.targets = team.targets, team.targets[:2]
    team.set(strategy=CONSISTENT_HASH)
    keys = [f"key-{i}" for i in range(100)]
    before = {key: team.resolve(key) for key in keys}
    team.targets = targets
    team.set(strategy=CONSISTENT_HASH)
    moved = [key for key in keys if team.resolve(key) != before[key]]
    assert 15 <= len(moved) <= 55
    assert {team.resolve(key) for key in moved} == {2}


def test_a_key_has_the_same_target_after_a_restart(start_server):
    team = Team(start_server())
    team.set(strategy=CONSISTENT_HASH)
    keys = [f"key-{i}" for i in range(30)]
    before = [team.resolve(key) for key in keys]
    team.server.stop()
    team.server = start_server(database=team.server.database)
    assert [team.resolve(key) for key in keys] == before


def test_consistent_hash_needs_a_key(team):
    team.set(strategy=CONSISTENT_HASH)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", ["affinity_key"]):
        team.resolve()


def test_a_key_matters_to_consistent_hash_only(team):
    team.set()
    assert [team.resolve("k") for _ in range(4)] == [0, 1, 2, 0]


def test_an_explanation_says_why_and_why_not_the_others(team):
    team.set()
    update(team.server, team.targets[2], status=ERROR, status_reason="broken")
    assert team.explanation() == (
        f"{team.targets[0]} is next in the order given; {team.targets[1]} comes later; {team.targets[2]} is in ERROR"
    )


def test_a_target_can_take_work_while_it_is_active_or_idle(team):
    team.set()
    update(team.server, team.targets[0], status=IDLE)
    update(team.server, team.targets[1], status=TERMINATED)
    assert [team.resolve() for _ in range(4)] == [0, 2, 0, 2]


def test_a_target_that_is_not_registered_can_take_no_work(team):
    stranger = create_targets(team.server, 1)[0]
    team.targets = [stranger, team.targets[0]]
    team.set()
    assert team.explanation() == f"{team.targets[1]} is next in the order given; {stranger} is not registered"


def test_a_target_that_is_draining_can_take_no_work(server):
    team = Team(server, 2)
    team.set()
    send(server, team.targets[0])
    with refused(StatusCode.DEADLINE_EXCEEDED, "DRAIN_TIMEOUT"):
        shut_down(server, team.targets[0], timeout_ms=1)
    assert team.explanation() == f"{team.targets[1]} is next in the order given; {team.targets[0]} is draining"


def test_a_target_whose_queue_is_not_below_max_queue_can_take_no_work(team):
    team.set()
    update(team.server, team.targets[0], constraints=["max-queue:0"])
    update(team.server, team.targets[1], constraints=["max-queue:1"])
    assert [team.resolve() for _ in range(3)] == [1, 2, 1]


def test_without_a_target_it_is_unavailable_and_says_why_of_each(team):
    team.set()
    update(team.server, team.targets[0], status=TERMINATED)
    update(team.server, team.targets[1], status=ERROR)
    update(team.server, team.targets[2], constraints=["max-queue:0"])
    with refused(StatusCode.UNAVAILABLE, "NO_TARGET") as refusal:
        team.resolve()
    assert refusal.metadata == {"session_id": team.owner}
    for text in (
        f"{team.targets[0]} is in TERMINATED",
        f"{team.targets[1]} is in ERROR",
        f"{team.targets[2]} has 0 messages queued, and its max-queue is 0",
    ):
        assert text in refusal.message
