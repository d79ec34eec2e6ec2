"""Nothing in the rooms that talk to machines can write to one, but for two files that say so."""

from __future__ import annotations

import ast

import pytest

from tests.test_house import ROOT, sources

# What pymodbus and asyncua call whatever changes something at a machine.
WRITING = {
    "write_coil", "write_coils", "write_register", "write_registers", "mask_write_register",
    "readwrite_registers", "write_file_record", "write_value", "write_values", "write_attribute",
    "write_attributes", "write_params", "set_value", "call_method", "add_nodes", "delete_nodes",
    "history_update", "delete_references", "add_references",
}  # fmt: skip


# The files that write: commands that a station declares and the site file names, and what a
# cycler of batteries is told, over a connection of its own.
COMMANDS = {
    "edge/sources/opcua_commands.py": {"write_attributes"},
    "edge/battery/cycler.py": {"write_coil", "write_registers"},
}
# The one method that is called: it asks a server which items a subscription has.
ASKING = "Server_GetMonitoredItems"


def _asks(call: ast.AST) -> bool:
    """Whether it is a call of the one method that changes nothing."""
    return isinstance(call, ast.Call) and any(
        isinstance(one, ast.Attribute) and one.attr == ASKING
        for given in call.args for one in ast.walk(given)
    )  # fmt: skip


def _writes(tree: ast.AST) -> set[str]:
    asking = {id(node.func) for node in ast.walk(tree) if _asks(node)}  # type: ignore[attr-defined]
    used = {node.attr for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and id(node) not in asking}  # fmt: skip
    used |= {one.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
             for one in node.names}  # fmt: skip
    return used & WRITING | {one for one in used if one.startswith("Write") and "Request" in one}


def test_no_call_that_writes_to_a_machine() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): used
        for path in sources("edge", "wire", "refit", "plant")
        if (used := _writes(ast.parse(path.read_text())))
    }
    assert found == COMMANDS


@pytest.mark.parametrize(
    "text",
    ["client.write_register(1, 2)", "from x import WriteCoilRequest", "n.call_method(ua.Other, 1)"],
)
def test_such_a_call_is_found(text: str) -> None:
    assert _writes(ast.parse(text))
