"""Answers of a historian, as short as a test may write them."""

from __future__ import annotations

from typing import Any

NOW_MS = 1_700_000_000_000


def tag(value: Any = None, status: int | None = 0, **more: Any) -> dict[str, Any]:
    """What a whole answer says of a tag."""
    about = {
        "type": "float", "unit": "", "low": None, "high": None, "doc": "", "value": value,
        "status": status, "time_ms": NOW_MS, "count": 1, "recent": [],
    }  # fmt: skip
    return about | more


def changed(value: Any, count: int, recent: list[Any], **more: Any) -> dict[str, Any]:
    """What a partial answer says of a tag."""
    told = {"value": value, "status": 0, "time_ms": NOW_MS, "count": count, "recent": recent}
    return told | more


def station(online: bool = True, **tags: dict[str, Any]) -> dict[str, Any]:
    """A station of line-1 that pc-1 serves."""
    return {
        "line": "line-1", "kind": "device", "agent": "pc-1", "online": online,
        "why": "" if online else "DDEATH", "since_ms": NOW_MS - 90_000, "tags": tags,
    }  # fmt: skip


def answer(*, partial: bool = False, agent: bool = True, **stations: Any) -> dict[str, Any]:
    """An answer of /stations; `press_1` stands for press-1."""
    about = {
        "online": agent, "why": "" if agent else "NDEATH", "since_ms": NOW_MS - 5_000,
        "heard_ms": NOW_MS, "backlog_samples": 0,
    }  # fmt: skip
    return {
        "site": "works", "historian": "historian", "time_ms": NOW_MS, "connected": True,
        "store": "", "token": "t-1", "partial": partial, "agents": {"pc-1": about},
        "stations": {name.replace("_", "-"): told for name, told in stations.items()},
    }  # fmt: skip
