"""What a server says about its variables: type, unit, range, words, whether they can be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from asyncua import ua

from edge.browse import opcua_types as types
from edge.browse.found import Progress
from edge.browse.meanings import TOLD, meanings, of_types
from edge.browse.opcua_walk import Variable
from edge.browse.requests import Requests, value_of
from edge.browse.units import unit_of

CHUNK = 2_000  # variables that are looked at together: bounds the memory that answers need
_READ = 1  # bit of AccessLevel and UserAccessLevel (OPC 10000-3, 8.57): CurrentRead
_ASKED = (
    ua.AttributeIds.DataType, ua.AttributeIds.ValueRank, ua.AttributeIds.ArrayDimensions,
    ua.AttributeIds.UserAccessLevel, ua.AttributeIds.MinimumSamplingInterval,
    ua.AttributeIds.Description,
)  # fmt: skip
_RANGES = ("InstrumentRange", "EURange")  # the first that is there: what can be believed
_ASKED_PROPERTIES = (*_RANGES, "EngineeringUnits", *TOLD)


@dataclass(slots=True)
class Facts:
    """What is known of one variable. `why_not`: the reason for which it cannot be a tag.

    `status` is that with which its data type was read: bad when the node is none or no variable.
    """

    built_in: int = types.BASE
    length: int | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    every_ms: int | None = None
    doc: str = ""
    why_not: str | None = None
    status: int = 0


@dataclass(slots=True)
class Types:
    """What is known of the data types so far: what is behind each, and what its numbers mean."""

    built_in: dict[ua.NodeId, int] = field(default_factory=dict)
    meanings: dict[ua.NodeId, str] = field(default_factory=dict)

    async def learn(self, requests: Requests, wanted: set[ua.NodeId]) -> None:
        """Ask for those that are not known."""
        fresh = wanted - self.built_in.keys()
        if not fresh:
            return
        self.built_in |= await types.built_in(requests, fresh)
        enumerations = [one for one in fresh if self.built_in[one] == types.ENUMERATION]
        if enumerations:
            self.meanings |= await of_types(requests, enumerations)


async def read_facts(
    requests: Requests, variables: Sequence[Variable], progress: Progress
) -> dict[ua.NodeId, Facts]:
    """The facts of each variable."""
    found: dict[ua.NodeId, Facts] = {}
    known = Types()
    for start in range(0, len(variables), CHUNK):
        chunk = variables[start : start + CHUNK]
        progress("reading", start, len(variables))
        found |= await _read(requests, chunk, known)
    progress("reading", len(variables), len(variables))
    return found


async def _read(
    requests: Requests, variables: Sequence[Variable], known: Types
) -> dict[ua.NodeId, Facts]:
    answers = await requests.read([(one.node, what) for one in variables for what in _ASKED])
    facts: dict[ua.NodeId, Facts] = {}
    data_types: dict[ua.NodeId, ua.NodeId] = {}
    for index, variable in enumerate(variables):
        told = answers[index * len(_ASKED) : (index + 1) * len(_ASKED)]
        facts[variable.node] = _facts(variable, told)
        data_type = value_of(told[0])
        if isinstance(data_type, ua.NodeId):
            data_types[variable.node] = data_type
    await known.learn(requests, set(data_types.values()))
    for node, data_type in data_types.items():
        facts[node].built_in = known.built_in[data_type]
        _mean(facts[node], known.meanings.get(data_type, ""))
    await _look_at_values(requests, facts)
    await _describe(requests, variables, facts)
    return facts


def _facts(variable: Variable, told: Sequence[ua.DataValue]) -> Facts:
    rank, dimensions, level, interval_ms, description = (value_of(one) for one in told[1:])
    facts = Facts(length=types.length_of(rank, dimensions))
    if told[0].StatusCode is not None and not told[0].StatusCode.is_good():
        facts.status = told[0].StatusCode.value
        facts.why_not = f"no data type ({told[0].StatusCode.name})"
    if isinstance(level, int) and not level & _READ:
        facts.why_not = "not readable with this account"
    if isinstance(interval_ms, int | float) and math.isfinite(interval_ms) and interval_ms > 0:
        facts.every_ms = max(1, math.ceil(interval_ms))
    text = description.Text if isinstance(description, ua.LocalizedText) else None
    facts.doc = text or " ".join(dict.fromkeys((*variable.path[-2:-1], variable.display)))
    return facts


async def _look_at_values(requests: Requests, facts: dict[ua.NodeId, Facts]) -> None:
    """Where the declaration does not say the type or the length, the value that is there does."""
    asked = [
        node
        for node, one in facts.items()
        if one.why_not is None
        and (one.built_in in types.ABSTRACT or (one.length == 0 and _may_be_read(one.built_in)))
    ]
    values = await requests.read([(node, ua.AttributeIds.Value) for node in asked])
    for node, value in zip(asked, values, strict=True):
        one, variant = facts[node], value.Value
        if value_of(value) is None or variant is None:
            if one.built_in in types.ABSTRACT:
                one.why_not = "of no certain type, and without a value now"
            continue
        if one.built_in in types.ABSTRACT:
            one.built_in = int(variant.VariantType.value)
        if one.length is None or one.length == 0:
            one.length = types.size_of(variant)


def _may_be_read(built_in: int) -> bool:
    return built_in in types.WORDS


async def _describe(
    requests: Requests, variables: Sequence[Variable], facts: dict[ua.NodeId, Facts]
) -> None:
    """Unit, range and the words for numbers, from the properties."""
    asked = [
        (variable, name, variable.properties[name])
        for variable in variables
        for name in _ASKED_PROPERTIES
        if name in variable.properties
    ]
    values = await requests.read([(node, ua.AttributeIds.Value) for _, _, node in asked])
    told: dict[ua.NodeId, dict[str, object]] = {}
    for (variable, name, _), value in zip(asked, values, strict=True):
        told.setdefault(variable.node, {})[name] = value_of(value)
    for node, properties in told.items():
        one = facts[node]
        one.unit = unit_of(properties.get("EngineeringUnits"))
        one.low, one.high = range_of(properties)
        _mean(one, meanings(properties))


def range_of(properties: dict[str, object]) -> tuple[float | None, float | None]:
    """Low and high of the first range that is one."""
    for name in _RANGES:
        found = properties.get(name)
        if isinstance(found, ua.Range) and found.Low < found.High:
            low, high = float(found.Low), float(found.High)
            return (low if math.isfinite(low) else None, high if math.isfinite(high) else None)
    return None, None


def _mean(facts: Facts, words: str) -> None:
    if words:
        facts.doc = f"{facts.doc.rstrip('. ')}: {words}"
