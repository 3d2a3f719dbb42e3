"""The servers that the cases run against: sessiond, and nghttpd as the measure."""

import shutil
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server import Server
from sessions import create
from wire import GET, connected, framed, request_headers
from wire_checks import get_body

PATIENCE_SECONDS = 10
# An answer of this size shows whether windows are kept.
ANSWER_BYTES = 30_000


@dataclass
class Target:
    """A server on a port of this machine, and the request that it answers with a body."""

    name: str
    port: int
    path: str
    body: bytes
    answer: bytes = b""

    @property
    def fields(self) -> list[tuple[str, str]]:
        return request_headers(self.path)

    def body_of(self, size: int) -> bytes:
        """A body of so many bytes that is answered in the same way: the request has a long unknown field."""
        message = self.body[5:]
        # The field takes two bytes for its number, 1000, and two for its length.
        filler = bytes(size - len(self.body) - 4)
        return framed(message + b"\xc2\x3e" + struct.pack("BB", len(filler) & 0x7F | 0x80, len(filler) >> 7) + filler)

    def learn_answer(self) -> None:
        with connected(self) as wire:
            self.answer = wire.call(self.path, self.body).data
        assert len(self.answer) >= ANSWER_BYTES, f"{self.name} answers with {self.answer[:100]}"


@contextmanager
def sessiond(program: Path):
    with tempfile.TemporaryDirectory() as folder:
        # Cases end with PINGs, sooner than clients may usually send them.
        server = Server(program, Path(folder) / "sessions.db", "--keepalive-minimum-time", "0")
        try:
            session = create(server, metadata={"filler": "x" * ANSWER_BYTES})
            target = Target("sessiond", server.port, GET, get_body(session.id))
            target.learn_answer()
            yield target
            assert server.is_running, f"sessiond ended; its log:\n{server.log}"
        finally:
            server.stop()


@contextmanager
def nghttpd():
    # Debian has it where only root's path leads.
    program = shutil.which("nghttpd") or "/usr/sbin/nghttpd"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "index.html").write_bytes(b"x" * ANSWER_BYTES)
        port = free_port()
        process = subprocess.Popen(
            [program, "--no-tls", "--address=127.0.0.1", f"--htdocs={folder}", str(port)],
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_for(port, process)
            target = Target("nghttpd", port, "/", framed(b"anything"))
            target.learn_answer()
            yield target
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert process.poll() is None and time.monotonic() < deadline, "nghttpd does not listen"
