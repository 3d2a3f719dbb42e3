"""A director and its three departments, and a watch that sees all that happens to them."""

import argparse
import queue
import sys
import threading

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct
from orchestration.session.v1 import event_service_pb2 as events_pb
from orchestration.session.v1 import event_service_pb2_grpc as events_grpc
from orchestration.session.v1 import session_pb2 as pb
from orchestration.session.v1 import session_service_pb2 as sessions_pb
from orchestration.session.v1 import session_service_pb2_grpc as sessions_grpc

TIMEOUT_SECONDS = 10


class Watch:
    """Prints events as they commit, on a thread of its own, until it is closed."""

    def __init__(self, events: events_grpc.EventServiceStub):
        self._stream = events.WatchEvents(events_pb.WatchEventsRequest())
        self._live = threading.Event()
        self._deleted: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._print_all)
        self._thread.start()
        # The first answer says from which event on the watch sees everything.
        if not self._live.wait(TIMEOUT_SECONDS):
            self.close()
            raise TimeoutError("the watch did not start")

    def wait_until_deleted(self, session_id: str) -> None:
        while self._deleted.get(timeout=TIMEOUT_SECONDS) != session_id:
            pass

    def close(self) -> None:
        self._stream.cancel()
        self._thread.join()

    def _print_all(self) -> None:
        try:
            for response in self._stream:
                if response.WhichOneof("item") == "event":
                    print(f"  event {describe(response.event)}")
                    if response.event.kind == events_pb.EVENT_KIND_DELETED:
                        self._deleted.put(response.event.session_id)
                else:
                    self._live.set()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.CANCELLED:
                print(f"The watch ended: {error.code().name}: {error.details()}", file=sys.stderr)


def describe(event: events_pb.SessionEvent) -> str:
    kind = events_pb.EventKind.Name(event.kind).removeprefix("EVENT_KIND_")
    text = f"{event.sequence:>4}  {kind:<14}  {event.session_name:<16}  {status_name(event.new_status)}"
    if event.old_status:
        text += f" (was {status_name(event.old_status)})"
    if event.changed_fields:
        text += f" ({', '.join(event.changed_fields)})"
    return text


def status_name(status: pb.SessionStatus) -> str:
    return pb.SessionStatus.Name(status).removeprefix("SESSION_STATUS_")


def metadata(**values) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def run(channel: grpc.Channel) -> None:
    sessions = sessions_grpc.SessionServiceStub(channel)

    def create(session: pb.Session) -> pb.Session:
        request = sessions_pb.CreateSessionRequest(session=session)
        return sessions.CreateSession(request, timeout=TIMEOUT_SECONDS).session

    def delete(session: pb.Session) -> None:
        request = sessions_pb.DeleteSessionRequest(session_id=session.id, force=True)
        sessions.DeleteSession(request, timeout=TIMEOUT_SECONDS)

    watch = Watch(events_grpc.EventServiceStub(channel))
    try:
        print("Creating a director and three departments.")
        director = create(
            pb.Session(
                type=pb.SESSION_TYPE_DIRECTOR,
                name="main-director",
                workspace="/workspace/main-project",
                metadata=metadata(version="1.0.0"),
            )
        )
        departments = [
            create(
                pb.Session(
                    type=pb.SESSION_TYPE_DEPARTMENT,
                    name=name,
                    workspace=f"/workspace/departments/{domain}",
                    metadata=metadata(domain=domain),
                    capabilities=["task-processing"],
                    parent_id=director.id,
                )
            )
            for name, domain in [
                ("data-processor", "data"),
                ("validator", "validation"),
                ("notifier", "communication"),
            ]
        ]

        print("Starting the director.")
        sessions.UpdateSession(
            sessions_pb.UpdateSessionRequest(
                session=pb.Session(id=director.id, status=pb.SESSION_STATUS_ACTIVE),
                update_mask=FieldMask(paths=["status"]),
            ),
            timeout=TIMEOUT_SECONDS,
        )

        request = sessions_pb.ListSessionsRequest(types=[pb.SESSION_TYPE_DEPARTMENT], where="parentId = ?")
        request.params.add(string_value=director.id)
        listed = sessions.ListSessions(request, timeout=TIMEOUT_SECONDS)
        print(f"The director's departments, as of event {listed.sequence}:")
        for session in listed.sessions:
            print(f"  {session.name:<16}  {status_name(session.status):<12}  {session.workspace}")

        print("Deleting them all.")
        for session in [*departments, director]:
            delete(session)
        watch.wait_until_deleted(director.id)
    finally:
        watch.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:50051", help="where sessiond listens (%(default)s)")
    address = parser.parse_args().address

    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=TIMEOUT_SECONDS)
            run(channel)
        except grpc.FutureTimeoutError:
            print(f"No sessiond answers at {address}.", file=sys.stderr)
            return 1
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
