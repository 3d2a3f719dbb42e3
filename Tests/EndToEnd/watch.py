"""Watches that are read with a deadline."""

from contextlib import contextmanager

import grpc
from orchestration.session.v1 import event_service_pb2 as events_pb

from refusal import read_refusal
from server import PATIENCE_SECONDS, Server

CREATED = events_pb.EVENT_KIND_CREATED
UPDATED = events_pb.EVENT_KIND_UPDATED
STATUS_CHANGED = events_pb.EVENT_KIND_STATUS_CHANGED
ERROR_KIND = events_pb.EVENT_KIND_ERROR
TERMINATED_KIND = events_pb.EVENT_KIND_TERMINATED
DELETED = events_pb.EVENT_KIND_DELETED
REGISTERED = events_pb.EVENT_KIND_REGISTERED
DEREGISTERED = events_pb.EVENT_KIND_DEREGISTERED
MIGRATED = events_pb.EVENT_KIND_MIGRATED
HEALTH_CHANGED = events_pb.EVENT_KIND_HEALTH_CHANGED


class Watch:
    """A stream of WatchEvents; every read fails after the deadline."""

    def __init__(self, server: Server, *, deadline: float = PATIENCE_SECONDS, **fields):
        self.stream = server.events.WatchEvents(events_pb.WatchEventsRequest(**fields), timeout=deadline)

    def next_item(self):
        response = next(self.stream)
        kind = response.WhichOneof("item")
        return kind, getattr(response, kind)

    def bookmark(self) -> int:
        kind, item = self.next_item()
        assert kind == "bookmark", f"{kind}: {item}"
        return item.sequence

    def event(self) -> events_pb.SessionEvent:
        while True:
            kind, item = self.next_item()
            if kind == "event":
                return item
            assert kind == "bookmark", f"{kind}: {item}"

    def events(self, count: int) -> list[events_pb.SessionEvent]:
        return [self.event() for _ in range(count)]

    def snapshot(self):
        """The sessions at the start, and the sequence at which they stood."""
        sessions = []
        while True:
            kind, item = self.next_item()
            if kind == "snapshot_complete":
                return sessions, item.sequence
            assert kind == "session", f"{kind}: {item}"
            sessions.append(item)

    def end(self):
        """Reads on to the error that ends the stream."""
        try:
            for _ in self.stream:
                pass
        except grpc.RpcError as error:
            return read_refusal(error)
        raise AssertionError("the stream ended without an error")

    def cancel(self) -> None:
        self.stream.cancel()


@contextmanager
def watching(server: Server, **fields):
    """A watch that has started: what happens from here on is in it."""
    watch = Watch(server, **fields)
    try:
        if not fields.get("include_snapshot"):
            watch.start = watch.bookmark()
        yield watch
    finally:
        watch.cancel()


def list_events(server: Server, **fields) -> events_pb.ListEventsResponse:
    return server.events.ListEvents(events_pb.ListEventsRequest(**fields), timeout=PATIENCE_SECONDS)


def history(server: Server, after: int = 0, **fields) -> list[events_pb.SessionEvent]:
    """Every event after a sequence, over all pages."""
    events = []
    while True:
        page = list_events(server, after_sequence=after, page_size=1000, **fields)
        events += page.events
        if not page.next_after_sequence:
            return events
        after = page.next_after_sequence


def shape(event: events_pb.SessionEvent) -> tuple:
    """An event without its sequence and time."""
    return (event.kind, event.session_name, event.old_status, event.new_status)


def assert_unbroken(events, after: int) -> None:
    assert [event.sequence for event in events] == list(range(after + 1, after + 1 + len(events)))
