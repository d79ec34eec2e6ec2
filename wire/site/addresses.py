"""Addresses as people write them in a site file or a tags CSV.

Modbus: `TABLE ADDRESS FORMAT [ORDER] [sf@ADDRESS] [absent=NUMBER] [scale=NUMBER] [on=NAME]`,
such as `input 30 float32`, `holding 342 int64 CDAB`, `holding 7 text/8`, `holding 12.3`, `coil 4`,
`input 100 uint16*96/8` (an array of 96, one element every 8 registers).
OPC UA: a browse path `Meter/Voltage`, or a NodeId `ns=3;s=...`, `nsu=...;s=...`.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from dataclasses import dataclass
from typing import Any, cast, get_args

from stations.declare import REGISTERS, Format, Node, Order, Register, Table
from wire.site.problems import Wrong, closest

TABLES: tuple[str, ...] = get_args(Table)
FORMATS: tuple[str, ...] = get_args(Format)
ORDERS: tuple[str, ...] = get_args(Order)
EXAMPLE = 'write it like "input 30 float32", "holding 12.3" or "coil 4"'
SHAPE = re.compile(r"(?P<format>[a-z]+\d*)(?:\*(?P<count>\d+))?(?:/(?P<size>\d+))?\Z")
PLACE = re.compile(r"(?P<address>\d+)(?:\.(?P<bit>\d+))?\Z")
NODE_ID = re.compile(r"(?:nsu=[^;]+;|ns=\d+;)?(?:i=\d+|s=.+|g=[0-9A-Fa-f-]{36}|b=.+)\Z", re.DOTALL)
NUMBERS = re.compile(r"(?:nsu=[^;]+;|ns=(?P<index>\d+);)?(?:i=(?P<id>\d+)\Z)?", re.DOTALL)
BITS = ("coil", "discrete")


@dataclass(frozen=True, slots=True)
class Address:
    """A place, the length of the array there (0: no array), and which options were written."""

    at: Node | Register
    length: int = 0
    said: frozenset[str] = frozenset()


def parse(text: str) -> Address:
    """The address that a text says; Wrong when it says none."""
    words = text.split()
    if not words:
        raise Wrong("an address must not be empty", EXAMPLE)
    if words[0] in TABLES and (len(words) == 1 or words[1][0].isdigit()):
        return _register(words)
    if len(words) > 1 and PLACE.match(words[1]):
        near = difflib.get_close_matches(words[0].lower(), TABLES, n=1, cutoff=0.7)
        if near:
            raise Wrong(f'"{words[0]}" is no Modbus table', f"did you mean {near[0]}?")
    return Address(_node(text.strip()))


def _node(text: str) -> Node:
    if re.match(r"(ns|nsu)=|[isgb]=", text) and not NODE_ID.match(text):
        raise Wrong(
            f'"{text}" is no NodeId', 'write it like "ns=3;s=Meter.Voltage" or "ns=2;i=1042"'
        )
    numbers = NUMBERS.match(text)
    if numbers and (int(numbers["index"] or 0) > 0xFFFF or int(numbers["id"] or 0) > 0xFFFF_FFFF):
        raise Wrong(f'"{text}" has a number that no NodeId holds', "i= is at most 4294967295")
    node = Node(text)
    if not node.is_node_id and not all(part.strip() for part in text.split("/")):
        raise Wrong(f'"{text}" has an empty step', 'write a browse path like "Meter/Voltage"')
    return node


def _register(words: list[str]) -> Address:
    table = words[0]
    if len(words) < 2:
        raise Wrong(f'"{table}" needs the address of a register', EXAMPLE)
    place = PLACE.match(words[1])
    if place is None:
        raise Wrong(f'"{words[1]}" is no register address', EXAMPLE)
    address, rest = int(place["address"]), words[2:]
    options: dict[str, Any] = {}
    length = 0
    if table in BITS or place["bit"] is not None:
        if table in BITS and place["bit"] is not None:
            raise Wrong(f"a {table} has no bits", f'write "{table} {address}"')
        options["format"], rest = "bit", rest[1:] if rest[:1] == ["bit"] else rest
        options["bit"] = int(place["bit"]) if place["bit"] is not None else None
    else:
        if not rest:
            raise Wrong(
                f'"{" ".join(words)}" lacks the format', f"formats are {', '.join(FORMATS[1:])}"
            )
        length = _shape(rest[0], options)
        rest = rest[1:]
    for word in rest:
        _option(word, options)
    at = Register(cast(Table, table), address, options.pop("format"), **options)
    _check_range(at, length)
    return Address(at, length, frozenset(options))


def _shape(word: str, options: dict[str, Any]) -> int:
    """Put format, size and stride into the options; the length of the array is given back."""
    match = SHAPE.match(word)
    if match is None or match["format"] not in FORMATS:
        format_ = match["format"] if match else word
        raise Wrong(f'"{format_}" is no format', closest(format_, FORMATS[1:]))
    options["format"] = match["format"]
    count, size = int(match["count"] or 0), int(match["size"] or 0)
    if match["format"] == "bit":
        raise Wrong("a bit of a register is written with a point", 'write it like "holding 12.3"')
    if match["format"] == "text":
        if count or not 1 <= size <= 125:
            raise Wrong(f'"{word}" is no text of 1 to 125 registers', 'write it like "text/8"')
        options["size"] = size
        return 0
    if match["count"] and count < 1:
        raise Wrong(f'"{word}" is an array of nothing', f'write it like "{match["format"]}*96"')
    if match["size"] and not count:
        raise Wrong(
            f'"{word}" has a stride and no length', f'write it like "{match["format"]}*96/{size}"'
        )
    width = REGISTERS[match["format"]]
    if match["size"] and size < width:
        raise Wrong(f"a stride of {size} is less than the {width} registers of one element")
    options["stride"] = size
    return count


def _option(word: str, options: dict[str, Any]) -> None:
    if word.upper() in ORDERS:
        _put(options, "order", word.upper())
    elif match := re.match(r"sf@(\d+)\Z", word):
        _put(options, "scale_at", int(match[1]))
    elif match := re.match(r"absent=(-?\d+|0x[0-9A-Fa-f]+)\Z", word):
        _put(options, "absent", int(match[1], 0))
    elif match := re.match(r"scale=(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\Z", word):
        _put(options, "scale", float(match[1]))
    elif match := re.match(r"on=(\S+)\Z", word):
        _put(options, "on", match[1])
    else:
        known = [*ORDERS, "sf@ADDRESS", "absent=NUMBER", "scale=NUMBER", "on=NAME"]
        raise Wrong(f'"{word}" is not known after the format', closest(word, known))


def _put(options: dict[str, Any], key: str, value: Any) -> None:
    if key in options:
        raise Wrong(f"the {key} is said twice")
    options[key] = value


def _check_range(at: Register, length: int) -> None:
    if at.bit is not None and at.bit > 15:
        raise Wrong(f"a register has the bits 0 to 15, not {at.bit}")
    if at.scale == 0:
        raise Wrong("a scale of 0 makes every value 0", "leave it out for 1")
    if at.scale_at is not None and at.scale_at > 65535:
        raise Wrong(f"the scale factor's address {at.scale_at} is beyond 65535")
    last = at.address + (max(length, 1) - 1) * (at.stride or at.width) + at.width - 1
    if last > 65535:
        raise Wrong(f"it ends at {last}, the last address is 65535", "addresses begin at 0")


def text_of(at: Node | Register, length: int = 0) -> str:
    """The address as `parse` reads it."""
    if isinstance(at, Node):
        return at.path
    words = [at.table, f"{at.address}" if at.bit is None else f"{at.address}.{at.bit}"]
    if at.format == "text":
        words.append(f"text/{at.size}")
    elif at.format != "bit":
        stride = f"/{at.stride}" if at.stride else ""
        words.append(f"{at.format}*{length}{stride}" if length else at.format)
    if at.order != "ABCD":
        words.append(at.order)
    if at.scale_at is not None:
        words.append(f"sf@{at.scale_at}")
    if at.absent is not None:
        words.append(f"absent={at.absent}")
    if at.scale != 1:
        words.append(
            f"scale={at.scale:g}" if float(f"{at.scale:g}") == at.scale else f"scale={at.scale!r}"
        )
    if at.on:
        words.append(f"on={at.on}")
    return " ".join(words)


def moved(declared: Node | Register, length: int, text: str) -> Node | Register:
    """Where one machine keeps a tag that its kind declares elsewhere; Wrong when that cannot be.

    Order, scale, absence and connection stay as the kind declares them unless the text says them.
    """
    address = parse(text)
    at = address.at
    if address.length != length and isinstance(at, Register):
        declared_as = f"an array of {length}" if length else "no array"
        hint = f'write "*{length}" after the format' if length else 'leave out "*"'
        raise Wrong(f'"{text}" does not fit: the kind declares {declared_as}', hint)
    if isinstance(at, Node) or isinstance(declared, Node):
        return at
    if declared.scale_at is not None and not {"scale_at", "scale"} & address.said:
        raise Wrong(
            f'"{text}" does not say the scale, which the kind reads from a register',
            "add sf@ADDRESS, or scale=NUMBER when it is fixed on this machine",
        )
    kept = {
        name: getattr(declared, name)
        for name in ("order", "scale", "absent", "on")
        if name not in address.said
    }
    return dataclasses.replace(at, **kept)
