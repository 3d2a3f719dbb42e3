"""A real sessiond: started on a free port, spoken to by stock clients, stopped by its process id."""

import re
import signal
import subprocess
import threading
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2_grpc
from orchestration.session.v1.affinity_service_pb2_grpc import AffinityServiceStub
from orchestration.session.v1.event_service_pb2_grpc import EventServiceStub
from orchestration.session.v1.health_service_pb2_grpc import SessionHealthServiceStub
from orchestration.session.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from orchestration.session.v1.message_service_pb2_grpc import MessageServiceStub
from orchestration.session.v1.metrics_service_pb2_grpc import MetricsServiceStub
from orchestration.session.v1.session_service_pb2_grpc import SessionServiceStub
from orchestration.session.v1.template_service_pb2_grpc import TemplateServiceStub

PATIENCE_SECONDS = 20
LISTENING = re.compile(r"listening on (127\.0\.0\.1:(\d+))")
ADMIN_PORT = re.compile(r"admin port on 127\.0\.0\.1:(\d+)")


class Server:
    """One process, one channel, the stubs on it."""

    def __init__(
        self,
        program: Path,
        database: Path,
        *arguments: str,
        environment: dict[str, str] | None = None,
        log_level: str | None = "debug",
        credentials: grpc.ChannelCredentials | None = None,
    ):
        self.database = database
        self._credentials = credentials
        self._log: list[str] = []
        self._logged = threading.Condition()
        self._listens = threading.Event()
        self.port = 0
        self.admin_port = 0
        level = ["--log-level", log_level] if log_level else []
        self._process = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--database-path", database, *level, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            errors="replace",
            # No preexec_fn: it has Python fork, and gRPC's threads are in this process. A child of such a fork
            # can stop for ever before it becomes sessiond.
        )
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()
        if not self._listens.wait(PATIENCE_SECONDS) or not self.port:
            self.kill()
            raise AssertionError(f"sessiond does not listen; its log:\n{self.log}")
        self.channel = self.new_channel()
        self.sessions = SessionServiceStub(self.channel)
        self.lifecycle = LifecycleServiceStub(self.channel)
        self.events = EventServiceStub(self.channel)
        self.templates = TemplateServiceStub(self.channel)
        self.messages = MessageServiceStub(self.channel)
        self.affinities = AffinityServiceStub(self.channel)
        self.metrics = MetricsServiceStub(self.channel)
        self.session_health = SessionHealthServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return "".join(self._log)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def new_channel(self, credentials: grpc.ChannelCredentials | None = None) -> grpc.Channel:
        # A channel of its own connects by itself; otherwise channels to one address share a connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        if credentials := credentials or self._credentials:
            return grpc.secure_channel(self.address, credentials, options)
        return grpc.insecure_channel(self.address, options)

    def hang_up(self) -> None:
        """Has the process read its settings file, certificates and tokens again, and returns at once."""
        self._process.send_signal(signal.SIGHUP)

    def wait_for_log(self, text: str, count: int = 1) -> None:
        """Returns once the log has that many lines with the text."""
        with self._logged:
            said = self._logged.wait_for(lambda: sum(text in line for line in self._log) >= count, PATIENCE_SECONDS)
        assert said, f"the log does not say {text!r}; it says:\n{self.log}"

    def terminate(self) -> None:
        """Asks the process to stop, and returns at once."""
        self._process.send_signal(signal.SIGTERM)

    def wait_for_exit(self) -> int:
        try:
            status = self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"sessiond does not stop; its log:\n{self.log}") from None
        self._close_log()
        self._close_channel()
        return status

    def stop(self) -> None:
        """Stops the process as an operator would; it must end well."""
        if self.is_running:
            self.terminate()
        status = self.wait_for_exit()
        assert status == 0, f"sessiond ended with {status}; its log:\n{self.log}"

    def crash(self) -> None:
        """Ends the process as a power failure would. The channel stays, for calls that are to end by that."""
        self._process.kill()
        self._process.wait()
        self._close_log()

    def kill(self) -> None:
        """Ends the process as a power failure would, and what uses it here."""
        self.crash()
        self._close_channel()

    def _close_log(self) -> None:
        self._reader.join()
        self._process.stdout.close()

    def _close_channel(self) -> None:
        # None where the server did not get as far as to listen.
        if hasattr(self, "channel"):
            self.channel.close()

    def _read_log(self) -> None:
        for line in self._process.stdout:
            with self._logged:
                self._log.append(line)
                self._logged.notify_all()
            if not self.admin_port and (match := ADMIN_PORT.search(line)):
                self.admin_port = int(match[1])
            if not self.port and (match := LISTENING.search(line)):
                self.port = int(match[2])
                self._listens.set()
        self._listens.set()
