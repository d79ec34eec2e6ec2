"""The page docs/endurance.md, made from its results: `python -m benchmarks.endurance`.

A result is a line of docs/endurance.jsonl: of a soak (`benchmarks.soak --results`), of simulated
days (`tests.world.soak --results`) or of a flood.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RESULTS, PAGE = DOCS / "endurance.jsonl", DOCS / "endurance.md"
HEAD = """# Endurance

What Refit holds over hours, what it costs when something is away, and what a wild agent does to the
others. Made by `python -m benchmarks.endurance` from docs/endurance.jsonl: nobody types these
figures. Real processes on one machine (SQLite, the embedded broker, simulated machines); a run
appends its line with `--results docs/endurance.jsonl`.

A run is clean when every value is accounted for as in [Reliability](reliability.md) and nothing
that was looked at is more in the last sixth of the run than in the first sixth after its warm-up
(memory: a tenth and 8 MiB, files and sockets: 8, outbox and dead letters: 16 MiB).
"""
TABLE = (
    "| process | what | first sixth after the warm-up | last sixth | most |\n"
    "|---|---|---|---|---|\n"
)
FLOOD = """
## A wild agent

`pytest -s tests/system/test_flood.py`: somebody else publishes in the site's namespace as fast as
the broker takes it. How late the newest stored value of the other agent was at most, with other
work beside:

| flood | messages in 6 s | late, s |
|---|---|---|
"""
AFTER_FLOOD = """
Nothing of the other agent was lost. At a broker with [rights](how-to/secure-the-broker.md) none of
it but the first comes in.
"""
Result = Mapping[str, Any]


def text_of(results: Sequence[Result]) -> str:
    """The page of these results; the newest of a kind and length comes first."""
    parts = [HEAD]
    for one in reversed(results):
        if one["kind"] in ("faults", "broker", "historian", "simulators"):
            parts += _soak(one)
    for one in results:
        if one["kind"] == "flood":
            rows = "".join(
                f"| {row['flood']} | {row['messages']:,} | {row['late_s']:.1f} |\n".replace(
                    "| 0 |", "| none |"
                )
                for row in one["rows"]
            )
            parts += [FLOOD, rows, AFTER_FLOOD]
    days = [one for one in results if one["kind"] == "days"]
    if days:
        parts += _days(days[-1])
    return "".join(parts)


def _soak(one: Result) -> Iterator[str]:
    minutes, account = one["minutes"], one["account"]
    if one["kind"] == "faults":
        command = f"python -m benchmarks.soak --minutes {minutes:g}"
        command += "" if one["every_s"] == 60 else f" --every {one['every_s']:g}"
        yield f"\n## {minutes:g} minutes with a fault every {one['every_s']:g} s\n\n`{command}`:"
        yield f" {sum(one['faults'].values())} faults, chosen by a seed, each for 2 to 30 s;"
        yield " neither the agent nor the historian is ever started anew.\n\n"
    else:
        who = "a broker" if one["kind"] == "broker" else f"the {one['kind']}"
        command = f"python -m benchmarks.soak --without {one['kind']} --minutes {minutes:g}"
        yield f"\n## {minutes:g} minutes without {who}\n\n`{command}`: the agent goes on reading;"
        yield " what it reads waits on its disk.\n\n"
    yield TABLE
    for row in one["measured"]:
        held = " | ".join(_number(row[key]) for key in ("first", "last", "most"))
        yield f"| {row['process']} | {row['what']} | {held} |\n"
    if one["faults"]:
        yield "\n" + ", ".join(f"{name} {n}" for name, n in one["faults"].items()) + ".\n"
    if one["kind"] != "faults":
        yield f"\nThe outbox had {one['backlog_mib']:g} MiB when it came back.\n"
    verdict = "Clean" if one["clean"] else "**Not clean**"
    yield (
        f"\n{verdict}: {_count(account['acknowledged'])} values acknowledged,"
        f" {_count(account['stored'])} stored, {_count(account['lost'])} lost,"
        f" {_count(account['duplicates'])} doubled, {_count(account['told'])} missing and said.\n"
    )
    yield "".join(f"\n- {problem}" for problem in account["problems"][:5])
    yield "\n" if account["problems"] else ""
    yield f"\n{_on(one)}\n"


def _number(number: float | None) -> str:
    return "" if number is None else f"{number:.1f}"


def _count(number: int | None) -> str:
    return "an unknown number" if number is None else f"{number:,}"


def _on(one: Result) -> str:
    on = one["on"]
    load = "beside much other work" if on["load"] is None else f"load {on['load']:g} at the end"
    return f"{on['date']}, {on['cores']} cores, {load}, Python {on['python']}."


def _days(one: Result) -> Iterator[str]:
    yield (
        f"\n## {one['days']} simulated days\n\n`python -m tests.world.soak --days {one['days']}`:"
        f" one agent and one historian in virtual time, {one['faults']} faults, {one['agents']}"
        f" starts of an agent and {one['historians']} of a historian, their databases on a real"
        f" file system, machines that change every 5 to 15 minutes; {one['acknowledged']:,} samples"
        " acknowledged. At the end of a day:\n\n"
    )
    yield "| what | day 10 | last day |\n|---|---|---|\n"
    tenth, last = one["held"][min(9, len(one["held"]) - 1)], one["held"][-1]
    for name, unit in (
        ("rss_kib", " KiB"), ("objects", ""), ("tasks", ""), ("threads", ""), ("files", ""),
        ("outbox", " bytes"), ("store", " bytes"), ("letters", " dead letters"),
        ("letter_bytes", " bytes"), ("ledger", " bytes"),
    ):  # fmt: skip
        if name in last:
            yield f"| {name.replace('_', ' ')} | {tenth[name]:,}{unit} | {last[name]:,}{unit} |\n"
    verdict = "Not flat:"
    if one["clean"]:
        verdict = (
            "Flat: dead letters come up to their bound, here 40, and the ledger has more records."
        )
    yield f"\n{verdict}\n" + "".join(f"\n- {problem}" for problem in one["problems"])


def main() -> int:
    """Write the page."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    PAGE.write_text(text_of([json.loads(line) for line in lines]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
