"""HTTP/2 by hand: frames as they are on the wire, so that a test can send what no client would."""

import socket
import struct
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from hpack import Decoder, Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from server import Server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEADLINE_SECONDS = 10

PROTOCOL_ERROR = 0x1
FLOW_CONTROL_ERROR = 0x3
STREAM_CLOSED = 0x5
FRAME_SIZE_ERROR = 0x6
REFUSED_STREAM = 0x7
CANCEL = 0x8
COMPRESSION_ERROR = 0x9
ENHANCE_YOUR_CALM = 0xB

CREATE = "/orchestration.session.v1.SessionService/CreateSession"
GET = "/orchestration.session.v1.SessionService/GetSession"
LIST = "/orchestration.session.v1.SessionService/ListSessions"
WATCH = "/orchestration.session.v1.EventService/WatchEvents"


def framed(message: bytes, flag: int = 0) -> bytes:
    """A message with gRPC's prefix."""
    return struct.pack(">BI", flag, len(message)) + message


def request_headers(path: str, **changes: str | None) -> list[tuple[str, str]]:
    """The headers of a normal call; changes replace, add, or with None remove."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    for name, value in changes.items():
        name = (":" if name in ("method", "scheme", "path", "authority") else "") + name.replace("_", "-")
        if value is None:
            headers.pop(name, None)
        else:
            headers[name] = value
    return list(headers.items())


@dataclass
class Answer:
    """What came back on one stream."""

    blocks: list[dict[str, str]] = field(default_factory=list)
    data: bytes = b""
    reset: int | None = None
    ended: bool = False

    @property
    def is_over(self) -> bool:
        return self.ended or self.reset is not None

    @property
    def http_status(self) -> str | None:
        return self.blocks[0][":status"] if self.blocks else None

    @property
    def grpc_status(self) -> int | None:
        status = self.blocks[-1].get("grpc-status") if self.blocks else None
        return None if status is None else int(status)

    @property
    def grpc_message(self) -> str:
        return unquote(self.blocks[-1].get("grpc-message", "")) if self.blocks else ""

    @property
    def messages(self) -> list[bytes]:
        found, rest = [], self.data
        while len(rest) >= 5:
            (length,) = struct.unpack(">I", rest[1:5])
            if len(rest) < 5 + length:
                break
            found.append(rest[5 : 5 + length])
            rest = rest[5 + length :]
        return found


class Wire:
    """One connection. It acknowledges SETTINGS and PING, and opens windows again unless told not to."""

    def __init__(self, server: Server, settings: dict[int, int] | None = None, opens_windows: bool = True):
        self.socket = socket.create_connection(("127.0.0.1", server.port), DEADLINE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._opens_windows = opens_windows
        self._encoder = Encoder()
        self._decoder = Decoder()
        self._next_stream = 1
        self.peer_settings: dict[int, int] = {}
        self.answers: dict[int, Answer] = defaultdict(Answer)
        self.goaway: int | None = None
        self.goaway_data = b""
        self.goaway_last_stream = 0
        self.settings_acks = 0
        self.is_closed = False
        self.pongs: list[bytes] = []
        self.pings = 0
        self.longest_frame = 0
        self.send_bytes(PREFACE)
        self.send(SettingsFrame(settings=settings or {}))
        self.read_until(lambda: self.peer_settings or self.is_closed)

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, *frames: Frame) -> None:
        self.send_bytes(b"".join(frame.serialize() for frame in frames))

    def encode(self, headers: list[tuple[str, str]]) -> bytes:
        return self._encoder.encode(headers, huffman=False)

    def limit_header_table(self, size: int) -> None:
        """Takes no more answers whose header blocks need a larger table."""
        self._decoder.max_allowed_table_size = size

    def new_stream(self) -> int:
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        return stream

    def open(self, path: str = GET, end: bool = False, **changes: str | None) -> int:
        """Sends a call's headers."""
        stream = self.new_stream()
        flags = ["END_HEADERS"] + (["END_STREAM"] if end else [])
        self.send(HeadersFrame(stream, self.encode(request_headers(path, **changes)), flags=flags))
        return stream

    def send_data(self, stream: int, data: bytes, end: bool = True) -> None:
        chunks = [data[i : i + 16_384] for i in range(0, len(data), 16_384)] or [b""]
        for chunk in chunks[:-1]:
            self.send(DataFrame(stream, chunk))
        self.send(DataFrame(stream, chunks[-1], flags=["END_STREAM"] if end else []))

    def call(self, path: str = GET, body: bytes | None = None, **changes: str | None) -> Answer:
        """One call from headers to answer; no body means no message and no DATA at all."""
        stream = self.open(path, end=body is None, **changes)
        if body is not None:
            self.send_data(stream, body)
        return self.answer(stream)

    def answer(self, stream: int) -> Answer:
        answer = self.answers[stream]
        self.read_until(lambda: answer.is_over or self.is_closed)
        assert answer.is_over, f"the connection ended (GOAWAY {self.goaway}) before the stream did"
        return answer

    def read_until(self, condition) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "nothing that was waited for has come"
            self._read_frame(deadline)

    def ping(self) -> None:
        """Waits until all that was sent before has been taken in."""
        token = struct.pack(">Q", len(self.pongs) + 1)
        self.send(PingFrame(0, token))
        self.read_until(lambda: token in self.pongs or self.is_closed)
        assert not self.is_closed, f"the connection ended (GOAWAY {self.goaway})"

    def end(self) -> int | None:
        """Reads until the server closes the connection; the code of its GOAWAY, if there was one."""
        self.read_until(lambda: self.is_closed)
        return self.goaway

    def close(self) -> None:
        self.socket.close()

    def _read_frame(self, deadline: float) -> None:
        head = self._take(9, deadline)
        if head is None:
            return
        frame, length = Frame.parse_frame_header(memoryview(head))
        body = self._take(length, deadline)
        if body is None:
            return
        frame.parse_body(memoryview(body))
        self._receive(frame, length)

    def _take(self, count: int, deadline: float) -> bytes | None:
        while len(self._buffer) < count:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                chunk = self.socket.recv(65_536)
            except ConnectionError:
                chunk = b""
            if not chunk:
                self.is_closed = True
                return None
            self._buffer += chunk
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _receive(self, frame: Frame, length: int) -> None:
        answer = self.answers[frame.stream_id]
        self.longest_frame = max(self.longest_frame, length)
        match frame:
            case SettingsFrame() if "ACK" not in frame.flags:
                self.peer_settings |= {0: 0} | frame.settings
                self.send(SettingsFrame(flags=["ACK"]))
            case SettingsFrame():
                self.settings_acks += 1
            case PingFrame() if "ACK" in frame.flags:
                self.pongs.append(frame.opaque_data)
            case PingFrame():
                self.pings += 1
                self.send(PingFrame(0, frame.opaque_data, flags=["ACK"]))
            case GoAwayFrame():
                self.goaway = frame.error_code
                self.goaway_data = frame.additional_data
                self.goaway_last_stream = frame.last_stream_id
            case RstStreamFrame():
                answer.reset = frame.error_code
            case DataFrame():
                answer.data += frame.data
                answer.ended = "END_STREAM" in frame.flags
                if self._opens_windows and length:
                    self.send(WindowUpdateFrame(0, length))
                    if not answer.ended:
                        self.send(WindowUpdateFrame(frame.stream_id, length))
            case HeadersFrame():
                assert "END_HEADERS" in frame.flags, "no answer here is longer than a frame"
                block = {}
                for name, value in self._decoder.decode(frame.data):
                    block[name] = value
                answer.blocks.append(block)
                answer.ended = "END_STREAM" in frame.flags
            case _:
                pass


@contextmanager
def connected(server: Server, **options):
    wire = Wire(server, **options)
    try:
        yield wire
    finally:
        wire.close()
