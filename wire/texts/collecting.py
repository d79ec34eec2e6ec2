"""Finds the texts for people in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog

ROOT = Path(__file__).parents[2]
ROOMS = ("stations", "wire", "edge", "plant", "simulators", "refit")
ARGUMENTS = {"phrase": slice(0, 1), "say": slice(0, 1), "count": slice(1, 3)}


def collected() -> Catalog:
    """All texts that the code marks, with the files that use them."""
    found = Catalog(charset="utf-8")
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            code = path.read_text(encoding="utf-8")
            if "wire.texts" in code or "texts." in code:
                for text in texts_in(ast.parse(code)):
                    found.add(text, locations=[(str(path.relative_to(ROOT)), 0)])
    return found


def texts_in(tree: ast.AST) -> Iterator[str | tuple[str, str]]:
    """The texts of one file; two for what has a singular and a plural."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name not in ARGUMENTS:
            continue
        chosen = [one.value for one in node.args[ARGUMENTS[name]] if isinstance(one, ast.Constant)]
        words = [one for one in chosen if isinstance(one, str)]
        if name == "count" and len(words) == 2:
            yield words[0], words[1]
        elif name != "count" and words:
            yield words[0]
