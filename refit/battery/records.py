"""Reads a record `battery.qualification` from a file, or says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stations.battery.record import PackRecord

BYTES_MAX = 50_000_000
PROBLEMS_MAX = 5


class RecordUnusable(Exception):
    """The file holds no such record: the message says where and what would be right."""


def read_record(path: Path) -> PackRecord:
    """The record; as it was written, or as the ledger gives it (then it stands in `data`)."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise RecordUnusable(f"{path}: larger than {BYTES_MAX // 1_000_000} MB, no record is")
        given = json.loads(path.read_bytes(), parse_constant=_no_number)
    except OSError as error:
        raise RecordUnusable(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RecordUnusable(f"{path}: not JSON: {error}") from error
    if not isinstance(given, dict):
        raise RecordUnusable(f"{path}: a record is a JSON object with a `kind`")
    inner = given.get("data")
    try:
        return PackRecord.model_validate_json(
            json.dumps(inner if isinstance(inner, dict) else given)
        )
    except ValidationError as error:
        found = error.errors(include_url=False)[:PROBLEMS_MAX]
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
        raise RecordUnusable(f"{path}: no battery.qualification: {told}") from error


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON")
