"""A client without manners: it sends much, reads little or not at all, and counts what comes back."""

import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable

from wire import ENHANCE_YOUR_CALM, PREFACE
from wire_bytes import (
    ACK,
    DATA,
    END_STREAM,
    FRAME_BYTES_MAX,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Setting,
    frame,
    ping,
    settings,
)

PATIENCE_SECONDS = 10
# A server that takes nothing for so long has stopped reading, which is one way to hold back a peer.
STALL_SECONDS = 0.5
CHUNK_BYTES = 256 << 10
DEFAULT_WINDOW_BYTES = 65_535


class Attacker:
    """One connection. Frames that come are counted, and nothing but SETTINGS is acknowledged."""

    def __init__(self, port: int, hello: bytes = PREFACE + settings(), reads: bool = True, acknowledges: bool = True):
        self.socket = socket.socket()
        if not reads:
            # The kernel takes little more for one that does not read.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reads = reads
        self._acknowledges = acknowledges
        self.frames: Counter[int] = Counter()
        self.resets: Counter[int] = Counter()
        self.data_bytes = 0
        # Streams that the server has ended or reset.
        self.ended: set[int] = set()
        # What may be sent on each stream, and as 0 on the connection.
        self._windows = {0: DEFAULT_WINDOW_BYTES}
        self._first_window = DEFAULT_WINDOW_BYTES
        self.goaway: int | None = None
        self.goaway_data = b""
        self.is_closed = False
        # Where a frame was sent in part, nothing sensible can follow.
        self.is_stalled = False
        self._received = bytearray()
        self._owed = b""
        self._settled = 0
        if hello:
            self.send(hello)

    def send(self, data: bytes) -> bool:
        """Sends until all is sent; false where the server closed or took no more."""
        if self.is_stalled:
            return False
        rest, self._owed = memoryview(self._owed + data), b""
        progress = time.monotonic()
        while rest and not self.is_closed:
            readable, writable, _ = select.select([self.socket] * self.reads, [self.socket], [], STALL_SECONDS)
            if readable:
                self._receive()
            if writable and not self.is_closed:
                try:
                    self.socket.setblocking(False)
                    rest = rest[self.socket.send(rest[:CHUNK_BYTES]) :]
                    progress = time.monotonic()
                except BlockingIOError:
                    pass
                except ConnectionError:
                    self.is_closed = not self.reads
                    self._receive()
            elif time.monotonic() - progress > STALL_SECONDS:
                self.is_stalled = True
                return False
        return not rest

    def read_until(self, condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> bool:
        """Reads until the condition holds, the server closes, or the time is over; whether it holds."""
        deadline = time.monotonic() + seconds
        while not condition() and not self.is_closed:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if select.select([self.socket], [], [], left)[0]:
                self._receive()
        return bool(condition())

    def settle(self) -> bool:
        """Waits until all that was sent has been taken in, or the connection is closed; whether it is open."""
        answered = self._settled + 1
        return self.send(ping(b"settled?")) and self.read_until(lambda: self._settled >= answered)

    def send_message(self, stream: int, body: bytes, end: bool = True) -> None:
        """Sends a request's body as its windows allow, until it is sent or the server wants no more of it."""
        self._windows.setdefault(stream, self._first_window)
        rest = memoryview(body)
        while rest and stream not in self.ended and not self.is_closed:
            room = min(self._windows[stream], self._windows[0], FRAME_BYTES_MAX * 8, len(rest))
            if room <= 0:
                if not self.read_until(lambda: self._has_room(stream) or stream in self.ended, STALL_SECONDS):
                    return
                continue
            pieces = [rest[start : min(start + FRAME_BYTES_MAX, room)] for start in range(0, room, FRAME_BYTES_MAX)]
            if not self.send(b"".join(frame(DATA, 0, stream, bytes(piece)) for piece in pieces)):
                return
            self._windows[stream] -= room
            self._windows[0] -= room
            rest = rest[room:]
        if end and stream not in self.ended:
            self.send(frame(DATA, END_STREAM, stream))

    def _has_room(self, stream: int) -> bool:
        return min(self._windows[stream], self._windows[0]) > 0

    def expect_open(self) -> None:
        """Expects that all was taken in and the connection goes on."""
        assert self.settle(), f"the connection ended: {self.last_words}"

    def expect_calm(self, seconds: float = 5) -> None:
        """Expects the server to end the connection because it is asked for too much."""
        assert self.ends_within(seconds), "the flood is let through"
        assert self.goaway == ENHANCE_YOUR_CALM, f"not told to be calm: {self.last_words}"

    @property
    def outcome(self) -> str:
        """How the connection stands."""
        if self.goaway is not None:
            return self.last_words
        return "closed" if self.is_closed else "stalled" if self.is_stalled else "open"

    @property
    def last_words(self) -> str:
        return "no GOAWAY" if self.goaway is None else f"GOAWAY {self.goaway} {self.goaway_data.decode()}".rstrip()

    def ends_within(self, seconds: float) -> bool:
        """Reads on; whether the server closes in time."""
        self.read_until(lambda: self.is_closed, seconds)
        return self.is_closed

    def close(self, abruptly: bool = False) -> None:
        if abruptly:
            # Closing then sends RST instead of FIN.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def _receive(self) -> None:
        self.socket.setblocking(False)
        try:
            chunk = self.socket.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            chunk = b""
        if not chunk:
            self.is_closed = True
            return
        self._received += chunk
        offset, received = 0, self._received
        while len(received) - offset >= 9:
            length = int.from_bytes(received[offset : offset + 3])
            end = offset + 9 + length
            if len(received) < end:
                break
            stream = int.from_bytes(received[offset + 5 : offset + 9])
            self._count(received[offset + 3], received[offset + 4], stream, received[offset + 9 : end])
            offset = end
        del received[:offset]

    def _count(self, kind: int, flags: int, stream: int, payload: bytearray) -> None:
        self.frames[kind] += 1
        if kind in (DATA, HEADERS) and flags & END_STREAM or kind == RST_STREAM:
            self.ended.add(stream)
        if kind == DATA:
            self.data_bytes += len(payload)
        elif kind == PING:
            self._settled += payload == b"settled?"
        elif kind == RST_STREAM:
            self.resets[int.from_bytes(payload)] += 1
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8])
            self.goaway_data = bytes(payload[8:])
        elif kind == WINDOW_UPDATE and stream in self._windows:
            self._windows[stream] += int.from_bytes(payload)
        elif kind == SETTINGS and not flags:
            entries = dict(struct.iter_unpack(">HI", payload))
            self._first_window = entries.get(Setting.INITIAL_WINDOW_SIZE, self._first_window)
            # Not now: a frame may be half sent.
            self._owed += frame(SETTINGS, ACK) * self._acknowledges
