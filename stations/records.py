"""Records: immutable facts in words and numbers; an id says when and what about."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

BYTES_MAX = 1 << 20  # of a record as it travels: no ledger takes a longer one


class AgentInfo(BaseModel):
    """Who made a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    version: str


class File(BaseModel):
    """Bytes that belong to a record, named by their SHA-256 (hexadecimal)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)
    type: str


class Record(BaseModel):
    """One fact. `data` is the dump of the pydantic model that lies beside the rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    )
    kind: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    version: int = Field(ge=1)
    site: str
    line: str
    station: str
    visit: str | None = None
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
    agent: AgentInfo
    data: dict[str, Any]
    files: tuple[File, ...] = ()

    def canonical(self) -> bytes:
        """The bytes that the ledger stores and hashes: JSON, keys sorted, no white space."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


class Draft(BaseModel):
    """What a rule says; the agent makes a `Record` of it."""

    model_config = ConfigDict(frozen=True)
    kind: str
    version: int = 1
    time_ms: int
    visit: str | None = None
    data: dict[str, Any]


def record_id(time_ms: int, *about: str) -> str:
    """A UUID version 7 (RFC 9562) whose random part is a hash of what the record is about.

    The same fact gets the same id however often it is derived, so that a repeat is known as one.
    """
    digest = int.from_bytes(hashlib.sha256("\x1f".join(about).encode()).digest()[:10])
    high = (max(time_ms, 0) & (1 << 48) - 1) << 16 | 0x7000 | digest >> 68 & 0x0FFF
    low = 0b10 << 62 | digest & (1 << 62) - 1
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
