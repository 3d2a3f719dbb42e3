"""A client that breaks the rules on purpose, and what it expects of the server."""

import struct

from targets import Target
from wire import Answer, Wire
from wire_bytes import DATA, END_HEADERS, END_STREAM, HEADERS, block, frame, ping

CODES = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
]


class Peer(Wire):
    """One connection to a target."""

    def __init__(self, target: Target, **options):
        super().__init__(target, **options)
        self.target = target

    # What a normal request is made of.

    @property
    def fields(self) -> list[tuple[str, str]]:
        return self.target.fields

    @property
    def block(self) -> bytes:
        return block(self.fields)

    @property
    def body(self) -> bytes:
        return self.target.body

    def headers(self, stream: int, end: bool = False, header_block: bytes | None = None) -> bytes:
        flags = END_HEADERS | (END_STREAM if end else 0)
        return frame(HEADERS, flags, stream, self.block if header_block is None else header_block)

    def data(self, stream: int, body: bytes | None = None, end: bool = True) -> bytes:
        return frame(DATA, END_STREAM if end else 0, stream, self.body if body is None else body)

    def request(self, stream: int, fields: list[tuple[str, str]] | None = None) -> bytes:
        return self.headers(stream, header_block=None if fields is None else block(fields)) + self.data(stream)

    # What is expected.

    def settle(self) -> None:
        """Waits until the server has acted on all that was sent, or has closed the connection."""
        # PING may be answered before what came in with it; the second is not.
        for _ in range(2):
            token = struct.pack(">Q", len(self.pongs) + 1 << 32)
            if not self.try_to_send(ping(token)):
                break
            self.read_until(lambda: token in self.pongs or self.is_closed or self.goaway)
        if self.goaway:
            self.read_until(lambda: self.is_closed)

    def try_to_send(self, data: bytes) -> bool:
        """Sends, unless the server has closed; what it said before that is still to be read."""
        try:
            self.send_bytes(data)
        except ConnectionError:
            self.read_until(lambda: self.is_closed)
            return False
        return True

    def expect_connection_error(self, *codes: int) -> None:
        self.settle()
        assert self.is_closed and self.goaway in codes, self.seen()

    def expect_close(self, *codes: int) -> None:
        """Expects the connection to be closed, where a GOAWAY may be left out."""
        self.settle()
        assert self.is_closed and self.goaway in (None, *codes), self.seen()

    def expect_stream_error(self, stream: int, *codes: int) -> None:
        """Expects the stream to be reset; a server may always end the connection instead."""
        self.settle()
        assert self.goaway in codes if self.is_closed else self.answers[stream].reset in codes, self.seen(stream)

    def expect_refusal(self, stream: int, *codes: int) -> None:
        """Expects a malformed request to be reset, or to be answered with 400 (RFC 9113 section 8.1.1)."""
        self.settle()
        if self.answers[stream].http_status != "400":
            self.expect_stream_error(stream, *codes)

    def expect_answer(self, stream: int) -> Answer:
        """Expects the target's normal answer."""
        answer = self.answers[stream]
        self.read_until(lambda: answer.is_over or self.is_closed)
        assert answer.ended and answer.http_status == "200" and answer.data == self.target.answer, self.seen(stream)
        return answer

    def expect_service(self) -> None:
        """Expects the connection to be as good as new."""
        stream = self.new_stream()
        assert self.try_to_send(self.request(stream)), self.seen()
        self.expect_answer(stream)

    def seen(self, stream: int | None = None) -> str:
        """What came instead, in few words."""
        if self.goaway is not None:
            return f"GOAWAY {code_name(self.goaway)}" + ("" if self.is_closed else ", not closed")
        if self.is_closed:
            return "closed"
        answer = self.answers[stream] if stream else Answer()
        if answer.reset:
            return f"RST_STREAM {code_name(answer.reset)}"
        return f"answered {answer.http_status}" if answer.blocks else "nothing"


def code_name(code: int) -> str:
    return CODES[code] if code < len(CODES) else hex(code)
