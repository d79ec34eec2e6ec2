"""What is wrong, from the answers of a historian and of agents. Pure: no I/O and no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stations.status import BAD, is_good

SILENT_S = 60.0  # six times the interval at which an agent speaks of its health
BACKLOG_S = 60.0
DISK_FREE_BYTES = 1 << 30
NAMES_MAX = 5

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: with what, since when (UTC ms; None: not known), and what it is.

    `is_failure` False: something to look at, while everything still arrives.
    """

    what: str
    since_ms: int | None
    said: str
    is_failure: bool = True


def historian(health: Answer) -> Iterator[Finding]:
    """What a historian's /healthz says of itself."""
    since = health.get("since_ms", {})
    for problem in health["problems"]:
        yield Finding("historian", since.get(problem), problem)
    if refused := health.get("refused"):
        told = f"{refused} samples were refused by the store since it started: see its dead letters"
        yield Finding("historian", None, told, is_failure=False)


def agents(stations: Answer, here: Mapping[str, Answer]) -> Iterator[Finding]:
    """What is wrong with agents; `here` are the /healthz of those that answer on this machine."""
    now_ms = stations["time_ms"]
    for name, one in stations["agents"].items():
        if name in here:
            since = here[name].get("since_ms", {})
            yield from (Finding(name, since.get(told), told) for told in here[name]["problems"])
        elif one["online"] and one.get("problem"):
            more = int(one.get("problems") or 1) - 1
            yield Finding(name, None, one["problem"] + (f" (and {more} more)" if more else ""))
        if not one["online"]:
            yield Finding(name, one["since_ms"], f"offline: {one['why']}{_of(stations, name)}")
        elif one["heard_ms"] is not None and now_ms - one["heard_ms"] > 1000 * SILENT_S:
            yield Finding(name, one["heard_ms"], "online, but silent")
        if (one.get("backlog_age_s") or 0) > BACKLOG_S:
            began = now_ms - round(1000 * one["backlog_age_s"])
            told = f"{one['backlog_samples']} samples wait in its outbox"
            yield Finding(name, began, told, is_failure=False)
    for name, one in here.items():
        free = one["health"]["disk_free"]
        if free < DISK_FREE_BYTES:
            told = f"{free / (1 << 20):.0f} MiB are free on the disk of its outbox"
            yield Finding(name, None, told, is_failure=False)


def _of(stations: Answer, agent: str) -> str:
    lost = [name for name, one in stations["stations"].items() if one["agent"] == agent]
    return f"; with it {_listed(lost)}" if lost else ""


def lost(here: Mapping[str, Answer]) -> Iterator[Finding]:
    """What agents of this machine say of themselves while no historian answers."""
    for name, one in here.items():
        since = one.get("since_ms", {})
        yield from (Finding(name, since.get(told), told) for told in one["problems"])


def tags(stations: Answer) -> Iterator[Finding]:
    """What is wrong with stations whose agent is there: offline, and tags that are not Good."""
    for name, one in stations["stations"].items():
        if not stations["agents"].get(one["agent"], {}).get("online"):
            continue
        if not one["online"]:
            yield Finding(name, one["since_ms"], f"offline: {one['why']}")
            continue
        poor = {
            tag: told for tag, told in one["tags"].items()
            if told["status"] is not None and not is_good(told["status"])
        }  # fmt: skip
        bad = {tag for tag, told in poor.items() if told["status"] & BAD}
        for word, found in (("Bad", bad), ("Uncertain", set(poor) - bad)):
            if found:
                began = min(poor[tag]["time_ms"] for tag in found)
                told = f"{len(found)} of {len(one['tags'])} tags {word}: {_listed(sorted(found))}"
                yield Finding(name, began, told, is_failure=word == "Bad")


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - NAMES_MAX
    return ", ".join(listed[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Failures first, what has lasted longest before what is new."""
    return sorted(findings, key=lambda one: (not one.is_failure, one.since_ms or 1 << 60))
