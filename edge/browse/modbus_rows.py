"""From registers that were read to the rows of a CSV, with what they might mean beside them.

A register does not say what it means, so none is guessed: each is an unsigned number of its own
unless somebody says how a stretch is to be read. The column `hint` shows how it could be read.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.browse.modbus_scan import Image, Span
from edge.browse.sunspec import Chain
from stations.declare import Register, Table, Type
from wire.registers import decode
from wire.site import addresses
from wire.site.addresses import BITS, ORDERS, TABLES
from wire.site.device_csv import Row
from wire.site.problems import Wrong, closest

SPAN = re.compile(r"(?:(?P<table>[a-z]+)\s+)?(?P<first>\d+)(?:-(?P<last>\d+))?\Z")
ADDRESS_MAX = 0xFFFF
TEXT_MIN = 3  # registers
USUAL = (1e-6, 1e10)
# How manuals that begin at 1 and put the table into the number call address 0.
COUNTED = {"coil": 1, "discrete": 10001, "input": 30001, "holding": 40001}
COUNTED_MAX = 9999
WORDS = {"coil": "Coil", "discrete": "Discrete input", "input": "Input register",
         "holding": "Holding register"}  # fmt: skip


def spans_of(text: str) -> list[Span]:
    """`holding 0-199` as a span, `0-199` as one of each table; Wrong when it is neither."""
    match = SPAN.match(text.strip())
    if match is None:
        raise Wrong(f'"{text}" is no range', 'write it like "holding 0-199" or "0-199"')
    if match["table"] and match["table"] not in TABLES:
        raise Wrong(f'"{match["table"]}" is no Modbus table', closest(match["table"], TABLES))
    first = int(match["first"])
    last = int(match["last"] or first)
    if not first <= last <= ADDRESS_MAX:
        raise Wrong(f'"{text}" is no range', "addresses are 0 to 65535, the smaller one first")
    tables = (match["table"],) if match["table"] else ("holding", "input", "coil", "discrete")
    return [Span(table, first, last) for table in tables]


@dataclass(frozen=True, slots=True)
class Reading:
    """How registers are to be read: `float32 CDAB` everywhere, or in a stretch of one table."""

    at: Register
    span: Span | None = None

    @classmethod
    def of(cls, text: str) -> Reading:
        """`float32`, `int16 scale=0.1`, `input 0-61 float32 CDAB`; Wrong for what is neither."""
        match = re.match(r"(?:(input|holding)\s+(\d+(?:-\d+)?)\s+)?(.+)\Z", text.strip())
        if match is None:
            raise Wrong("an empty text is no format", 'write it like "float32 CDAB"')
        span = spans_of(f"{match[1]} {match[2]}")[0] if match[1] else None
        address = addresses.parse(f"holding 0 {match[3]}")
        if not isinstance(address.at, Register) or address.length:
            raise Wrong(f'"{match[3]}" is an array', "say it in the CSV afterwards")
        return cls(address.at, span)

    def holds(self, table: str, address: int) -> bool:
        """Whether a number may begin at this address: in a stretch, only every so many."""
        if self.span is None:
            return True
        last = address + self.at.width - 1
        if self.span.table != table or not self.span.first <= address <= last <= self.span.last:
            return False
        return (address - self.span.first) % self.at.width == 0


def rows_of(image: Image, readings: Sequence[Reading], chain: Chain | None = None) -> list[Row]:
    """The rows of everything that was read, in the order of tables and addresses."""
    return [
        row
        for table in TABLES
        if table in image.words
        for row in _Table(table, image.words[table], readings, chain).rows()
    ]


class _Table:
    def __init__(
        self, table: str, words: Mapping[int, int], readings: Sequence[Reading], chain: Chain | None
    ) -> None:
        self._table = table
        self._words = words
        self._readings = readings
        self._chain = chain

    def rows(self) -> list[Row]:
        found, behind = [], 0
        for address in sorted(self._words):
            if address >= behind:
                at = self._at(address)
                found.append(self._row(at))
                behind = address + at.width
        return found

    def _at(self, address: int) -> Register:
        table: Table = self._table  # type: ignore[assignment]
        if table in BITS:
            return Register(table, address, "bit")
        for reading in self._readings:
            at = dataclasses.replace(reading.at, table=table, address=address)
            own = range(address, address + at.width)
            if reading.holds(table, address) and all(one in self._words for one in own):
                return at
        return Register(table, address)

    def _row(self, at: Register) -> Row:
        return Row(
            f"{self._table}_{at.address}",
            addresses.text_of(at),
            _type(at),
            doc=self._doc(at.address),
            hint=hint(self._words, at),
        )

    def _doc(self, address: int) -> str:
        told = f"{WORDS[self._table]} {address}"
        if address < COUNTED_MAX:
            told += f", in many manuals {COUNTED[self._table] + address}"
        sunspec = self._chain.told(address) if self._chain and self._table == "holding" else ""
        return f"{told}; {sunspec}." if sunspec else f"{told}."


def _type(at: Register) -> str:
    if at.format == "bit":
        return "bool"
    if at.format == "text":
        return "text"
    return "float" if at.format.startswith("float") or at.scale != int(at.scale) else "int"


def hint(words: Mapping[int, int], at: Register) -> str:
    """What was read at this place, and what it would be in other formats."""
    own = [words[at.address + index] for index in range(at.width)]
    kind = {"bool": Type.BOOL, "text": Type.TEXT, "int": Type.INT}.get(_type(at), Type.FLOAT)
    if kind is Type.TEXT or at.format != "uint16":
        _, value = decode(dataclasses.replace(at, bit=None), kind, 0, own)
        return f"read {_shown(value)}"
    word = own[0]
    parts = [f"read {word}"]
    if word & 0x8000:
        parts.append(f"int16 {word - 0x10000}")
    text = _text(words, at.address)
    if text:
        parts.append(f'text/{math.ceil(len(text) / 2)} "{text}"')
    if at.address + 1 in words and (word or words[at.address + 1]):
        parts += _pairs([word, words[at.address + 1]])
    return "; ".join(parts)


def _pairs(words: list[int]) -> list[str]:
    """Two registers as one number, in the four orders; a float that nobody measures is left out."""
    found = []
    for format, kind in (("float32", Type.FLOAT), ("uint32", Type.INT)):
        shown = []
        for order in ORDERS:
            at = Register("holding", 0, format, order=order)  # type: ignore[arg-type]
            _, value = decode(at, kind, 0, words)
            if isinstance(value, int) or _is_usual(value):
                shown.append(f"{order} {_shown(value)}")
        if shown:
            found.append(f"{format} {', '.join(shown)}")
    return found


def _is_usual(value: float | None) -> bool:
    return value is not None and (value == 0 or USUAL[0] <= abs(value) < USUAL[1])


def _text(words: Mapping[int, int], address: int) -> str:
    """The text that begins here, if one could: letters in three registers or more, none before."""
    if _letters(words.get(address - 1)):
        return ""
    text = ""
    while letters := _letters(words.get(address)):
        text, address = text + letters, address + 1
        if len(letters) < 2:
            break
    is_text = len(text) > 2 * (TEXT_MIN - 1) and any(letter.isalnum() for letter in text)
    return text.rstrip() if is_text else ""


def _letters(word: int | None) -> str:
    """The one or two letters in a register; empty when they are none."""
    if word is None:
        return ""
    first, second = chr(word >> 8), chr(word & 0xFF)
    if not " " <= first <= "~":
        return ""
    if second == "\0":
        return first
    return first + second if " " <= second <= "~" else ""


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(int(value)) if isinstance(value, bool) else str(value)
