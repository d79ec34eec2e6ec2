"""What a soak has shown: its looks at processes and files, its account, and what has grown."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from refit.chaos.account import Account
from refit.chaos.runs import about

WARM_UP = 1 / 6  # of the run: modules are loaded, caches and the store's pages have filled
NAMES = ("memory MiB", "open files", "sockets", "threads")
FILES = ("outbox MiB", "dead letters MiB")
# By how much the last sixth may be over the first after the warm-up: a share, and a number.
MORE_MAX = {
    "memory MiB": (0.1, 8.0), "open files": (0.0, 8.0), "sockets": (0.0, 8.0),
    "threads": (0.0, 2.0), "outbox MiB": (0.0, 16.0), "dead letters MiB": (0.0, 16.0),
}  # fmt: skip
LOOKED_MIN = 0.8  # of the looks that were due: who does not look sees nothing grow
Look = dict[str, tuple[float, ...]]
Looks = Sequence[tuple[float, Look]]


def measured(looks: Looks) -> list[dict[str, Any]]:
    """Of each thing that was looked at: the first sixth after the warm-up, the last, the most."""
    length = looks[-1][0]
    parts: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for at, look in looks:
        for name, held in look.items():
            for what, number in zip(FILES if name == "files" else NAMES, held, strict=True):
                parts[name, what].append((at / length, number))
    found = []
    for (name, what), rows in parts.items():
        first = [number for share, number in rows if WARM_UP <= share < 2 * WARM_UP]
        last = [number for share, number in rows if share >= 1 - WARM_UP]
        found.append(
            {
                "process": name, "what": what, "first": round(fmean(first), 1) if first else None,
                "last": round(fmean(last), 1) if last else None,
                "most": round(max(number for _, number in rows), 1),
            }
        )  # fmt: skip
    return found


def grown(rows: Sequence[Mapping[str, Any]], *, is_away: bool = False) -> list[str]:
    """What is more in the end than after the warm-up; an outbox is, while its broker is away."""
    problems = []
    for row in rows:
        share, more = MORE_MAX[row["what"]]
        if row["first"] is None or row["last"] is None:
            problems.append(f"nobody looked at {row['process']}'s {row['what']} long enough")
        elif row["last"] > row["first"] * (1 + share) + more and not (
            is_away and row["what"] == "outbox MiB"
        ):
            problems.append(
                f"{row['process']}: {row['what']} grew from {row['first']} to {row['last']}"
            )
    return problems


def result(
    kind: str, minutes: float, every_s: float, looks: Looks, due: float, account: Account,
    faults: Mapping[str, int], backlog_mib: float,
) -> dict[str, Any]:  # fmt: skip
    """A run as it is kept in a file of results."""
    rows = measured(looks)
    problems = [*account.problems, *grown(rows, is_away=kind != "faults")]
    if len(looks) < LOOKED_MIN * due:
        problems.append(f"{len(looks)} looks of {due:.0f}: nobody looked for a part of the time")
    return {
        "kind": kind, "minutes": round(minutes, 1), "every_s": every_s, "measured": rows,
        "faults": dict(sorted(faults.items())), "backlog_mib": round(backlog_mib, 1),
        "account": {**account.as_json(), "problems": problems},
        "clean": not (account.lost or account.duplicates or problems), "on": about(),
    }  # fmt: skip


def keep(file: Path, one: Mapping[str, Any]) -> None:
    """Append a result to a file."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(one) + "\n")


def read_looks(file: Path) -> list[tuple[float, Look]]:
    """The looks of a file that a soak has written."""
    with file.open(encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    return [(at, {name: tuple(held) for name, held in look.items()}) for at, look in told]
