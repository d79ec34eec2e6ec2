"""A judgement as the JSON that programs read, and the JSON Schema of a case."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from stations.inspection.judging.case import Case
from stations.inspection.judging.items import BY_ANY_NAME, Item
from stations.inspection.judging.judgement import Judgement
from stations.inspection.judging.units import FACTORS

FINDING_KEYS = (
    "code", "severity", "value", "limit", "unit", "rule", "source", "location", "photo",
)  # fmt: skip
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def as_json(judgement: Judgement) -> str:
    """One JSON object; its numbers have the digits that the judgement has."""
    return _written(
        {
            "result": judgement.result,
            "letter": judgement.letter,
            "valid_until": judgement.valid_until,
            "findings": [
                {key: _number(key, getattr(one, key)) for key in FINDING_KEYS}
                for one in judgement.findings
            ],
            "not_decidable": [
                {"item": one.item, "reason": one.reason} for one in judgement.not_decidable
            ],
            "rule_set": judgement.rule_set,
        }
    )


def _number(key: str, value: Any) -> Any:
    if key not in ("value", "limit") or value is None:
        return value
    return value == "true" if value in ("true", "false") else Decimal(value)


def _written(value: Any) -> str:
    """JSON in which a decimal keeps its digits: as a binary number it could become its limit."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)


def case_schema() -> dict[str, Any]:
    """The JSON Schema of a case: every item with its unit and its range."""
    schema = Case.model_json_schema()
    items = {name: _item_schema(item, name) for name, item in BY_ANY_NAME.items()}
    schema["properties"]["measurements"] = {
        "type": "object",
        "description": "Values by item; a value of null, or none, was not measured.",
        "properties": items,
        "additionalProperties": False,
        "maxProperties": 500,
    }
    schema["$defs"].pop("Measured", None)
    return {"$schema": DIALECT, "title": "A case of the roadworthiness inspection", **schema}


def _item_schema(item: Item, name: str) -> dict[str, Any]:
    forms: dict[str, dict[str, Any]] = {
        "number": {"type": ["number", "null"]},
        "flag": {"type": ["boolean", "null"]},
        "text": {"type": ["string", "null"], "maxLength": 200},
        "list": {"type": ["array", "null"], "items": {"type": "string"}},
    }
    properties: dict[str, Any] = {"value": forms[item.kind], "equipment": {"type": "string"}}
    required = ["value"]
    if item.kind == "number":
        units = list(FACTORS[item.unit]) if name == item.name else [item.unit]
        properties["unit"] = {"enum": units}
        properties["value"] = forms["number"] | {
            "description": f"Believable from {item.low} to {item.high} {item.unit}."
        }
        if name == item.name and item.unit != "1":
            required.append("unit")
    else:
        properties["unit"] = {"enum": ["", None]}
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
