"""What the numbers of a variable mean, in the words of its server (OPC 10000-8, 5.3.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from asyncua import ua

from edge.browse.requests import Requests, local, value_of

TOLD = ("FalseState", "TrueState", "EnumStrings", "EnumValues")
MEANINGS_MAX = 30  # a sentence is no manual


def meanings(properties: dict[str, object]) -> str:
    """`0 = Off, 1 = Manual`; "" when the properties say nothing of the kind."""
    found = list(_meanings(properties))
    more = ", …" if len(found) > MEANINGS_MAX else ""
    return ", ".join(found[:MEANINGS_MAX]) + more


def _meanings(properties: dict[str, object]) -> Iterator[str]:
    for number, name in enumerate(TOLD[:2]):
        state = properties.get(name)
        if isinstance(state, ua.LocalizedText) and state.Text:
            yield f"{number} = {state.Text}"
    strings, values = properties.get("EnumStrings"), properties.get("EnumValues")
    if isinstance(strings, list):
        for number, text in enumerate(strings):
            if isinstance(text, ua.LocalizedText) and text.Text:
                yield f"{number} = {text.Text}"
    elif isinstance(values, list):
        for one in values:
            if isinstance(one, ua.EnumValueType) and one.DisplayName and one.DisplayName.Text:
                yield f"{one.Value} = {one.DisplayName.Text}"


async def of_types(requests: Requests, types: Collection[ua.NodeId]) -> dict[ua.NodeId, str]:
    """The meanings that data types themselves have as properties."""
    asked: list[tuple[ua.NodeId, str, ua.NodeId]] = []
    async for node, references, _ in requests.children(list(types), ua.ObjectIds.HasProperty):
        for reference in references:
            if reference.BrowseName.Name in TOLD:
                asked.append((node, reference.BrowseName.Name, local(reference.NodeId)))
    values = await requests.read([(one, ua.AttributeIds.Value) for _, _, one in asked])
    told: dict[ua.NodeId, dict[str, object]] = {}
    for (node, name, _), value in zip(asked, values, strict=True):
        told.setdefault(node, {})[name] = value_of(value)
    return {node: meanings(properties) for node, properties in told.items()}
