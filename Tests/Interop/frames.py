"""gRPC over the h2 library, which shows what grpc libraries hide: the flag of each message."""

import socket
import struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event

DEADLINE_SECONDS = 30
CHUNK_BYTES = 16_384


class Messages:
    """Cuts the bytes of a stream into messages: pairs of flag and bytes."""

    def __init__(self) -> None:
        self._buffer = b""

    def take(self, data: bytes) -> list[tuple[bool, bytes]]:
        self._buffer += data
        found = []
        while len(self._buffer) >= 5:
            flag, length = struct.unpack(">BI", self._buffer[:5])
            if len(self._buffer) < 5 + length:
                break
            found.append((flag == 1, self._buffer[5 : 5 + length]))
            self._buffer = self._buffer[5 + length :]
        return found


class Connection:
    """One connection, which reads whenever it waits for room to send."""

    def __init__(self, channel: socket.socket, client_side: bool) -> None:
        channel.settimeout(DEADLINE_SECONDS)
        self._channel = channel
        self._unhandled: list[Event] = []
        self.h2 = H2Connection(H2Configuration(client_side=client_side))
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self._channel.sendall(self.h2.data_to_send())

    def events(self) -> list[Event]:
        """What came in; nothing once the other end is gone."""
        if not self._unhandled:
            self._read()
        events, self._unhandled = self._unhandled, []
        return events

    def send_message(self, stream: int, message: bytes, ends_stream: bool) -> None:
        data = struct.pack(">BI", 0, len(message)) + message
        while data:
            room = min(self.h2.local_flow_control_window(stream), CHUNK_BYTES, len(data))
            if room == 0:
                self._read()
                continue
            chunk, data = data[:room], data[room:]
            self.h2.send_data(stream, chunk, end_stream=ends_stream and not data)
            self.flush()

    def _read(self) -> None:
        data = self._channel.recv(65_536)
        if not data:
            self._unhandled.append(ConnectionTerminated())
            return
        for event in self.h2.receive_data(data):
            if isinstance(event, DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self._unhandled.append(event)
        self.flush()
