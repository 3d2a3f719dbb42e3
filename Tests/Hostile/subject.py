"""The server under attack, what it uses, and the stock client that calls it meanwhile."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import grpc

from server import Server
from sessions import create
from wire import GET, request_headers
from wire_bytes import DATA, END_HEADERS, END_STREAM, HEADERS, block, frame
from wire_checks import get_body

MIB = 1 << 20
# Flags that stand for a certificate made for the run.
TLS = ("--tls-certificate-file", "certificate", "--tls-key-file", "key")
# The server looks every two seconds whether there is memory to give back.
SETTLE_SECONDS = 6
# A server may linger, so that its last words are not lost.
SOCKET_SECONDS = 10
POLL_SECONDS = 0.02
LONG_SESSIONS = 40
LONG_BYTES = 60_000
EVENTS_MIN = 500
USUAL = (
    # Others have no thread that the attack does not have.
    *("--event-loops", "1"),
    # Logging each call would be most of what is measured.
    *("--log-level", "warning"),
    *("--max-sessions", "100000"),
    *("--shutdown-grace", "500"),
    # What is there to be listed is not used, which must not end it meanwhile.
    *("--session-timeout", "0"),
    # An attacker asks by PING whether all was taken in.
    *("--keepalive-minimum-time", "0"),
)


def make_certificate(folder: Path) -> Path:
    """A key and a certificate for localhost that is its own root."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    files = ("-keyout", folder / "key", "-out", folder / "certificate")
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return folder / "certificate"


@dataclass(frozen=True)
class Calls:
    """What the stock client saw."""

    milliseconds: list[float]
    errors: list[str]

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds) if self.milliseconds else float("inf")


class Subject:
    """One sessiond with these flags, and without flags, with sessions and events in it."""

    def __init__(self, program: Path, flags: tuple[str, ...]):
        with contextlib.ExitStack() as parts:
            folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
            roots = make_certificate(folder) if TLS[0] in flags else None
            placed = [str(folder / flag) if flag in TLS[1::2] else flag for flag in flags]
            trusted = grpc.ssl_channel_credentials(Path(roots).read_bytes()) if roots else None
            self.server = Server(program, folder / "sessions.db", *USUAL, *placed, credentials=trusted)
            parts.callback(self._stop_server)
            self.port = self.server.port
            self.session_id = create(self.server, "normal").id
            if not flags:
                self._fill()
            caller = [sys.executable, Path(__file__).with_name("normal_calls.py"), self.server.address, self.session_id]
            self._caller = parts.enter_context(
                subprocess.Popen(
                    caller + ([roots] if roots else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            self.begin_calls()
            self.end_calls()
            self._parts = parts.pop_all()

    def stop(self) -> None:
        self._parts.close()

    def _stop_server(self) -> None:
        if self.server.is_running:
            self.server.stop()
        else:
            self.server.kill()

    def _fill(self) -> None:
        """Makes what lists and watches are long with; attacks on flags need neither."""
        for i in range(LONG_SESSIONS):
            create(self.server, f"long-{i}", metadata={"filler": "x" * LONG_BYTES})
        for i in range(EVENTS_MIN):
            create(self.server, f"short-{i}")

    # What it uses.

    def resident_bytes(self) -> int:
        return self._status("VmRSS")

    def peak_bytes(self) -> int:
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.server.pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        # After the name, which may have spaces in it: state is field 3, user and system time are 14 and 15.
        fields = Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sockets(self) -> int:
        found = 0
        for descriptor in Path(f"/proc/{self.server.pid}/fd").iterdir():
            # Closed since it was listed.
            with contextlib.suppress(FileNotFoundError):
                found += os.readlink(descriptor).startswith("socket:")
        return found

    def wait_for_sockets(self, wanted: int) -> bool:
        """Whether the sockets come down to so many in time."""
        deadline = time.monotonic() + SOCKET_SECONDS
        while self.sockets() > wanted and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return self.sockets() <= wanted

    def settled_bytes(self, wanted: int) -> int:
        """The memory once it is at most what is wanted, or does not get there in time."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (found := self.resident_bytes()) > wanted and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return found

    def _status(self, key: str) -> int:
        for line in Path(f"/proc/{self.server.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {key}: the server is gone")

    # Others.

    def begin_calls(self) -> None:
        self._tell("begin")

    def end_calls(self) -> Calls:
        """Ends the normal calls, of which there are a least number even after a short attack."""
        self._tell("end")
        return Calls(*json.loads(self._caller.stdout.readline()))

    def _tell(self, word: str) -> None:
        self._caller.stdin.write(word + "\n")
        self._caller.stdin.flush()


def request(stream: int, path: str = GET, body: bytes | None = None, end: bool = True, **changes: str | None) -> bytes:
    """A whole call, or without `end` all of it but its end."""
    return headers(stream, path, **changes) + frame(
        DATA, END_STREAM if end else 0, stream, get_body() if body is None else body
    )


def headers(stream: int, path: str = GET, end: bool = False, extra: bytes = b"", **changes: str | None) -> bytes:
    flags = END_HEADERS | (END_STREAM if end else 0)
    return frame(HEADERS, flags, stream, block(request_headers(path, **changes)) + extra)
