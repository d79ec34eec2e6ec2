"""The words in which a kind of station is declared: no network, no clock, no file.

A declaration is a class whose attributes are tags and commands. It never holds a value: simulator,
reader, payloads, checks and dashboards are derived from it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

T = TypeVar("T")

Table = Literal["coil", "discrete", "input", "holding"]
Format = Literal[
    "bit",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "text",
]
Order = Literal["ABCD", "BADC", "CDAB", "DCBA"]

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
REGISTERS = {
    "bit": 1, "int16": 1, "uint16": 1, "float16": 1,
    "int32": 2, "uint32": 2, "float32": 2,
    "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip


class Type(enum.IntEnum):
    """How a value travels and is stored; the number stands in the columns of `Samples`."""

    NONE = 0
    BOOL = 1
    INT = 2
    FLOAT = 3
    TEXT = 4
    INTS = 5
    FLOATS = 6


@dataclass(frozen=True, slots=True)
class Node:
    """Where an OPC UA server keeps a value: a browse path below the root, or `ns=3;s=...`."""

    path: str

    @property
    def is_node_id(self) -> bool:
        """True when `path` is a NodeId in its text form instead of a browse path."""
        return bool(re.match(r"(nsu=[^;]+;|ns=\d+;)?[isgb]=", self.path))


@dataclass(frozen=True, slots=True)
class Register:
    """Where a Modbus device keeps a value: table, zero-based address, format, byte and word order.

    `scale` multiplies what is read; `scale_at` is the address of an int16 power of ten in the same
    table (SunSpec `sunssf`); `absent` is the raw number by which the device says that it has no
    value; `bit` picks one bit (0 = least significant) out of a 16-bit register; `size` is the
    registers of a text; `stride` is the registers from one element of an array to the next (0: they
    follow one another).
    """

    table: Table
    address: int
    format: Format = "uint16"
    scale: float = field(default=1.0, kw_only=True)
    scale_at: int | None = field(default=None, kw_only=True)
    absent: int | None = field(default=None, kw_only=True)
    order: Order = field(default="ABCD", kw_only=True)
    bit: int | None = field(default=None, kw_only=True)
    size: int = field(default=0, kw_only=True)
    stride: int = field(default=0, kw_only=True)
    on: str = field(default="", kw_only=True)

    @property
    def width(self) -> int:
        """Registers (or bits, in the tables `coil` and `discrete`) of one element."""
        return self.size if self.format == "text" else REGISTERS[self.format]


class Phase(enum.IntEnum):
    """What a state means for the line, the same for every kind of station.

    `stations.kpi` says which time of ISO 22400-2 each of them counts as. A machine says IDLE to
    STOPPED; OFFLINE and UNKNOWN are what remains to be said when it says nothing.
    """

    OFFLINE = 0
    IDLE = 1  # starved: no vehicle is here
    WORKING = 2
    DONE = 3  # the work is over and the vehicle still here: blocked, or on its way out
    STOPPED = 4
    UNKNOWN = 5


class State(enum.Enum):
    """The states of one kind of station: the number on the wire, and what an operator reads.

    The states of the tag `state` also say their `Phase`.
    """

    doc: str
    phase: Phase | None

    def __new__(cls, number: int, doc: str = "", phase: Phase | None = None) -> State:
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(
                f"{cls.__name__}: a state needs a number and a sentence, got {number!r}"
            )
        member = object.__new__(cls)
        member._value_, member.doc, member.phase = number, doc, phase
        return member


@dataclass(frozen=True)
class Tag(Generic[T]):
    """One value that a kind of station has. A tag describes the value; it never holds it.

    `kind` is bool, int, float, str, a State, or `list[float]`/`list[int]` with `length` elements.
    `low` and `high` are the limits of a believable value in `unit`; a change of at most `deadband`
    is not reported; `every_ms` overrides the connection's sampling or polling interval; `stale_ms`
    is the age at which an unchanged value counts as stale (0: never).
    """

    kind: type[T]
    at: Node | Register
    doc: str = field(kw_only=True)
    unit: str = field(default="", kw_only=True)
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)
    deadband: float = field(default=0.0, kw_only=True)
    length: int = field(default=0, kw_only=True)
    every_ms: int | None = field(default=None, kw_only=True)
    stale_ms: int = field(default=0, kw_only=True)
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    @property
    def value_type(self) -> Type:
        """How the values of this tag travel and are stored."""
        return _type(self.kind)

    @property
    def states(self) -> type[State] | None:
        """The states behind the number, when this tag is one."""
        return self.kind if isinstance(self.kind, type) and issubclass(self.kind, State) else None

    def moved(self, at: Node | Register) -> Tag[T]:
        """The same tag at another address: no two machines are alike."""
        tag = replace(self, at=at)
        object.__setattr__(tag, "name", self.name)
        return tag


@dataclass(frozen=True)
class Command:
    """One thing a station can be told to do, and where its rising edge is written."""

    at: Node | Register
    doc: str = field(kw_only=True)
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)


class Station:
    """A kind of station. A subclass is only a declaration and is never instantiated."""

    tags: ClassVar[tuple[Tag[Any], ...]] = ()
    commands: ClassVar[tuple[Command, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        members = {
            name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()
        }
        cls.tags = tuple(value for value in members.values() if isinstance(value, Tag))
        cls.commands = tuple(value for value in members.values() if isinstance(value, Command))
        _check(cls)

    def __new__(cls) -> Station:
        raise TypeError(f"{cls.__name__} is a declaration and is never instantiated")

    @classmethod
    def tag(cls, name: str) -> Tag[Any]:
        """The tag of this name; KeyError when there is none."""
        found = vars(cls).get(name) or getattr(cls, name, None)
        if not isinstance(found, Tag):
            raise KeyError(f"{cls.__name__} has no tag {name!r}")
        return found

    @classmethod
    def moved(cls, addresses: Mapping[str, Node | Register]) -> type[Station]:
        """The same declaration with other addresses for some tags or commands, by name."""
        new: dict[str, Any] = {"__doc__": cls.__doc__, "__module__": cls.__module__}
        for name, at in addresses.items():
            member = getattr(cls, name)
            new[name] = member.moved(at) if isinstance(member, Tag) else replace(member, at=at)
        return type(cls.__name__, (cls,), new)


def _type(kind: Any) -> Type:
    if get_origin(kind) is list:
        return {float: Type.FLOATS, int: Type.INTS}.get(get_args(kind)[0], Type.NONE)
    if isinstance(kind, type):
        if issubclass(kind, State):
            return Type.INT
        return {bool: Type.BOOL, int: Type.INT, float: Type.FLOAT, str: Type.TEXT}.get(
            kind, Type.NONE
        )
    return Type.NONE


def _check(cls: type[Station]) -> None:
    places: dict[Node | Register, str] = {}
    members: tuple[Tag[Any] | Command, ...] = (*cls.tags, *cls.commands)
    for member in members:
        where = f"{cls.__name__}.{member.name}"
        for problem in _problems(member):
            raise TypeError(f"{where}: {problem}")
        other = places.setdefault(member.at, member.name)
        if other != member.name:
            raise TypeError(f"{where}: {cls.__name__}.{other} is also at {member.at}")


def _problems(member: Tag[Any] | Command) -> Iterator[str]:
    if not NAME.match(member.name):
        yield "a name is small letters, digits and underscores, a letter first"
    if not re.search(r"\S.*[.]\Z", member.doc, re.DOTALL):
        yield f"doc must be a sentence that ends with a full stop, got {member.doc!r}"
    if not isinstance(member.at, Node | Register):
        yield f"the address must be a Node or a Register, got {member.at!r}"
        return
    if isinstance(member.at, Register):
        yield from _register_problems(member.at)
    if isinstance(member, Tag):
        yield from _tag_problems(member)


def _register_problems(at: Register) -> Iterator[str]:
    if at.table not in get_args(Table):
        yield f"table must be one of {', '.join(get_args(Table))}, got {at.table!r}"
    if at.format not in get_args(Format):
        yield f"format must be one of {', '.join(get_args(Format))}, got {at.format!r}"
    elif at.table in ("coil", "discrete") and at.format != "bit":
        yield f"a {at.table} holds a bit, not {at.format}"
    elif at.table in ("input", "holding") and at.format == "bit" and at.bit is None:
        yield "say which bit of the register: bit=0 is the least significant"
    if not 0 <= at.address <= 65535:
        yield f"address must be 0 to 65535, got {at.address}"
    if at.bit is not None and not 0 <= at.bit <= 15:
        yield f"bit must be 0 to 15, got {at.bit}"
    if at.order not in get_args(Order):
        yield f"order must be one of {', '.join(get_args(Order))}, got {at.order!r}"
    if at.format == "text" and at.size < 1:
        yield "a text needs its size in registers"
    if at.scale == 0:
        yield "scale must not be 0"


def _state_problems(tag: Tag[Any]) -> Iterator[str]:
    # Two states with one number would silently become two names of one state.
    for name, state in (tag.states.__members__ if tag.states else {}).items():
        if name != state.name:
            yield f"the states {state.name} and {name} have the same number {state.value}"
        if not re.search(r"\S.*[.]\Z", state.doc, re.DOTALL):
            yield f"the doc of state {name} must be a sentence, got {state.doc!r}"


def _tag_problems(tag: Tag[Any]) -> Iterator[str]:
    if tag.value_type is Type.NONE:
        allowed = "bool, int, float, str, a State, list[float] or list[int]"
        yield f"the type must be {allowed}, got {tag.kind!r}"
    yield from _state_problems(tag)
    is_array = tag.value_type in (Type.INTS, Type.FLOATS)
    if is_array and tag.length < 1:
        yield "an array needs its length"
    if not is_array and tag.length:
        yield "only an array has a length"
    if tag.low is not None and tag.high is not None and not tag.low < tag.high:
        yield f"low {tag.low} is not below high {tag.high}"
    if tag.deadband < 0:
        yield f"deadband must not be negative, got {tag.deadband}"
    if tag.deadband and tag.value_type not in (Type.INT, Type.FLOAT):
        yield "only a number has a deadband"
    if tag.every_ms is not None and tag.every_ms < 1:
        yield f"every_ms must be positive, got {tag.every_ms}"
    if isinstance(tag.at, Register):
        is_text = tag.at.format == "text"
        if (tag.value_type is Type.TEXT) != is_text:
            yield f"a {tag.at.format} register does not hold a {tag.value_type.name.lower()}"
        if tag.value_type is Type.BOOL and tag.at.format != "bit":
            yield f"a bool is a bit, not {tag.at.format}"
