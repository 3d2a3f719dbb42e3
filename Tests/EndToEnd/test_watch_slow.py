"""Watchers that do not read: nothing grows with them, whoever else watches."""

from contextlib import ExitStack, closing

from hyperframe.frame import SettingsFrame, WindowUpdateFrame
from orchestration.session.v1 import event_service_pb2 as events_pb

from admin import ANYWHERE, Scrape
from pulse import watch_health
from sessions import ACTIVE, create_in
from watch import watching
from wire import WATCH, Wire, framed


def test_watchers_that_do_not_read_hold_no_more_than_a_stream_may(start_server):
    server = start_server(
        "--event-loops", "1", "--max-stream-unsent-bytes", "1024", "--max-sessions", "10000", *ANYWHERE
    )
    with ExitStack() as stack:
        wires = [
            stack.enter_context(closing(Wire(server, {SettingsFrame.INITIAL_WINDOW_SIZE: 0}))) for _ in range(8)
        ]
        streams = [wire.open(WATCH) for wire in wires]
        for wire, stream in zip(wires, streams, strict=True):
            wire.send_data(stream, framed(b""))
            wire.read_until(lambda answer=wire.answers[stream]: answer.blocks)
        reading = stack.enter_context(watching(server))
        # Looks at each session that it is told of, while the others are told of more.
        health = watch_health(server)
        stack.callback(health.cancel)
        count = 0
        while count < 300:
            create_in(server, ACTIVE)
            next(health)
            for _ in range(2):
                count += 1
                assert reading.event().sequence == count
        scrape = Scrape(server)
        assert scrape.value("sessiond_event_watchers") == 9
        # An event has more than 64 bytes.
        held = 8 * count - scrape.value("sessiond_event_watch_lag_sum")
        assert held <= 8 * 16, f"the streams of those that do not read hold {held} events"
        for wire, stream in zip(wires, streams, strict=True):
            wire.send(WindowUpdateFrame(stream, window_increment=1 << 24))
            wire.read_until(lambda answer=wire.answers[stream]: len(answer.messages) == 1 + count)
            items = [events_pb.WatchEventsResponse.FromString(item) for item in wire.answers[stream].messages]
            assert [item.event.sequence for item in items[1:]] == list(range(1, count + 1))
