"""Runs every attack, and fails where others are served late, memory is kept, or the server does not do as it must."""

import argparse
import sys
import time
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import connection_attacks
import frame_attacks
import header_attacks
import limit_attacks
import message_attacks
import reader_attacks
import reset_attacks
import tls_attacks
from attack import Attack, Field
from attacker import Attacker
from subject import MIB, Subject

ATTACKS: list[Attack] = [
    attack
    for module in (
        reset_attacks,
        frame_attacks,
        header_attacks,
        message_attacks,
        reader_attacks,
        connection_attacks,
        limit_attacks,
        tls_attacks,
    )
    for attack in module.category.attacks
]
# What is lost is lost again with each; what the allocator keeps comes to an end.
ROUNDS_MIN = 3
ROUNDS_MAX = 9
MEDIAN_MILLISECONDS_MAX = 100
KEPT_BYTES_MAX = 10 * MIB
# In a debug build on a slow machine. What grows with the square of its input takes minutes.
CPU_SECONDS_MAX = 10
# Over all attacks on one server: what is lost with each, little as it may be, adds up.
KEPT_BY_ALL_BYTES_MAX = 128 * MIB


@dataclass
class Result:
    """What one attack did, over its rounds."""

    attack: Attack
    medians: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    outcome: str = ""
    seconds: float = 0

    @property
    def kept(self) -> int:
        return self.resident[-1] - self.resident[0]

    @property
    def is_lost(self) -> bool:
        """Whether more is kept than may be, and the last two rounds still added to it."""
        return self.kept > KEPT_BYTES_MAX and self.resident[-1] - self.resident[-3] > KEPT_BYTES_MAX

    def row(self) -> tuple[str, ...]:
        if len(self.resident) <= ROUNDS_MIN:
            return (self.attack.category, self.attack.title, *[""] * 5, "; ".join(self.faults))
        return (
            self.attack.category,
            self.attack.title,
            f"{max(self.medians):.1f}",
            f"{max(self.cpu) * 1000:.0f}",
            f"{(max(self.peaks) - self.resident[0]) / MIB:.1f}",
            f"{self.kept / MIB:.1f}",
            f"{self.seconds:.1f}",
            "FAILED: " + "; ".join(dict.fromkeys(self.faults)) if self.faults else f"pass, {self.outcome}",
        )


def run(attack: Attack, subject: Subject) -> Result:
    result = Result(attack, resident=[subject.resident_bytes()])
    start = time.monotonic()
    sockets = subject.sockets()
    while len(result.medians) < ROUNDS_MIN or result.is_lost and len(result.medians) < ROUNDS_MAX:
        try:
            strike(attack, subject, result)
        except (AssertionError, OSError) as failure:
            result.faults.append(str(failure) or type(failure).__name__)
        if not subject.server.is_running:
            result.faults.append("the server ended:\n" + subject.server.log[-2000:])
            return result
        result.resident.append(subject.settled_bytes(result.resident[0] + KEPT_BYTES_MAX))
    result.seconds = time.monotonic() - start
    if max(result.medians, default=0) > MEDIAN_MILLISECONDS_MAX:
        result.faults.append(f"others are answered after {max(result.medians):.0f} ms")
    if result.is_lost:
        result.faults.append(f"{result.kept / MIB:.0f} MiB are kept")
    if max(result.cpu, default=0) > CPU_SECONDS_MAX:
        result.faults.append(f"takes {max(result.cpu):.1f} s of CPU")
    if not subject.wait_for_sockets(sockets):
        result.faults.append(f"{subject.sockets() - sockets} sockets are still open")
    return result


def strike(attack: Attack, subject: Subject, result: Result) -> None:
    subject.forget_peak()
    before = subject.cpu_seconds()
    arena = Field(subject)
    subject.begin_calls()
    try:
        attack.strike(arena)
    finally:
        calls = subject.end_calls()
        result.outcome = arena.outcome
        arena.close()
        if subject.server.is_running:
            # Served once all that waited before it was.
            last = Attacker(subject.port)
            last.settle()
            last.close()
            result.medians.append(calls.median)
            result.cpu.append(subject.cpu_seconds() - before)
            result.peaks.append(subject.peak_bytes())
    assert not calls.errors, f"{len(calls.errors)} normal calls failed: {calls.errors[0]}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sessiond", required=True, type=Path, help="the server's binary")
    arguments.add_argument("--only", default="", help="run the attacks whose category or title has this text")
    options = arguments.parse_args()
    attacks = [attack for attack in ATTACKS if options.only in f"{attack.category}: {attack.title}"]
    start = time.monotonic()
    results: list[Result] = []
    print_row(("category", "attack", "others", "CPU", "peak", "kept", "time", "verdict"))
    print_row(("", "", "ms", "ms", "MiB", "MiB", "s", ""))
    # Attacks that need the same flags share a server.
    for flags, group in groupby(sorted(attacks, key=lambda attack: attack.flags), key=lambda attack: attack.flags):
        for result in run_group(options.sessiond.resolve(), flags, list(group)):
            results.append(result)
            print_row(result.row())
    failed = sum(bool(result.faults) for result in results)
    print(f"\n{len(results)} attacks in {time.monotonic() - start:.0f} s, {failed} not withstood")
    return 1 if failed else 0


def run_group(program: Path, flags: tuple[str, ...], attacks: list[Attack]):
    subject = None
    for attack in attacks:
        if subject is None:
            try:
                subject = Subject(program, flags)
                before = subject.resident_bytes()
            except AssertionError as failure:
                yield Result(attack, faults=[" ".join(str(failure).split())[:200]])
                continue
        yield run(attack, subject)
        if not subject.server.is_running:
            subject.stop()
            subject = None
    if subject:
        kept = subject.resident_bytes() - before
        print(
            f"  {' '.join(flags) or 'no flags'}: {before / MIB:.0f} MiB before, {kept / MIB:+.0f} MiB after", flush=True
        )
        if kept > KEPT_BY_ALL_BYTES_MAX:
            yield Result(Attack("all", "together", attacks[0].strike, flags), faults=[f"keep {kept / MIB:.0f} MiB"])
        subject.stop()


WIDTHS = (11, 84, 6, 5, 6, 6, 5, 0)


def print_row(cells: tuple[str, ...]) -> None:
    aligned = [
        cell.ljust(width) if i < 2 or not width else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    print("  ".join(aligned).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
