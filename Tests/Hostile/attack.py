"""Attacks: what a client does to the server, and what the server must do about it."""

import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from wire import Wire

from attacker import Attacker
from subject import Subject


class Field:
    """Where one round of an attack takes place. Its connections stay open until the normal calls are done."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self.port = subject.port
        self._attackers: list[Attacker] = []
        self._connections = contextlib.ExitStack()

    @property
    def outcome(self) -> str:
        """What became of most connections."""
        outcomes = Counter(attacker.outcome for attacker in self._attackers)
        return outcomes.most_common(1)[0][0] if outcomes else "open"

    def attacker(self, *arguments, **options) -> Attacker:
        attacker = Attacker(self.port, *arguments, **options)
        self._attackers.append(attacker)
        self._connections.callback(attacker.close)
        return attacker

    def attackers(self, count: int, *arguments, **options) -> list[Attacker]:
        return [self.attacker(*arguments, **options) for _ in range(count)]

    def closes_later(self, connection: socket.socket) -> None:
        """Keeps a connection open as long as the others."""
        self._connections.callback(connection.close)

    def wire(self, **options) -> Wire:
        """A connection on which answers can be read."""
        wire = Wire(self.subject.server, **options)
        self._connections.callback(wire.close)
        return wire

    def close(self) -> None:
        self._connections.close()


@dataclass(frozen=True)
class Attack:
    """`strike` does it, once a round, and fails with AssertionError where the server lets too much pass."""

    category: str
    title: str
    strike: Callable[[Field], None]
    flags: tuple[str, ...]


class Category:
    """Attacks of one kind, in the order in which they are written."""

    def __init__(self, name: str):
        self._name = name
        self.attacks: list[Attack] = []

    def attack(self, title: str, *flags: str):
        """An attack on a server with these flags."""

        def add(strike: Callable[[Field], None]) -> Callable[[Field], None]:
            self.attacks.append(Attack(self._name, title, strike, flags))
            return strike

        return add
