"""From an OPC UA DataType to the type of a tag (OPC 10000-6, 5.1.2: the numbers of built-in types).

A vendor's own type counts as the built-in one that it is derived from; an abstract one (Number,
BaseDataType) as that of the value which is there now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asyncua import ua

from edge.browse.requests import Requests

STRUCTURE, BASE, NUMBER, INTEGER, UNSIGNED, ENUMERATION = 22, 24, 26, 27, 28, 29
ABSTRACT = (BASE, NUMBER, INTEGER, UNSIGNED)
BOOLEAN = 1
WORDS = {BOOLEAN: "bool", **dict.fromkeys(range(2, 10), "int"), ENUMERATION: "int", 10: "float",
         11: "float", **dict.fromkeys((12, 13, 14, 21), "text")}  # fmt: skip
NAMES = {number.value: number.name for number in ua.VariantType} | {
    STRUCTURE: "a structure", NUMBER: "Number", INTEGER: "Integer", UNSIGNED: "UInteger",
}  # fmt: skip
ARRAYS = ("int", "float")
DEPTH_MAX = 50


async def built_in(requests: Requests, types: Iterable[ua.NodeId]) -> dict[ua.NodeId, int]:
    """The built-in type behind each data type; one that leads nowhere counts as abstract."""
    above: dict[ua.NodeId, ua.NodeId | None] = {}
    found: dict[ua.NodeId, int] = {}
    wanted = set(types)
    for _ in range(DEPTH_MAX):
        asked = [one for one in wanted if number_of(one) is None and one not in above]
        if not asked:
            break
        above |= await requests.data_type_parents(asked)
        wanted = {parent for one in asked if (parent := above[one]) is not None}
    for one in set(types) | set(above):
        at: ua.NodeId | None = one
        steps = 0
        while at is not None and number_of(at) is None and steps < DEPTH_MAX:
            at, steps = above.get(at), steps + 1
        number = None if at is None else number_of(at)
        found[one] = BASE if number is None else number
    return found


def number_of(type_id: ua.NodeId) -> int | None:
    """The number of a built-in type (or of what is abstract above some); None for others."""
    is_own = type_id.NamespaceIndex == 0 and isinstance(type_id.Identifier, int)
    return type_id.Identifier if is_own and 1 <= type_id.Identifier <= ENUMERATION else None


def word_of(number: int, length: int | None) -> str | None:
    """The type of a tag: `int`, `float[8]`; None when a source cannot read it (None: no array)."""
    word = WORDS.get(number)
    if length is None or word is None:
        return word
    if number == BOOLEAN:
        word = "int"  # an array of 0 and 1
    return f"{word}[{length}]" if word in ARRAYS and length > 0 else None


def why_not(number: int, length: int | None) -> str:
    """Why `word_of` has none."""
    name = NAMES.get(number, f"type {number}")
    if length is None:
        return f"{name} is no type of a tag"
    if length == 0 and (number == BOOLEAN or WORDS.get(number) in ARRAYS):
        return "an array without a length, and empty now"
    return f"an array of {name}"


def length_of(value_rank: object, dimensions: object) -> int | None:
    """None for one value, the number of elements for an array, 0 when only its value tells.

    ValueRank (OPC 10000-3, 5.6.2): -1 one value, -2 and -3 may be either, 0 and more an array.
    """
    if not isinstance(value_rank, int) or value_rank == -1:
        return None
    if value_rank < 0:
        return 0
    length = 1
    if not isinstance(dimensions, Sequence) or not dimensions:
        return 0
    for count in dimensions:
        length *= int(count)
    return length


def size_of(variant: ua.Variant) -> int | None:
    """How many elements a value has, all dimensions counted; None for one value."""
    if not variant.is_array:
        return None
    return _count(variant.Value)


def _count(value: object) -> int:
    if isinstance(value, list | tuple):
        return sum(_count(one) for one in value)
    return 1 if value is not None else 0
