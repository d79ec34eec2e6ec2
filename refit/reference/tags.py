"""The reference page of a kind's tags, commands and states, made from its declaration."""

from __future__ import annotations

from typing import Any

from refit.reference.markdown import HEAD, code, table, words
from refit.tags import limits_of, type_of
from stations import kinds
from stations.declare import State, Station, Tag
from wire.site import addresses

NOTES = """
Limits are those of a value that can be believed, in the unit. A change of at most the deadband is
not reported. `every` overrides the interval of the connection; after `stale` without a change a
value counts as stale. Addresses are those of the kind; `[station.at]` in the
[site file](site-file.md#addresses) maps them to a machine's own.

"""
COLUMNS = (
    "tag", "type", "unit", "limits", "deadband", "every", "stale", "address", "what it is",
)  # fmt: skip


def page(kind: str) -> str:
    """The whole page as Markdown."""
    station = kinds.find(kind).station
    parts = [f"# Tags of the kind `{kind}`\n\n{HEAD}\n{words(station)}{NOTES}"]
    parts.append(table(COLUMNS, [_row(tag) for tag in station.tags]))
    parts += [_commands(station), *(_states(states) for states in _all_states(station))]
    return "".join(parts)


def _row(tag: Tag[Any]) -> tuple[str, ...]:
    kind = type_of(tag)
    return (
        code(tag.name),
        f"[{kind}](#{kind.lower()})" if tag.states else kind,
        tag.unit,
        limits_of(tag),
        f"{tag.deadband:g}" if tag.deadband else "",
        f"{tag.every_ms} ms" if tag.every_ms else "",
        f"{tag.stale_ms} ms" if tag.stale_ms else "",
        code(addresses.text_of(tag.at, tag.length)),
        tag.doc,
    )


def _commands(station: type[Station]) -> str:
    if not station.commands:
        return ""
    rows = [(code(one.name), code(addresses.text_of(one.at)), one.doc) for one in station.commands]
    return f"\n## Commands\n\n{table(('command', 'address', 'what it does'), rows)}"


def _all_states(station: type[Station]) -> list[type[State]]:
    return list(dict.fromkeys(tag.states for tag in station.tags if tag.states is not None))


def _states(states: type[State]) -> str:
    rows = [(str(state.value), code(state.name), state.doc) for state in states]
    return f"\n## {states.__name__}\n\n{table(('number', 'state', 'what it means'), rows)}"
