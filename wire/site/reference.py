"""The reference page of the site file, made from its models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wire.site.brokers import BrokerConfig
from wire.site.cameras import CameraConfig, CaptureConfig
from wire.site.connections import ModbusConfig, OpcuaConfig
from wire.site.databases import StoreConfig
from wire.site.devices import COLUMNS, NEEDED
from wire.site.explain import keys
from wire.site.foreign import ForeignConfig
from wire.site.http import HttpConfig
from wire.site.inspections import InspectionConfig, InspectionMachineConfig
from wire.site.ledger import LedgerConfig
from wire.site.lines import LineConfig, ShiftConfig
from wire.site.media import MediaConfig
from wire.site.models import (
    AgentConfig,
    HistorianConfig,
    OutboxConfig,
    SiteFile,
    SiteTable,
    StationConfig,
)

TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("[site]", SiteTable),
    ("[broker]", BrokerConfig),
    ("[store]", StoreConfig),
    ("[ledger]", LedgerConfig),
    ("[media]", MediaConfig),
    ("[historian]", HistorianConfig),
    ("[http]", HttpConfig),
    ("[outbox]", OutboxConfig),
    ("[[line]]", LineConfig),
    ("[[line.shift]]", ShiftConfig),
    ("[[agent]]", AgentConfig),
    ("[[station]]", StationConfig),
    ("[[foreign]]", ForeignConfig),
    ("[station.opcua]", OpcuaConfig),
    ("[station.capture]", CaptureConfig),
    ("[station.cameras.NAME]", CameraConfig),
    ("[station.inspection]", InspectionConfig),
    ("[station.machines.NAME]", InspectionMachineConfig),
    ("[station.modbus] or [station.modbus.NAME]", ModbusConfig),
)
TYPES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "array": "list", "object": "table",
}  # fmt: skip
DEFAULTS = {
    "bytes_max": '"1 GiB"',
    "shift": "[]",
    "cells": "[]",
    "writes": "[]",
    "breaks": "[]",
    "days": "all seven",
    "chunk": '"4 MiB"',
    "file_max": '"2 GiB"',
    "free_min": '"1 GiB"',
    "waiting_max": '"20 GiB"',
    "orphans_after": '"30 d"',
    "publishing": '"100 ms"',
    "every": '"1 s"',
    "timeout": '"1 s"',
    "session_max": '"2 h"',
    "step_max": '"15 min"',
}
HEAD = """\
# The site file

One TOML file describes a plant. `refit check FILE` says everything that is wrong with it, with
file, line and key; `refit schema site` prints its JSON Schema for editors.

Relative paths begin at the folder of the site file. Durations are texts such as `"500 ms"`,
`"2 s"`, `"1 min"`, `"1 h"` or `"14 d"`; sizes are texts such as `"512 MiB"`. Names must not
contain `+`, `/` or `#`. A password never stands in the file: `password_file` names a file,
`password_env` an environment variable.

This page is made by `refit schema site --markdown`.
"""
ADDRESSES = """
## Addresses

In `[station.at]` and in the column `address` of a CSV:

| address | what it is |
|---|---|
| `input 30 float32` | two input registers from 30, the first register the more significant |
| `holding 342 int64 CDAB` | the words swapped; orders are ABCD, BADC, CDAB, DCBA |
| `holding 7 text/8` | a text in eight registers |
| `holding 12.3` | bit 3 of register 12; bit 0 is the least significant |
| `coil 4`, `discrete 9` | one bit |
| `input 100 float32*96` | an array of 96 numbers that follow one another |
| `input 100 uint16*96/8` | an array of 96 numbers, one every 8 registers |
| `holding 20 int16 sf@24` | multiplied by ten to the power of the int16 in register 24 |
| `holding 20 uint16 absent=0xFFFF` | this raw number means that there is no value |
| `input 30 int16 scale=0.1` | multiplied by 0.1 |
| `input 30 int16 on=bms` | read over the connection `[station.modbus.bms]` |
| `Meter/Voltage` | the browse path of an OPC UA node below `root` |
| `ns=3;s=Meter.Voltage`, `nsu=urn:maker;i=1042` | the NodeId of an OPC UA node |

Register addresses begin at 0. Formats are int16, uint16, int32, uint32, int64, uint64, float16,
float32, float64 and text. In `[station.at]`, the order, scale, absent number and connection of the
kind's declaration stay unless the address says another.
"""


def file_schema() -> dict[str, Any]:
    """The JSON Schema of a site file. Defaults that a file says as a text are left out."""
    schema = SiteFile.model_json_schema(by_alias=True)
    tables = [schema, *schema["$defs"].values()]
    for name, field in (item for table in tables for item in table["properties"].items()):
        if "$ref" in field or (name in DEFAULTS and not isinstance(field.get("default"), str)):
            field.pop("default", None)
    return schema


def page() -> str:
    """The whole page as Markdown."""
    parts = [HEAD, _include()]
    for heading, model in TABLES:
        parts.append(f"\n## `{heading}`\n\n{_sentence(model)}\n\n{_table(model)}")
    return "".join([*parts, _columns(), ADDRESSES])


def _include() -> str:
    field = SiteFile.model_fields["include"]
    return f'\nAt the top, `include = ["more.toml"]`: {field.description}.\n'


def _sentence(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _table(model: type[BaseModel]) -> str:
    schema = model.model_json_schema(by_alias=True)["properties"]
    rows = ["| key | type | default | what it is |", "|---|---|---|---|"]
    for key, field in keys(model).items():
        cells = (f"`{key}`", _type(schema[key]), _default(key, field), field.description or "")
        rows.append(f"| {' | '.join(cell.replace('|', ',') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f'`"{one}"`' for one in schema["enum"])
    options = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    kind = options[0].get("type", "object")
    words = [TYPES[one] for one in ([kind] if isinstance(kind, str) else kind)]
    if r"(ms|s|min|h|d)$" in options[0].get("pattern", ""):
        return "duration"
    if len(words) == 1 and "maximum" in options[0]:
        return f"{words[0]}, {options[0]['minimum']} to {options[0]['maximum']}"
    return " or ".join(words)


def _default(key: str, field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if key in DEFAULTS:
        return f"`{DEFAULTS[key]}`"
    if field.default in (None, {}, "", PydanticUndefined):
        return ""
    if isinstance(field.default, str | Path):
        return f'`"{field.default}"`'
    return f"`{field.default}`"


def _columns() -> str:
    rows = [
        f"| `{name}` | {'yes' if name in NEEDED else ''} | {what} |"
        for name, what in COLUMNS.items()
    ]
    return "\n".join(
        [
            "\n## The CSV of tags\n",
            'For `kind = "device"`. UTF-8, cells separated by `,` or `;` (with `;`, 0,1 is a',
            "number too); the first row names the columns, in any order.\n",
            "| column | needed | what it is |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )
