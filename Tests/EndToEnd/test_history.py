import pytest

from refusal import StatusCode, refused
from sessions import create
from watch import Watch, assert_unbroken, history, list_events, watching


def test_an_empty_history_is_an_empty_page(server):
    page = list_events(server)
    assert (list(page.events), page.next_after_sequence) == ([], 0)


def test_pages_of_history_join(server):
    for i in range(7):
        create(server, f"s{i}")
    first = list_events(server, page_size=3)
    assert_unbroken(first.events, 0)
    assert (len(first.events), first.next_after_sequence) == (3, 3)
    second = list_events(server, page_size=3, after_sequence=3)
    assert_unbroken(second.events, 3)
    last = list_events(server, page_size=3, after_sequence=6)
    assert_unbroken(last.events, 6)
    assert last.next_after_sequence == 0
    assert list_events(server, after_sequence=7).next_after_sequence == 0


def test_no_size_means_a_hundred_and_the_most_is_a_thousand(server):
    for i in range(1001):
        create(server, f"s{i}")
    assert len(list_events(server).events) == 100
    assert len(list_events(server, page_size=2**31 - 1).events) == 1000
    assert len(history(server)) == 1001


@pytest.mark.parametrize("field", ["page_size", "after_sequence"])
def test_a_negative_number_is_refused(shared_server, field):
    with refused(StatusCode.INVALID_ARGUMENT, paths=[field]):
        list_events(shared_server, **{field: -1})


@pytest.fixture
def compacted(start_server):
    """A server that keeps ten events, once it has forgotten some."""
    server = start_server("--event-retention-count", "10")
    for i in range(50):
        create(server, f"s{i}")
    with watching(server) as watch:
        # Old events go in the course of later commits; each one here ends with a look.
        for i in range(40):
            create(server, f"later-{i}")
            watch.event()
            oldest = list_events(server).events[0].sequence
            if oldest > 1:
                break
    server.oldest = oldest
    server.newest = watch_newest(server)
    assert 1 < oldest <= server.newest - 9
    return server


def watch_newest(server) -> int:
    with watching(server) as watch:
        return watch.start


def test_watching_from_before_the_history_is_out_of_range_and_names_the_oldest(compacted):
    with refused(StatusCode.OUT_OF_RANGE, "SEQUENCE_COMPACTED") as refusal:
        Watch(compacted, after_sequence=compacted.oldest - 2 or 1).bookmark()
    assert str(compacted.oldest) in refusal.metadata.values()


def test_a_sequence_is_good_while_the_event_after_it_is_kept(compacted):
    with watching(compacted, after_sequence=compacted.oldest - 1) as watch:
        assert watch.event().sequence == compacted.oldest


def test_from_oldest_starts_at_the_oldest_kept(compacted):
    with watching(compacted, from_oldest=True) as watch:
        assert watch.start == compacted.oldest - 1
        events = watch.events(compacted.newest - compacted.oldest + 1)
        assert_unbroken(events, compacted.oldest - 1)
        create(compacted, "live")
        assert watch.event().sequence == compacted.newest + 1


def test_the_oldest_is_still_known_after_a_restart(compacted, start_server):
    compacted.stop()
    server = start_server("--event-retention-count", "10")
    with watching(server, from_oldest=True) as watch:
        oldest = watch.event().sequence
    assert oldest >= compacted.oldest
    assert create(server, "next").revision == compacted.newest + 1
    with refused(StatusCode.OUT_OF_RANGE, "SEQUENCE_COMPACTED"):
        Watch(server, after_sequence=1).bookmark()
