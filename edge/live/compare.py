"""A declared tag beside what the machine has: pure comparison, no network."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asyncua import ua

from edge.browse import opcua_types as types
from edge.browse.opcua_facts import Facts
from edge.live.findings import Finding, Problem
from stations.declare import Tag, Type
from stations.status import BAD_NODE_ID_UNKNOWN, SEVERITY
from wire.site import devices
from wire.site.addresses import text_of

SMALL, FLOATING = range(2, 8), (10, 11)
# Which built-in types a source turns into a tag's type (see edge/sources/variants.py).
FITS: dict[Type, frozenset[int]] = {
    Type.BOOL: frozenset((1,)),
    Type.INT: frozenset((*range(2, 10), types.ENUMERATION)),
    Type.FLOAT: frozenset((*SMALL, *FLOATING)),
    Type.TEXT: frozenset((12, 13, 14, 21)),
    Type.INTS: frozenset((*range(1, 10), types.ENUMERATION)),
    Type.FLOATS: frozenset((*SMALL, *FLOATING)),
}
_SPELLED = {"degc": "°C", "deg c": "°C", "celsius": "°C", "degf": "°F", "ohm": "Ω", "deg": "°",
            "percent": "%", "1/min": "rpm", "min-1": "rpm"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Now:
    """What a tag has at this moment: its status, its value as a tag's, and how often it comes."""

    status: int
    value: Any = None
    sampling_ms: float | None = None
    asked_ms: float | None = None


def compare(tag: Tag[Any], facts: Facts, now: Now) -> Iterator[Finding]:
    """Everything in which a node of an OPC UA server is not as its tag is declared."""
    if facts.status & 0x8000_0000:
        is_absent = facts.status == BAD_NODE_ID_UNKNOWN
        found = "no such node" if is_absent else "a node that is no variable"
        if is_absent:
            yield Finding(Problem.MISSING, tag.name, text_of(tag.at), found)
        else:
            yield Finding(Problem.TYPE, tag.name, _type(tag), found)
        return
    if facts.why_not and "not readable" in facts.why_not:
        yield Finding(Problem.UNREADABLE, tag.name, _type(tag), facts.why_not)
        return
    is_of_type = list(_types(tag, facts))
    yield from is_of_type
    if facts.unit and plain(tag.unit) != plain(facts.unit):
        yield Finding(Problem.UNIT, tag.name, tag.unit or "none", facts.unit)
    yield from _ranges(tag, facts)
    if now.sampling_ms is not None and now.asked_ms is not None and now.sampling_ms > now.asked_ms:
        asked, found = f"every {now.asked_ms:g} ms", f"every {now.sampling_ms:g} ms"
        yield Finding(Problem.SLOW, tag.name, asked, found)
    if not is_of_type:
        yield from value_now(tag, now)


def value_now(tag: Tag[Any], now: Now) -> Iterator[Finding]:
    """A status that is not Good, or a value that nobody can believe."""
    if now.status & SEVERITY:
        yield Finding(
            Problem.BAD, tag.name, "Good", ua.StatusCode(ua.UInt32(now.status & 0xFFFF_0000)).name
        )
    elif not _believable(tag, now.value):
        yield Finding(Problem.UNBELIEVABLE, tag.name, _range(tag.low, tag.high), f"{now.value:g}")


def _believable(tag: Tag[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return (tag.low is None or value >= tag.low) and (tag.high is None or value <= tag.high)


def _types(tag: Tag[Any], facts: Facts) -> Iterator[Finding]:
    if facts.built_in in types.ABSTRACT:
        return  # no value now, so nobody can tell
    found = types.NAMES.get(facts.built_in, f"type {facts.built_in}")
    is_array = tag.value_type in (Type.INTS, Type.FLOATS)
    if facts.length is not None:
        found += f"[{facts.length or ''}]"
    fits = facts.built_in in FITS[tag.value_type] and is_array == (facts.length is not None)
    if not fits:
        yield Finding(Problem.TYPE, tag.name, _type(tag), found)
    elif is_array and facts.length and facts.length != tag.length:
        yield Finding(Problem.LENGTH, tag.name, _type(tag), found)


def _ranges(tag: Tag[Any], facts: Facts) -> Iterator[Finding]:
    """A declared limit that the machine's range contradicts; none declared is no harm."""
    pairs = [(tag.low, facts.low), (tag.high, facts.high)]
    if any(mine is not None and its is not None and mine != its for mine, its in pairs):
        declared, found = _range(tag.low, tag.high), _range(facts.low, facts.high)
        yield Finding(Problem.RANGE, tag.name, declared, found)


def plain(unit: str) -> str:
    """A unit in one spelling: `degC` is `°C`, but `mW` is not `MW`."""
    text = " ".join(unicodedata.normalize("NFKC", unit).split())
    return _SPELLED.get(text.lower(), text.replace(" ", ""))


def _type(tag: Tag[Any]) -> str:
    return devices.type_of(tag)


def _range(low: float | None, high: float | None) -> str:
    return f"{'' if low is None else f'{low:g}'} .. {'' if high is None else f'{high:g}'}".strip()
