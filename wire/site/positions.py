"""Where each key of a TOML text stands: tomllib gives the values, tree-sitter the lines."""

from __future__ import annotations

import tomllib
from typing import Any

import tree_sitter
import tree_sitter_toml

Key = tuple[str | int, ...]

_LANGUAGE = tree_sitter.Language(tree_sitter_toml.language())
_KEYS = ("bare_key", "quoted_key", "dotted_key")


def lines(text: str) -> dict[Key, int]:
    """The line (1 is the first) of every table, key and array element, by its path in the values.

    The text must be legal TOML; the path of the second `[[station]]` is ("station", 1).
    """
    root = tree_sitter.Parser(_LANGUAGE).parse(text.encode()).root_node
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    for node in root.named_children:
        if node.type == "pair":
            _pair(node, (), found)
        elif node.type in ("table", "table_array_element"):
            keys = [child for child in node.named_children if child.type in _KEYS]
            path = _table(_parts(keys[0]), node.type != "table", counts)
            for length in range(1, len(path) + 1):
                found.setdefault(path[:length], _line(node))
            for child in node.named_children:
                if child.type == "pair":
                    _pair(child, path, found)
    return found


def _table(parts: tuple[str, ...], is_element: bool, counts: dict[Key, int]) -> Key:
    """The path of a header, with the number of the element wherever an array of tables is meant."""
    path: Key = ()
    for index, part in enumerate(parts):
        path += (part,)
        if is_element and index == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path += (counts[path],)
    return path


def _pair(node: tree_sitter.Node, prefix: Key, found: dict[Key, int]) -> None:
    key, *rest = [child for child in node.named_children if child.type != "comment"]
    path = prefix
    for part in _parts(key):
        path += (part,)
        found.setdefault(path, _line(node))
    for value in rest:
        _value(value, path, found)


def _value(node: tree_sitter.Node, path: Key, found: dict[Key, int]) -> None:
    children = [child for child in node.named_children if child.type != "comment"]
    if node.type == "inline_table":
        for child in children:
            _pair(child, path, found)
    elif node.type == "array":
        for index, child in enumerate(children):
            found[(*path, index)] = _line(child)
            _value(child, (*path, index), found)


def _parts(node: tree_sitter.Node) -> tuple[str, ...]:
    if node.type == "dotted_key":
        return tuple(part for child in node.named_children for part in _parts(child))
    text = (node.text or b"").decode()
    if node.type == "bare_key":
        return (text,)
    values: dict[str, Any] = tomllib.loads(f"{text} = 0")
    return tuple(values)


def _line(node: tree_sitter.Node) -> int:
    return int(node.start_point[0]) + 1
