"""What the libraries of an agent would load and an agent never needs, left out while it starts.

An agent that was killed hears nothing until it listens again, and what its machines say meanwhile
may be gone. All of that time is computing, most of it by libraries that are being imported: so each
function here keeps one of them from doing what nobody asked for. Nothing else changes: what is left
out comes when somebody wants it.
"""

from __future__ import annotations

import builtins
import dataclasses
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

SERVER = "asyncua.server"
# Before this version every method of a dataclass is made by an `exec` of its own.
BY_METHOD = sys.version_info < (3, 13)


@contextmanager
def lean() -> Iterator[None]:
    """Import the agent's parts in here."""
    # No package of ours is a plug-in of pydantic, which would ask every one that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if not sys.stderr.isatty():
        with _without("rich"):
            import structlog  # noqa: F401  # would load it for tracebacks on a terminal
    with late_methods():
        if "asyncua" not in sys.modules:
            with _without_server():
                import asyncua  # noqa: F401
        yield


@contextmanager
def _without(name: str) -> Iterator[None]:
    """As if a package were not installed, for those that can do without it."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # how an import is refused
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _without_server() -> Iterator[None]:
    """The package imports its server with its client; whoever asks for that later gets it."""
    sys.modules[SERVER] = stand_in = ModuleType(SERVER)
    stand_in.Server = None  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del sys.modules[SERVER]
    package = sys.modules["asyncua"]
    for name in ("Server", "server"):
        vars(package).pop(name, None)
    package.__getattr__ = _of_server  # type: ignore[method-assign]


def _of_server(name: str) -> Any:
    if name == "Server":
        return importlib.import_module(SERVER).Server
    raise AttributeError(f"module 'asyncua' has no attribute {name!r}")


@contextmanager
def late_methods() -> Iterator[None]:
    """Dataclasses make a method when it is called: of the 600 in asyncua few ever are."""
    if not BY_METHOD:
        yield
        return
    dataclasses.exec = _late  # type: ignore[attr-defined]  # stands before the builtin
    try:
        yield
    finally:
        del dataclasses.exec  # type: ignore[attr-defined]


def _late(text: str, globals: dict[str, Any], found: dict[str, Any]) -> None:
    """In place of `exec`: the maker of a method that compiles its text at the first call."""

    def make(**names: Any) -> Callable[..., Any]:
        def method(*args: Any, **named: Any) -> Any:
            made: dict[str, Any] = {}
            builtins.exec(text, globals, made)
            real = made["__create_fn__"](**names)
            real.__qualname__ = method.__qualname__
            for one in type(args[0]).__mro__:
                if vars(one).get(method.__name__) is method:
                    setattr(one, method.__name__, real)
            return real(*args, **named)

        method.__name__ = text.split("def ", 2)[2].partition("(")[0]
        return method

    found["__create_fn__"] = make
