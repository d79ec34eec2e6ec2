"""What pydantic finds wrong, in the words of the person who wrote the file."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from wire.site.documents import Document
from wire.site.positions import Key
from wire.site.problems import Problem, Wrong, closest

Model = TypeVar("Model", bound=BaseModel)

THINGS = {
    "string_type": "a text",
    "is_instance_of": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "list_type": "a list",
    "tuple_type": "a list",
}
SECRET = 'write password_file = "FILE" or password_env = "VARIABLE"'
TOKEN = 'write token_file = "FILE" or token_env = "VARIABLE"'


def validate(document: Document, key: Key, model: type[Model], value: Any) -> Model | None:
    """The model of a table, or None and the problems of its keys in the document."""
    try:
        return model.model_validate(
            value, context={"folder": document.folder}, by_alias=True, by_name=False
        )
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            document.problems.append(_problem(document, key, model, detail))
        return None


def key_of(name: str, field: FieldInfo) -> str:
    """The key by which a site file says a field of a model."""
    return str(field.validation_alias or name)


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the keys of the site file."""
    return {key_of(name, field): field for name, field in model.model_fields.items()}


def _problem(document: Document, key: Key, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    where = (*key, *detail["loc"])
    around = _model_at(model, detail["loc"][:-1])
    last = str(detail["loc"][-1]) if detail["loc"] else ""
    field = keys(around).get(last) if around else None
    match detail["type"]:
        case "extra_forbidden" if last == "password":
            return document.problem(where, "a password does not stand in a site file", SECRET)
        case "extra_forbidden" if last == "token":
            return document.problem(where, "a token does not stand in a site file", TOKEN)
        case "extra_forbidden":
            return document.problem(where, "unknown key", closest(last, keys(around or model)))
        case "missing":
            hint = (field.description or "") if field else ""
            return document.problem(where, "is missing", f"it is the {hint}" if hint else "")
        case _:
            what, hint = _words(detail)
            return document.problem(where, what, hint)


def _words(detail: ErrorDetails) -> tuple[str, str]:
    context, value = detail.get("ctx", {}), detail["input"]
    error = context.get("error")
    if isinstance(error, Wrong):
        return error.what, error.hint
    kind = detail["type"]
    if kind in THINGS:
        return f"must be {THINGS[kind]}, not {_shown(value)}", _type_hint(kind, value)
    if kind == "literal_error":
        known = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
        return f"must not be {_shown(value)}", closest(str(value), known)
    for bound, relation in (("ge", "at least"), ("le", "at most")):
        if bound in context:
            return f"must be {relation} {context[bound]}, not {_shown(value)}", ""
    return detail["msg"], ""


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return str(value)


def _type_hint(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, int | float):
        return f'write "{_shown(value)}"'
    if isinstance(value, str) and kind in ("int_type", "float_type", "bool_type"):
        return f"write {value} without quotes" if value.isalnum() else ""
    return ""


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the table at a path below a model."""
    for part in path:
        field = keys(model).get(str(part))
        if field is None:
            continue  # the name of a connection, one step below its field
        inner = _model_in(field.annotation)
        if inner is None:
            return None
        model = inner
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
