"""A site file becomes frozen models, and the models say all that the rooms need."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from stations.declare import Node, Register
from wire.site import ModbusConfig, OutboxConfig, Site, examine, load, write_copy

CONFIG = Path(__file__).parents[2] / "config"
SMALL = """\
[site]
name = "works"

[[agent]]
name = "pc-1"

[[station]]
name = "meter-1"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = { url = "tcp://10.0.0.6:1502", unit = 7, every = "500 ms" }
"""
CSV = "name,address,type\nvoltage,input 0 float32,float\n"


def small(folder: Path, more: str = "") -> Path:
    """A site file with one meter, and more text at its end."""
    (folder / "meter.csv").write_text(CSV)
    path = folder / "site.toml"
    path.write_text(SMALL + more)
    return path


def test_a_small_site_has_all_defaults(tmp_path: Path) -> None:
    site = load(small(tmp_path))
    assert (site.name, site.folder) == ("works", tmp_path)
    assert site.broker.embedded
    assert (site.broker.host, site.broker.port, site.broker.tls) == ("127.0.0.1", 1883, False)
    assert (site.broker.version, site.broker.keepalive_s) == ("3.1.1", 15)
    assert site.store.url == f"sqlite:{tmp_path}/var/samples.db"
    assert site.store.path == tmp_path / "var/samples.db"
    assert site.ledger.path == tmp_path / "var/ledger.db"
    assert (site.historian.name, site.historian.http) == ("historian", 0)
    assert site.outbox == OutboxConfig(folder=tmp_path / "var", bytes_max=1 << 30)
    assert site.outbox.delivery == "acknowledged"


def test_a_station_knows_its_connections_and_its_declaration(tmp_path: Path) -> None:
    station = load(small(tmp_path)).station("meter-1")
    modbus = station.modbus[""]
    assert (modbus.host, modbus.port, modbus.unit) == ("10.0.0.6", 1502, 7)
    assert (modbus.every_ms, modbus.timeout_ms, modbus.serial) == (500, 1000, False)
    assert station.kind_parts is None
    assert station.opcua is None
    tag = station.declaration.tag("voltage")
    assert tag.at == Register("input", 0, "float32")
    assert tag.kind is float


def test_a_serial_line_has_its_settings() -> None:
    modbus = ModbusConfig(url="rtu:/dev/ttyUSB0?baud=19200&parity=E&stop=2", every_ms=200)
    assert modbus.serial
    assert (modbus.device, modbus.baudrate) == ("/dev/ttyUSB0", 19200)
    assert (modbus.parity, modbus.stopbits, modbus.every_ms) == ("E", 2, 200)
    plain = ModbusConfig(url="rtu:/dev/ttyS1")
    assert (plain.device, plain.baudrate, plain.parity, plain.stopbits) == (
        "/dev/ttyS1",
        9600,
        "N",
        1,
    )


def test_the_broker_of_a_plant_is_a_url(tmp_path: Path) -> None:
    broker = load(small(tmp_path, '[broker]\nurl = "mqtts://broker.example"\n')).broker
    assert (broker.host, broker.port, broker.tls) == ("broker.example", 8883, True)
    broker = load(small(tmp_path, '[broker]\nurl = "mqtt://10.0.0.1:1999"\n')).broker
    assert (broker.host, broker.port, broker.tls) == ("10.0.0.1", 1999, False)


def test_a_password_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("tops\n")
    table = '[broker]\nurl = "mqtt://x"\nusername = "refit"\n'
    site = load(small(tmp_path, table + 'password_file = "secret"\n'))
    assert site.broker.password() == "tops"
    monkeypatch.setenv("REFIT_TEST_PASSWORD", "sikrit")
    site = load(small(tmp_path, table + 'password_env = "REFIT_TEST_PASSWORD"\n'))
    assert site.broker.password() == "sikrit"
    monkeypatch.delenv("REFIT_TEST_PASSWORD")
    with pytest.raises(ValueError, match="REFIT_TEST_PASSWORD"):
        site.broker.password()


def test_models_are_frozen(tmp_path: Path) -> None:
    site = load(small(tmp_path))
    with pytest.raises(ValidationError, match="frozen"):
        site.broker.port = 1  # type: ignore[misc]


def test_lookups_name_what_is_known(tmp_path: Path) -> None:
    site = load(small(tmp_path))
    assert site.agent("pc-1").name == "pc-1"
    assert [one.name for one in site.stations_of("pc-1")] == ["meter-1"]
    assert site.stations_of("pc-2") == []
    with pytest.raises(LookupError, match="meter-1"):
        site.station("meter-2")


def test_the_demo_has_the_stations_in_the_order_of_the_flow() -> None:
    site = load(CONFIG / "demo/site.toml")
    assert [one.kind for one in site.stations] == ["inspection", "battery", "studio", "device"]
    assert {one.line for one in site.stations} == {"line-1"}
    assert [one.kind for one in site.stations_of("pc-line-1a")] == ["inspection", "battery"]
    assert [one.kind for one in site.stations_of("pc-line-1b")] == ["studio", "device"]
    assert site.broker.embedded


@pytest.mark.parametrize("name", ["demo", "plant"])
def test_what_is_shipped_has_neither_errors_nor_idle_connections(name: str) -> None:
    examined = examine(CONFIG / name / "site.toml")
    assert examined.problems == ()
    assert [one for one in examined.warnings if "is not on this machine" not in one.what] == []


def test_the_example_plant_includes_its_lines_and_moves_an_address() -> None:
    site = load(CONFIG / "plant/site.toml")
    assert {one.line for one in site.stations} == {"line-1", "line-2", "line-3", "line-4"}
    moved = site.station("studio-2").declaration.tag("lamp_hours")
    kept = site.station("studio-1").declaration.tag("lamp_hours")
    assert moved.at == Node("ns=3;s=DB10.LampHours")
    assert isinstance(kept.at, Register)
    assert (moved.unit, moved.doc) == (kept.unit, kept.doc)


def test_included_files_add_stations_and_tables(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/b.toml").write_text('[store]\nurl = "sqlite:/data/s.db"\n')
    (tmp_path / "more/a.toml").write_text(
        'include = ["more/b.toml"]\n[[agent]]\nname = "pc-2"\n[[station]]\nname = "meter-2"\n'
        'kind = "device"\nagent = "pc-2"\ntags = "meter.csv"\nmodbus = { url = "tcp://h" }\n'
    )
    path = small(tmp_path)
    path.write_text('include = ["more/a.toml"]\n' + SMALL)
    site = load(path)
    assert [one.name for one in site.stations] == ["meter-1", "meter-2"]
    assert site.store.url == "sqlite:/data/s.db"
    assert site.station("meter-2").tags == tmp_path / "meter.csv"


def test_overrides_replace_values_by_path(tmp_path: Path) -> None:
    site = load(
        small(tmp_path),
        {
            ("broker", "port"): 40001,
            ("station", "meter-1", "modbus", "", "url"): "tcp://127.0.0.1:40002",
            ("agent", "pc-1", "http"): 40003,
        },
    )
    assert site.broker.port == 40001
    assert site.station("meter-1").modbus[""].url == "tcp://127.0.0.1:40002"
    assert site.agent("pc-1").http == 40003


def test_an_override_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="meter-9"):
        load(small(tmp_path), {("station", "meter-9", "kind"): "device"})


def test_a_copy_reads_where_the_original_reads_and_writes_beside_itself(tmp_path: Path) -> None:
    source = small(tmp_path)
    target = tmp_path / "run" / "site.toml"
    copy = write_copy(source, target, {("broker", "port"): 40001})
    assert copy == load(target)
    assert copy.broker.port == 40001
    assert copy.station("meter-1").tags == tmp_path / "meter.csv"
    assert copy.store.path == tmp_path / "run/var/samples.db"
    assert copy.outbox.folder == tmp_path / "run/var"
    assert copy.station("meter-1").modbus == load(source).station("meter-1").modbus


def test_the_copy_of_a_plant_is_the_plant(tmp_path: Path) -> None:
    source = load(CONFIG / "plant/site.toml")
    copy = write_copy(CONFIG / "plant/site.toml", tmp_path / "site.toml")
    assert copy.stations == source.stations
    assert copy.agents == source.agents
    assert copy.broker == source.broker


def test_a_site_can_be_made_without_a_file() -> None:
    site = Site(name="works", outbox=OutboxConfig(folder=Path("/data"), age_ms_max=5000))
    assert site.outbox.age_ms_max == 5000
