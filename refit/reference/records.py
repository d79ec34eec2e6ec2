"""The reference page of records: their common form, and the data of each kind of record."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from refit.reference.markdown import HEAD, code, table, words
from stations import kinds, upsets
from stations.cycle import CycleData
from stations.records import Record

INTRODUCTION = f"""\
# Records

{HEAD}
A record is one fact in words and numbers. The agent makes it, the ledger keeps it for good, and
the same fact has the same id however often it is derived. `refit ledger show --json` prints
records, `refit schema record` and `refit schema KIND` their JSON Schemas.

## The form of every record

"""
OWN = """
## Records of every agent

An agent makes these itself, for any kind of station and for `device`.
"""
PLANT = """
## Records of the plant's side

Made there, or written into the ledger by another system: repairs, the quality control, documents.
"""
GAP_REASONS = {
    "link down": "the connection was lost, or the machine stopped answering",
    "not trusted": "the OPC UA server's certificate was not trusted (any more)",
    "subscription lost": "the OPC UA server ended the subscription, or stopped serving it",
    "notification lost": "an OPC UA notification never came and could not be had again",
    "not understood": "an OPC UA notification could not be read",
    "queue overflow": "the OPC UA server had more values than its queue for a tag holds",
    "not polled": "the agent stood still, or its disk did, and did not ask a Modbus device",
    "agent restarted": "the agent was not running",
    "outbox full": "the oldest samples were dropped, unconfirmed, at a bound of the outbox",
    "outbox damaged": "a part of the outbox on disk could not be read any more",
}
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}


def page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION, _models([Record]), OWN]
    parts += [_record(kind, model) for kind, model in own_records().items()]
    parts.append("\nThe `reason` of a `gap`:\n\n")
    parts.append(table(("reason", "what happened"), [(code(k), v) for k, v in GAP_REASONS.items()]))
    for name in kinds.names():
        parts.append(f"\n## Records of the kind `{name}`\n")
        parts += [_record(kind, model) for kind, model in records_of(name).items()]
    parts.append(PLANT)
    parts += [_record(kind, model) for kind, model in plant_records().items()]
    return "".join(parts)


def plant_records() -> dict[str, type[BaseModel]]:
    """The records that no agent makes."""
    from stations.quality.records import RECORDS

    return dict(RECORDS)


def records_of(kind: str) -> dict[str, type[BaseModel]]:
    """Which model is the data of which kind of record: `RECORDS` of a module of the kind."""
    package = importlib.import_module(f"stations.{kind}")
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        found: dict[str, type[BaseModel]] | None = vars(module).get("RECORDS")
        if found is not None:
            return found
    raise LookupError(f"no module of {package.__name__} says RECORDS")


def own_records() -> dict[str, type[BaseModel]]:
    """The records that agents make themselves."""
    found: dict[str, type[BaseModel]] = {}
    for model in vars(upsets).values():
        if inspect.isclass(model) and issubclass(model, BaseModel) and hasattr(model, "draft"):
            found[_sample(model).draft(0).kind] = model
    return found


def _sample(model: type[BaseModel]) -> Any:
    """Any instance, to ask it for the kind of its record."""
    fields = model.model_fields
    return model.model_validate({name: _any(one.annotation) for name, one in fields.items()})


def _any(kind: Any) -> Any:
    if NoneType in get_args(kind):
        return None
    return [] if get_origin(kind) is list else kind()


def _record(kind: str, model: type[BaseModel]) -> str:
    return f"\n### `{kind}`\n\n{_models([model])}"


def _models(models: list[type[BaseModel]]) -> str:
    """The models with all that lie in them, each once."""
    parts, done = [], list(models)
    for model in done:
        heading = "" if model in models else f"\n`{model.__name__}`: "
        rows = [_row(name, field) for name, field in model.model_fields.items()]
        listed = table(("field", "type", "may be left out"), rows)
        parts.append(f"{heading}{_told(model)}\n{listed}")
        for field in model.model_fields.values():
            done += [one for one in _inside(field.annotation) if one not in done]
    return "".join(parts)


def _told(model: type[BaseModel]) -> str:
    """What is said of a model, and of what it begins with."""
    begins = [base for base in model.__mro__ if base is CycleData and base is not model]
    return "\n".join(words(one) for one in (model, *begins))


def _row(name: str, field: FieldInfo) -> tuple[str, str, str]:
    return code(field.alias or name), _type(field.annotation), "" if field.is_required() else "yes"


def _inside(kind: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        yield kind
    for argument in get_args(kind):
        yield from _inside(argument)


def _type(kind: Any) -> str:
    arguments = [one for one in get_args(kind) if one is not Ellipsis]
    match get_origin(kind):
        case origin if origin in (Union, UnionType):
            return " or ".join(_type(one) for one in arguments)
        case origin if origin is Literal:
            return " or ".join(code(f'"{one}"') for one in arguments)
        case origin if origin in (list, tuple):
            return f"list of {_type(arguments[0])}"
        case origin if origin is dict:
            return f"object: {_type(arguments[1])} by name"
    if kind is NoneType:
        return "null"
    return PLAIN[kind] if kind in PLAIN else code(kind.__name__)
