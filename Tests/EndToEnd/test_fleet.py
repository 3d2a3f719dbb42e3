"""A fleet of agents in processes of their own: agents, connections and the server are lost in the middle of work."""

import threading
from collections import defaultdict

import pytest

from affinities import resolve
from fleet import Fleet, names
from messages import dead_letters
from pulse import DEGRADED, HEALTHY, UNHEALTHY, check, metrics, until, watch_health
from watch import HEALTH_CHANGED, watching


@pytest.fixture
def start_fleet():
    """Starts fleets whose processes end with the test."""
    fleets = []

    def start(server, **fields) -> Fleet:
        fleets.append(Fleet(server, **fields))
        return fleets[-1]

    yield start
    for fleet in fleets:
        fleet.close()


def test_a_killed_agent_loses_nothing_and_its_department_gets_no_work_until_it_is_well(start_server, start_fleet):
    server = start_server("--health-check-interval", "50")
    fleet = start_fleet(server, constraints=["max-queue:20"])
    director, lost = fleet.director, fleet.departments[3]
    others = [fleet.start_agent(number) for number in range(10) if number != 3]
    victim = fleet.start_agent(3, holds_after=2)
    healths = watch_health(server, lost)
    assert next(healths).health.status == HEALTHY

    # Six for each; the victim is in the middle of four when it is killed.
    first = director.give(60)
    held = victim.wait_for("holds", 4)
    for agent in others:
        agent.wait_for("settled", 6)
    director.wait_for_reports(of=first)
    assert check(server, lost).details.message_queue == 4
    with watching(server, kinds=[HEALTH_CHANGED], session_ids=[lost]) as events:
        victim.kill()
        # Nobody is there, and its queue tells so: over 0.7 of what it may be, then over 0.9.
        waiting = director.give(110)[3::10]
        event = events.event()
        assert (event.session_id, event.old_health, event.new_health) == (lost, "healthy", "degraded")
        waiting += director.give(40)[3::10]
        event = events.event()
        assert (event.session_id, event.old_health, event.new_health) == (lost, "degraded", "unhealthy")
        assert {item.to_session_id for item in waiting} == {lost}
        assert [next(healths).health.status for _ in range(2)] == [DEGRADED, UNHEALTHY]
        health = check(server, lost)
        assert (health.status, list(health.reasons)) == (UNHEALTHY, ["queue 0.95 is over 0.9 (19 of 20 messages)"])

        # The others take its turns.
        until(lambda: f"{lost} was unhealthy" in resolve(server, director.session_id).explanation)
        elsewhere = director.give(18)
        assert {item.to_session_id for item in elsewhere} == set(fleet.departments) - {lost}

        # Another process for the same session takes what the killed one held, first, and all that waited.
        replacement = fleet.start_agent(3)
        taken = replacement.wait_for("settled", 19)
        assert names(taken) == names(held) + names(waiting)
        assert [item.attempt for item in taken] == [2] * 4 + [1] * 15
        while (event := events.event()).new_health != "healthy":
            assert (event.session_id, event.old_health, event.new_health) == (lost, "unhealthy", "degraded")
        assert event.session_id == lost
    while next(healths).health.status != HEALTHY:
        pass
    healths.cancel()

    # And it has its turns again.
    until(lambda: resolve(server, director.session_id).target_session_id == lost)
    assert lost in {item.to_session_id for item in director.give(10)}
    director.wait_for_reports(of=director.given)
    fleet.finish()

    # Nothing is lost, and only what the killed agent held was done twice, the second time as a second delivery.
    reports = director.reports()
    assert reports.keys() == {item.id for item in director.given}
    assert {id: attempts for id, attempts in reports.items() if attempts != [1]} == {item.id: [1, 2] for item in held}
    assert not dead_letters(server).dead_letters
    processed = [metrics(server, department).messages_processed for department in fleet.departments]
    assert sum(processed) == len(director.given)


def test_agents_of_one_session_take_over_from_one_that_is_killed(start_server, start_fleet):
    server = start_server()
    fleet = start_fleet(server, size=1)
    victim = fleet.start_agent(0, holds_after=0)
    fleet.director.give(4)
    held = victim.wait_for("holds", 4)
    # It waits on, and holds what the victim does not.
    other = fleet.start_agent(0)
    fleet.director.give(4)
    other.wait_for("settled", 4)
    victim.kill()
    taken = other.wait_for("settled", 8)[4:]
    assert [(item.id, item.attempt) for item in taken] == [(item.id, 2) for item in held]
    fleet.finish()
    assert sorted(fleet.director.reports().values()) == [[1]] * 4 + [[1, 2]] * 4


def test_a_frozen_agent_gives_back_what_it_held_and_works_on_when_it_thaws(start_server, start_fleet):
    # Nobody answers on its connection; that is found long before its messages' time is over.
    server = start_server("--keepalive-time", "500", "--keepalive-timeout", "1000", "--ack-timeout", "3600000")
    fleet = start_fleet(server, size=1)
    frozen = fleet.start_agent(0, holds_after=0)
    fleet.director.give(4)
    held = frozen.wait_for("holds", 4)
    frozen.freeze()
    other = fleet.start_agent(0)
    taken = other.wait_for("settled", 4)
    assert [(item.id, item.attempt) for item in taken] == [(item.id, 2) for item in held]
    other.kill()
    frozen.thaw()
    given = fleet.director.give(2)
    assert [(item.id, item.attempt) for item in frozen.wait_for("settled", 2)] == [(item.id, 1) for item in given]
    fleet.finish()
    assert sorted(fleet.director.reports().values()) == [[1]] * 2 + [[1, 2]] * 4


def test_after_a_killed_server_exactly_what_was_not_acknowledged_comes_again(start_server, start_fleet):
    before = start_server()
    fleet = start_fleet(before)
    director = fleet.director
    # Three hold all they may, and more waits for them; the others work.
    holders = [fleet.start_agent(number, holds_after=0) for number in range(3)]
    workers = [fleet.start_agent(number) for number in range(3, 10)]
    first = director.give(80)
    held = [agent.wait_for("holds", 4) for agent in holders]
    for agent in workers:
        agent.wait_for("settled", 8)
    giver = threading.Thread(target=director.give, args=[160])
    giver.start()
    workers[0].wait_for("settled", 12)
    before.kill()
    # On the same port: the agents, and the director who is giving out work, find it by themselves.
    server = start_server("--listen", before.address, database=before.database)
    giver.join()
    director.wait_for_reports(of=director.given)
    fleet.server = server
    fleet.finish()

    assert len({item.id for item in director.given}) == len(director.given) == 240
    assert director.reports().keys() == {item.id for item in director.given}
    assert not dead_letters(server).dead_letters
    # What was in delivery comes again, what waited comes for the first time, and nothing else comes.
    for agent, items in zip(holders, held, strict=True):
        own = [item for item in first if item.to_session_id == agent.session_id]
        assert [item.id for item in items] == [item.id for item in own[:4]]
        attempts = attempts_by_id(agent)
        assert [attempts[item.id] for item in own] == [[1, 2]] * 4 + [[1]] * 4
    for agent in holders + workers:
        assert_settled_once(agent)


def attempts_by_id(agent) -> dict[str, list[int]]:
    """At which deliveries an agent took each message."""
    attempts: dict[str, list[int]] = defaultdict(list)
    for item in agent.said("took"):
        attempts[item.id].append(item.attempt)
    return attempts


def assert_settled_once(agent) -> None:
    """Every message was acknowledged, and none came again after that."""
    settling: set[str] = set()
    settled: set[str] = set()
    for item in agent.said():
        match item.what:
            case "took":
                assert item.id not in settled, f"{item} came again"
            case "settles":
                settling.add(item.id)
            case "settled":
                settled.add(item.id)
            case "unknown":
                raise AssertionError(f"{item} was not in delivery")
    attempts = attempts_by_id(agent)
    # The server may have died between an acknowledgement and its answer, at one message of each agent.
    assert settling == attempts.keys()
    assert len(settling - settled) <= 1
    for id, own in attempts.items():
        # One more delivery may have been on its way when the server died.
        assert own in ([1], [2], [1, 2]), f"{id} was delivered {own}"
