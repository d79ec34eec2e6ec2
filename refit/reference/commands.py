"""The reference page of the command line, made from the typer commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import typer
from typer.models import ArgumentInfo, CommandInfo, OptionInfo

from refit.main import of
from refit.reference.markdown import HEAD, code, table, words
from simulators.faults import DOCS, ONE_TAG

INTRODUCTION = f"""\
# The command line

{HEAD}
`refit COMMAND --help` says the same in the terminal. Exit codes: 0, it is done; 1, it ran and
something is wrong; 2, it could not begin, because an argument, the site file or what it names is
wrong. Results go to standard output; messages and logs go to standard error.
"""
FAULTS = """
The faults that a simulator knows:

"""
TYPES = {Path: "path", str: "text", int: "whole number", float: "number", bool: ""}


def page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION]
    for name, command in commands(of()):
        parts.append(_section(name, command))
        if name == "fault":
            parts.append(FAULTS + _faults())
    return "".join(parts)


def commands(group: typer.Typer, before: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """Every command below a group, with the words by which it is called."""
    for command in group.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        yield before + name, command
    for info in group.registered_groups:
        if info.typer_instance is not None:
            named = info.typer_instance.info.name
            below = f"{before}{named} " if isinstance(named, str) else before
            yield from commands(info.typer_instance, below)


def _section(name: str, command: CommandInfo) -> str:
    parameters = list(inspect.signature(command.callback, eval_str=True).parameters.values())  # type: ignore[arg-type]
    rows = [_row(one) for one in parameters if one.annotation is not typer.Context]
    listed = "\n" + table(("argument", "value", "default", "what it is"), rows)
    return f"\n## `refit {name}`\n\n{words(command.callback)}{listed if rows else ''}"


def _row(parameter: inspect.Parameter) -> tuple[str, str, str, str]:
    kind, info = get_args(parameter.annotation)[:2]
    needed = parameter.default is inspect.Parameter.empty
    default = "needed" if needed else _default(parameter.default)
    return code(_call(parameter.name, info)), _value(kind, info), default, info.help or ""


def _call(name: str, info: ArgumentInfo | OptionInfo) -> str:
    if isinstance(info, ArgumentInfo):
        return name.upper()
    # In an Annotated option typer takes the first name for a default until it looks closer.
    told = (info.default, *(info.param_decls or ()))
    declared = [text for text in told if isinstance(text, str) and text.startswith("-")]
    return ", ".join(declared or [f"--{name.rstrip('_').replace('_', '-')}"])


def _value(kind: Any, info: ArgumentInfo | OptionInfo) -> str:
    options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    wanted = next(one for one in options if one is not type(None))
    if get_origin(wanted) is list:
        wanted = get_args(wanted)[0]
    words = "path" if info.metavar == "FILE" else TYPES[wanted]
    return f"{words}, at least {info.min}" if info.min is not None else words


def _default(value: Any) -> str:
    return "" if value is None or value is False or value == "" else code(str(value))


def _faults() -> str:
    rows = [
        (code(name), "one tag (`--tag`)" if name in ONE_TAG else "the whole station", doc)
        for name, doc in DOCS.items()
    ]
    return table(("name", "of", "what happens"), rows)
