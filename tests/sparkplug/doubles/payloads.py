"""Payloads by hand, field by field, so that each can be wrong."""

from __future__ import annotations

import json
from typing import Any

from wire.sparkplug import schema_pb2 as schema

FIELDS = {3: "int_value", 4: "long_value", 10: "double_value", 11: "boolean_value",
          12: "string_value"}  # fmt: skip


def put(
    payload: Any,
    name: str | None,
    datatype: int | None,
    value: Any,
    at_ms: int | None,
    *,
    alias: int | None = None,
    field: str | None = None,
    said_type: bool = True,
    historical: bool | None = None,
) -> Any:
    """Append a metric; a value of None is null. `said_type`: whether its datatype is written."""
    metric = payload.metrics.add()
    if name is not None:
        metric.name = name
    if alias is not None:
        metric.alias = alias
    if at_ms is not None:
        metric.timestamp = at_ms
    if datatype is not None and said_type:
        metric.datatype = datatype
    if historical:
        metric.is_historical = True
    if value is None:
        metric.is_null = True
    else:
        setattr(metric, field or FIELDS[datatype or 0], value)
    return metric


def payload(at_ms: int | None, seq: int | None) -> Any:
    """An empty payload."""
    made = schema.Payload()
    if at_ms is not None:
        made.timestamp = at_ms
    if seq is not None:
        made.seq = seq
    return made


def state(online: bool, at_ms: object) -> bytes:
    """STATE."""
    return json.dumps({"online": online, "timestamp": at_ms}).encode()
