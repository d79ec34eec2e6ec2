"""The commands that need no plant: check, tags, schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from refit.main import app
from refit.schema import record_data, schema_of
from stations import kinds
from tests.wire.test_site import small
from wire.site import reference

DOCS = Path(__file__).parents[2] / "docs/reference"


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stdout, result.stderr


def test_a_right_site_is_a_table(tmp_path: Path) -> None:
    code, out, err = run("check", str(small(tmp_path)))
    assert (code, err) == (0, "")
    row = next(line for line in out.splitlines() if "meter-1" in line)
    assert "device" in row
    assert "tcp://10.0.0.6:1502 unit 7" in row
    assert f"sqlite:{tmp_path}/var/ledger.db" in out


def test_a_wrong_site_is_all_its_errors_and_exit_code_2(tmp_path: Path) -> None:
    path = small(tmp_path, "[broker]\nprot = 1\n[[agent]]\nname = 'idle [red]'\n")
    code, out, err = run("check", str(path))
    assert (code, out) == (2, "")
    assert f"{path}:14: error: broker.prot: unknown key\n    did you mean port?\n" in err
    assert "agent.idle [red].name: serves no station" in err
    assert err.endswith("2 errors\n")


def test_a_warning_is_no_error(tmp_path: Path) -> None:
    code, out, err = run("check", str(small(tmp_path, 'opcua = { url = "opc.tcp://h" }\n')))
    assert code == 0
    assert "meter-1" in out
    assert "warning: station.meter-1.opcua: no tag is read over OPC UA" in err
    assert err.endswith("1 warning\n")


def test_a_birth_that_no_message_can_carry_is_an_error(tmp_path: Path) -> None:
    path = small(tmp_path, "[broker]\nurl = 'mqtt://h'\npacket_max = 1024\n")
    rows = [f"voltage_{n},input {2 * n} float32,float" for n in range(20)]
    (tmp_path / "meter.csv").write_text("\n".join(["name,address,type", *rows]))
    code, out, err = run("check", str(path))
    assert (code, out) == (2, "")
    assert "station meter-1: the birth of station meter-1 has" in err
    assert "bytes for its" in err and "the cap is" in err and "split the station" in err


@pytest.mark.parametrize("kind", kinds.names())
def test_the_tags_of_a_kind_are_shown(kind: str) -> None:
    code, out, _ = run("tags", kind)
    assert code == 0
    for member in (*kinds.find(kind).station.tags, *kinds.find(kind).station.commands):
        assert member.name in out


def test_the_tags_of_a_csv_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("name,address,type,unit,low\nvolt,input 0 uint16*4,float[4],[V],1\n")
    code, out, _ = run("tags", str(path))
    assert code == 0
    row = next(line for line in out.splitlines() if "volt" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "volt", "float[4]", "[V]", "1 ..", "", "input 0 uint16*4", "Volt.",
    ]  # fmt: skip


def test_tags_of_what_is_not_known(tmp_path: Path) -> None:
    code, _, err = run("tags", "stduio")
    assert code == 2
    assert "battery, inspection, studio" in err
    path = tmp_path / "m.csv"
    path.write_text("name,address,type\nA,coil 1,bool\n")
    code, _, err = run("tags", str(path))
    assert code == 2
    assert f'{path}:2: error: name: "A" is no name' in err


@pytest.mark.parametrize("what", ["site", "record", *kinds.names()])
def test_schemas_are_json_with_every_reference_known(what: str) -> None:
    code, out, _ = run("schema", what)
    assert code == 0
    schema = orjson.loads(out)
    assert schema == orjson.loads(orjson.dumps(schema_of(what)))
    for reference_ in _references(schema):
        assert reference_.removeprefix("#/$defs/") in schema["$defs"]


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(inner) for inner in value))
    return set()


@pytest.mark.parametrize("kind", kinds.names())
def test_every_kind_has_data_of_its_cycle_and_of_its_state(kind: str) -> None:
    names = [model.__name__ for model in record_data(kind)]
    assert "StateChange" in names
    assert len(names) >= 2


def test_the_schema_of_a_site_speaks_of_the_keys_of_the_file() -> None:
    tables = schema_of("site")["$defs"]
    assert {"every", "timeout"} <= set(tables["ModbusConfig"]["properties"])
    assert "default" not in tables["ModbusConfig"]["properties"]["every"]
    assert [set(one) for one in tables["StationConfig"]["properties"]["modbus"]["anyOf"]] == [
        {"$ref"}, {"type", "additionalProperties"},
    ]  # fmt: skip


def test_a_schema_that_is_not_known() -> None:
    code, _, err = run("schema", "sight")
    assert code == 2
    assert "site, record, battery" in err


def test_the_reference_page_is_fresh() -> None:
    page = (DOCS / "site-file.md").read_text()
    assert page == reference.page(), (
        "run: refit schema site --markdown > docs/reference/site-file.md"
    )
    code, out, _ = run("schema", "site", "--markdown")
    assert (code, out) == (0, page)


def test_help_imports_nothing_heavy() -> None:
    heavy = ("asyncua", "pymodbus", "paho", "numpy", "pydantic", "sqlalchemy", "wire.site")
    code = f"""
import sys
from typer.testing import CliRunner
from refit.main import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
assert not [name for name in {heavy} if name in sys.modules]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_version_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"refit": "1.2.3"}.__getitem__)
    assert run("--version") == (0, "1.2.3\n", "")
