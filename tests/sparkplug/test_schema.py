"""The generated module is made of the schema that stands beside it."""

from __future__ import annotations

from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parents[2]
SCHEMA = "wire/sparkplug/schema.proto"
GENERATED = "wire/sparkplug/schema_pb2.py"


def described(module: Path) -> str:
    """The line of a generated module in which the schema itself stands."""
    return next(line for line in module.read_text().splitlines() if line.startswith("DESCRIPTOR ="))


def test_the_generated_module_fits_the_schema(tmp_path: Path) -> None:
    assert protoc.main(["", f"-I{ROOT}", f"--python_out={tmp_path}", SCHEMA]) == 0
    assert described(ROOT / GENERATED) == described(tmp_path / GENERATED)


def test_the_origin_and_its_licence_are_named() -> None:
    for name in (SCHEMA, GENERATED, GENERATED + "i"):
        head = (ROOT / name).read_text()[:900]
        assert "Eclipse Sparkplug Specification" in head
        assert "SPDX-License-Identifier: EPL-2.0" in head
