"""Runs every case against nghttpd and sessiond; fails where nghttpd keeps a rule that sessiond breaks."""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import compression_cases
import connection_cases
import frame_cases
import message_cases
import setting_cases
import stream_cases
from case import Case
from targets import Target, nghttpd, sessiond

CASES: list[Case] = [
    case
    for module in (connection_cases, stream_cases, frame_cases, setting_cases, message_cases, compression_cases)
    for case in module.table.cases
]
# Cases mostly wait for the server; one that waits in vain does not hold up the others.
THREADS = 8
PASSED = "pass"


def verdict(case: Case, target: Target) -> str:
    """PASSED, or what came instead of what must."""
    try:
        case.check(target)
    except AssertionError as failure:
        return str(failure) or "failed"
    except TimeoutError:
        return "nothing"
    except ConnectionError as failure:
        return f"closed ({failure.strerror})"
    return PASSED


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sessiond", required=True, type=Path, help="the server's binary")
    arguments.add_argument("--only", default="", help="run the cases whose section or title has this text")
    arguments.add_argument("--failures", action="store_true", help="print only what some server does not pass")
    options = arguments.parse_args()
    cases = [case for case in CASES if options.only in f"{case.section} {case.title}"]
    start = time.monotonic()
    with nghttpd() as measure, sessiond(options.sessiond.resolve()) as subject, ThreadPoolExecutor(THREADS) as pool:
        verdicts = [list(pool.map(lambda case: verdict(case, target), cases)) for target in (measure, subject)]
        # The connections of all cases are closed; the server serves on.
        after = verdict(Case("", "", lambda target: target.learn_answer()), subject)
    rows = list(zip(cases, *verdicts, strict=True))
    print_table([row for row in rows if not options.failures or row[1:] != (PASSED, PASSED)])
    regressions = [row for row in rows if row[1] == PASSED != row[2]]
    print(
        f"\n{len(rows)} cases in {time.monotonic() - start:.1f} s: nghttpd passes {count(rows, 1)}, "
        f"sessiond {count(rows, 2)}; {len(regressions)} that nghttpd passes and sessiond does not"
    )
    if after != PASSED:
        print(f"after them sessiond does not serve: {after}")
    return 1 if regressions or after != PASSED else 0


def count(rows: list[tuple[Case, str, str]], column: int) -> int:
    return sum(row[column] == PASSED for row in rows)


def print_table(rows: list[tuple[Case, str, str]]) -> None:
    lines = [("section", "case", "nghttpd", "sessiond")] + [(row[0].section, row[0].title, *row[1:]) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
