"""What a later version of the specification moves stands in one place (rows 34 and 41)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("stations", "wire", "edge", "plant", "simulators", "refit")


def found(what: Callable[[ast.AST], bool]) -> set[str]:
    """The files in which something of this sort stands."""
    return {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if any(what(node) for node in ast.walk(ast.parse(path.read_text())))
    }


def test_only_the_codec_says_that_a_metric_is_historical() -> None:
    def writes(node: ast.AST) -> bool:
        if isinstance(node, ast.Assign):
            return any("is_historical" in ast.unparse(target) for target in node.targets)
        return isinstance(node, ast.keyword) and node.arg == "is_historical"

    assert found(writes) == {"wire/sparkplug/codec.py", "wire/sparkplug/columns.py"}


def test_only_one_room_knows_the_bytes() -> None:
    def knows(node: ast.AST) -> bool:
        return isinstance(node, ast.Import | ast.ImportFrom) and "schema_pb2" in ast.unparse(node)

    files = found(knows)
    assert "wire/sparkplug/codec.py" in files
    assert {str(Path(file).parent) for file in files} == {
        "wire/sparkplug",
        "refit/conformance/judge",  # it reads with eyes of its own, on purpose
    }
