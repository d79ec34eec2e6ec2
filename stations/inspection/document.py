"""Data of records about reports: that one was printed, and that one corrects another."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Correction(BaseModel):
    """In an `inspection.report`: which record it corrects, why, and who says so (a pseudonym)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    record: str
    why: str = Field(min_length=1)
    by: str = Field(min_length=1)


class Document(BaseModel):
    """Data of `inspection.document`: a report was printed, and its file has this SHA-256.

    `record`, `number` and `chain` are those of the record that was printed, in the ledger.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    record: str
    number: int
    chain: str = Field(pattern=r"^[0-9a-f]{64}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int
    language: str
    type: Literal["application/pdf"] = "application/pdf"
