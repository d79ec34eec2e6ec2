"""The page of what was measured, made from the results of runs so that nobody types a figure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from refit.chaos.faults import FAULTS
from refit.chaos.runs import TOGETHER

Result = dict[str, Any]
TEXTS = Path(__file__).parent
# From the measurements of the peers: what never reached the store, lowest to highest of three runs.
PEERS = {
    "agent-restarted": ("40 to 180", "235 to 740", "0 to 4,622", "772 to 1,269"),
    "broker-away": ("1,464 to 2,478, its consumer dead until restarted", "everything", "", ""),
    "store-away": ("0", "up to 4,468", "", ""),
    "machines-away": ("12,194 to 12,826, source times rounded", "1,900", "", ""),
    "broker-away-agent-restarted": ("26,180", "", "16,000", ""),
}
COLUMNS = (
    "| fault | times | acknowledged | lost | doubled | refused | missing, and said | gap records"
    " | live again, s | caught up, s |\n|---|---|---|---|---|---|---|---|---|---|\n"
)


def text_of(file: Path) -> str:
    """The Markdown of a file of results."""
    results = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    head = (TEXTS / "page_head.md").read_text()
    parts = [
        head, *_sections(results), _unclean(results), _peers(results), _machines(results),
        _sentences(results),
    ]  # fmt: skip
    return "".join(parts)


def _sections(results: Sequence[Result]) -> Iterator[str]:
    """A table for each machine, store, broker and rate."""
    for own in (True, False):
        for kind in sorted({_kind(one) for one in results if (one["machine"] == "own") is own}):
            some = [one for one in results if _kind(one) == kind]
            yield f"\n## {_title(some)}\n\n{COLUMNS}"
            order = [fault.name for fault in FAULTS] + [TOGETHER]
            names = sorted({one["name"] for one in some}, key=order.index)
            yield from (_row(name, [one for one in some if one["name"] == name]) for name in names)
            yield _row("all of them", some)


def _kind(one: Result) -> tuple[str, str, str, float]:
    return one["machine"], one["store"], one["broker"], one["rate"]


def _title(some: Sequence[Result]) -> str:
    one = some[0]
    machine = "Simulated machines" if one["machine"] == "own" else "A counting machine"
    store = {"sqlite": "SQLite", "influxdb": "InfluxDB"}[one["store"]]
    broker = {"embedded": "the embedded broker", "mosquitto": "Mosquitto"}[one["broker"]]
    return f"{machine}, {one['rate']:,.0f} values/s asked for, {store}, {broker}"


def _row(name: str, runs: Sequence[Result]) -> str:
    total: Counter[str] = Counter()
    for one in runs:
        total.update({k: v for k, v in one["account"].items() if isinstance(v, int)})
    rounds = [one for run in runs for one in run["rounds"]]
    acknowledged = f"{total['acknowledged']:,}" if runs[0]["machine"] == "own" else "not logged"
    unclean = sum(not one["clean"] for one in runs)
    cells = [
        f"{name} ({unclean} not clean)" if unclean else name, f"{len(rounds)}", acknowledged,
        *(f"{total[key]:,}" for key in ("lost", "duplicates", "refused", "told", "gaps")),
        *(_spread(one[key] for one in rounds) for key in ("live_s", "caught_up_s")),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _unclean(results: Sequence[Result]) -> str:
    """What was wrong, in the words of the account."""
    rows = []
    for one in results:
        if not one["clean"]:
            words = [word for word in (one["error"], *one["account"]["problems"]) if word]
            said = "; ".join(words) or "see its counts above"
            said = re.sub(r"frozenset\(\{.*?\}\)", "(...)", said)
            rows.append(f"- {one['name']}, {_title([one])}, seed {one['seed']}: {said}\n")
    return "\n## What was not clean\n\n" + "".join(rows) if rows else ""


def _spread(values: Iterable[float | None]) -> str:
    found = [one for one in values if one is not None]
    return f"{median(found):.1f} ({max(found):.1f})" if found else ""


def _peers(results: Sequence[Result]) -> str:
    counted = [one for one in results if one["machine"] != "own" and one["rate"] == 1_000]
    rows = []
    for name, others in PEERS.items():
        runs = [one["account"] for one in counted if one["name"] == name]
        if runs:
            ours = ", ".join(f"{one['told'] + one['lost']:,}" for one in runs)
            rows.append(f"| {_sentence(name)} | {ours} | {' | '.join(others)} |\n")
    if not rows:
        return ""
    loads = [one["on"]["load"] for one in counted]
    busy = (
        f"\nOurs with a load of {min(loads):.0f} to {max(loads):.0f} on {counted[0]['on']['cores']}"
        " cores by other work: nobody is subscribed while an agent starts, and there that takes"
        " several times as long as on a machine of its own.\n"
    )
    return "\n" + (TEXTS / "page_peers.md").read_text() + "".join(rows) + busy


def _sentence(name: str) -> str:
    return next((one.sentence for one in FAULTS if one.name == name), "all of these, in pairs")


def _machines(results: Sequence[Result]) -> str:
    """On what all of this was measured."""
    cores = sorted({one["on"]["cores"] for one in results})
    dates = sorted({one["on"]["date"] for one in results})
    loads = [one["on"]["load"] for one in results]
    versions = {name: number for one in results for name, number in one["on"]["versions"].items()}
    carried: dict[tuple[str, str, str, float], float] = {}
    for one in results:
        carried[_kind(one)] = max(carried.get(_kind(one), 0.0), one["values_per_s"])
    own = max((v for k, v in carried.items() if k[0] == "own"), default=0.0)
    servers = sorted({name for one in results for name in one["servers"]})
    listed = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    return (
        f"\n## On what\n\n{' or '.join(map(str, cores))} cores, shared with other work (load"
        f" {min(loads):.1f} to {max(loads):.1f}: the seconds above are those of a busy machine,"
        " and with them grows what is missing, and said), Python"
        f" {results[-1]['on']['python']}, {dates[0]} to {dates[-1]}."
        f" {', '.join([listed, *servers])}. The most values/s that our simulators"
        f" offered in a run here: {own:,.0f}; the mean over a run counts its start and its end"
        f" too.{_stood_still(results)}\n"
    )


def _stood_still(results: Sequence[Result]) -> str:
    """How long a fault of up to a minute was in these runs."""
    times = [
        turn["lasted_s"] for one in results if one["name"].endswith("-frozen")
        for turn in one["rounds"]
    ]  # fmt: skip
    return f" The longest that something stood still here: {max(times):.1f} s." if times else ""


def _sentences(results: Sequence[Result]) -> str:
    names = [fault.name for fault in FAULTS if any(one["name"] == fault.name for one in results)]
    rows = "".join(f"| {name} | {_sentence(name)} |\n" for name in names)
    return f"\n## What each fault is\n\n| fault | what happens |\n|---|---|\n{rows}"
