"""Every test case, by our client and grpcio's against our server and grpcio's, in plaintext and over TLS."""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import certificates

PATIENCE_SECONDS = 60
HERE = Path(__file__).parent
LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")

CASES = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "client_compressed_unary",
    "server_compressed_unary",
    "client_compressed_streaming",
    "server_compressed_streaming",
]
# A server must see whether requests are compressed, which grpcio does not tell.
SEES_FLAGS = {"client_compressed_unary", "client_compressed_streaming"}


@dataclass
class Security:
    """Plaintext, or a certificate and who signed it."""

    name: str
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def server_flags(self) -> list:
        if not self.ca_file:
            return []
        return [f"--tls_cert_file={self.certificate_file}", f"--tls_key_file={self.key_file}"]

    def client_flags(self) -> list:
        if not self.ca_file:
            return []
        return [f"--ca_file={self.ca_file}", f"--server_host_override={certificates.SERVER_NAME}"]


def python(script: str) -> list:
    return [sys.executable, HERE / script]


@contextmanager
def serving(command: list) -> Iterator[int]:
    """The port of a server that is stopped in the end."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        match = LISTENING.search(process.stdout.readline())
        if not match:
            raise SystemExit(f"{command[0]} does not listen")
        yield int(match[1])
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def passes(client: list, port: int, case: str) -> str | None:
    """Why the case fails; None if it passes."""
    command = [*client, f"--server_port={port}", f"--test_case={case}"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no end within {PATIENCE_SECONDS} seconds"
    return None if result.returncode == 0 else (result.stdout + result.stderr).strip() or f"exit {result.returncode}"


def refusals_missing(our_server: Path, tls: Security) -> list[str]:
    """What our server serves by, though half of what it needs for TLS is not there."""
    certificate, key = tls.server_flags()
    missing = []
    for flags in ([certificate], [key], ["--use_tls=true"], ["--use_tls=true", certificate], ["--use_tls=false", key]):
        command = [our_server, "--port=0", *flags]
        try:
            result = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            missing.append(f"the server runs with {' '.join(flags)}")
            continue
        if result.returncode == 0 or "--tls_cert_file" not in result.stderr or "--tls_key_file" not in result.stderr:
            missing.append(f"the server does not say what is wrong with {' '.join(flags)}: {result.stderr}")
    return missing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, type=Path, help="our server")
    parser.add_argument("--client", required=True, type=Path, help="our client")
    arguments = parser.parse_args()
    our_server, our_client = arguments.server.resolve(), arguments.client.resolve()
    stock_client = python("stock_client.py")

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        columns: list[tuple[str, list, int, int]] = []
        tls = Security("TLS", *certificates.make(folder))
        failures = refusals_missing(our_server, tls)
        for security in (Security("plaintext"), tls):
            use_tls = f"--use_tls={'true' if security.ca_file else 'false'}"
            # The files alone say as much as they do together with the flag.
            ours = stack.enter_context(serving([our_server, "--port=0", *security.server_flags()]))
            told = stack.enter_context(serving([our_server, "--port=0", use_tls, *security.server_flags()]))
            stock = stack.enter_context(serving([*python("stock_server.py"), *security.server_flags()]))
            frames = stack.enter_context(serving([*python("frames_server.py"), *security.server_flags()]))
            us = [our_client, "--server_host=127.0.0.1", use_tls, *security.client_flags()]
            them = [*stock_client, *security.client_flags()]
            columns += [
                (f"ours, ours, {security.name}", us, ours, ours),
                (f"grpcio, ours, {security.name}", them, told, told),
                (f"ours, grpcio, {security.name}", us, stock, frames),
                (f"grpcio, grpcio, {security.name}", them, stock, frames),
            ]
        report(columns, failures)


def report(columns: list[tuple[str, list, int, int]], failures: list[str]) -> None:
    """Prints a table with a row for each case, and why what fails fails, or failed before."""
    print("client, server:", "; ".join(f"{index + 1} = {column[0]}" for index, column in enumerate(columns)))
    print(f"{'':28}", *(f"{index + 1:^4}" for index in range(len(columns))))
    for case in CASES:
        marks = []
        for name, client, port, frames_port in columns:
            failure = passes(client, frames_port if case in SEES_FLAGS else port, case)
            marks.append("FAIL" if failure else " ok ")
            if failure:
                failures.append(f"{case} ({name}): {failure}")
        print(f"{case:28}", *marks, flush=True)
    for failure in failures:
        print(failure, file=sys.stderr)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
