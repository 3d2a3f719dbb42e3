"""Cases: a rule of an RFC, what is sent, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass

from peer import Peer
from targets import Target


@dataclass(frozen=True)
class Case:
    """One rule. `check` fails with AssertionError, whose text says what came instead."""

    section: str
    title: str
    check: Callable[[Target], None]


Bytes = Callable[[Peer], bytes]


class Table:
    """The cases of one RFC, in the order in which they are written."""

    def __init__(self, rfc: str):
        self.cases: list[Case] = []
        self._rfc = rfc

    def case(self, section: str, title: str, **options):
        """A case that does its own sending and expecting, on a connection with these options."""

        def add(check: Callable[[Peer], None]) -> Callable[[Peer], None]:
            def run(target: Target) -> None:
                peer = Peer(target, **options)
                try:
                    check(peer)
                finally:
                    peer.close()

            self.cases.append(Case(f"{self._rfc} {section}", title, run))
            return check

        return add

    def connection_errors(self, section: str, rules: dict[str, tuple], **options) -> None:
        """What must end the connection with this code, or one of these."""
        for title, (data, *codes) in rules.items():

            def check(peer: Peer, data=data, codes=codes) -> None:
                peer.try_to_send(data(peer))
                peer.expect_connection_error(*codes)

            self.case(section, title, **options)(check)

    def stream_errors(self, section: str, rules: dict[str, tuple], **options) -> None:
        """What must end stream 1 with this code, or one of these."""
        for title, (data, *codes) in rules.items():

            def check(peer: Peer, data=data, codes=codes) -> None:
                peer.try_to_send(data(peer))
                peer.expect_stream_error(1, *codes)

            self.case(section, title, **options)(check)

    def answered(self, section: str, rules: dict[str, Bytes], **options) -> None:
        """What is a good request on stream 1, after which the connection serves another."""
        for title, data in rules.items():

            def check(peer: Peer, data=data) -> None:
                stream = peer.new_stream()
                peer.try_to_send(data(peer))
                peer.expect_answer(stream)
                peer.expect_service()

            self.case(section, title, **options)(check)

    def harmless(self, section: str, rules: dict[str, Bytes], **options) -> None:
        """What changes nothing: the connection serves a request after it. Stream 1 is not that request's."""
        for title, data in rules.items():

            def check(peer: Peer, data=data) -> None:
                peer.new_stream()
                peer.try_to_send(data(peer))
                peer.settle()
                peer.expect_service()

            self.case(section, title, **options)(check)
