"""The machine interface of the battery station is that of the reference."""

from __future__ import annotations

import math

import pytest

from stations import kinds
from stations.battery.station import BANK, BASE, CELLS, MODULE, Battery
from stations.declare import Node, Register
from stations.status import BAD_NO_DATA, GOOD
from wire import registers


def at(name: str) -> Register:
    address = Battery.tag(name).at
    assert isinstance(address, Register)
    return address


def test_it_has_as_many_tags_as_such_a_station() -> None:
    assert 25 <= len(Battery.tags) <= 60
    assert {tag.at.on for tag in Battery.tags if isinstance(tag.at, Register)} == {"cycler", "bms"}
    assert kinds.find("battery").triggers == (Battery.state, Battery.visit)
    assert isinstance(Battery.state.at, Node) and isinstance(Battery.visit.at, Node)


def test_the_blocks_follow_one_another() -> None:
    assert (BANK - BASE, MODULE - BANK) == (64, 28 + 32)
    _, first, count = registers.span(Battery.cell_voltages)
    assert (first, count) == (MODULE + 44, 4 * (CELLS - 1) + 1)


@pytest.mark.parametrize(
    ("name", "address", "scale_at"),
    [
        ("rated_capacity", BASE + 2, BASE + 52),
        ("reported_soc", BASE + 11, BASE + 56),
        ("reported_soh", BASE + 13, BASE + 58),
        ("cycles", BASE + 14, None),
        ("charge_status", BASE + 16, None),
        ("heartbeat", BASE + 18, None),
        ("bank_state", BASE + 22, None),
        ("events", BASE + 26, None),
        ("pack_voltage", BASE + 34, BASE + 59),
        ("cell_voltage_high", BASE + 37, BASE + 60),
        ("cell_voltage_low", BASE + 40, BASE + 60),
        ("pack_current", BASE + 44, BASE + 61),
        ("pack_power", BASE + 47, BASE + 63),
        ("module_temperature_high", BANK + 4, BANK + 23),
        ("balancing", BANK + 21, None),
        ("bms_serial", MODULE + 22, None),
        ("cell_voltages", MODULE + 44, MODULE + 42),
        ("cell_temperatures", MODULE + 45, MODULE + 43),
        ("cell_states", MODULE + 46, None),
        ("voltage", 507, None),
        ("current", 508, None),
        ("power", 509, None),
        ("set_voltage", 500, None),
        ("set_discharge_power", 498, None),
        ("limit_power_high", 9004, None),
    ],
)
def test_where_it_lies(name: str, address: int, scale_at: int | None) -> None:
    assert (at(name).address, at(name).scale_at) == (address, scale_at)


def test_the_cyclers_percentages() -> None:
    volts = registers.decode(at("voltage"), Battery.voltage.value_type, 0, [52_428])
    assert volts == (GOOD, pytest.approx(500.0))
    for raw, ampere in ((26_214, 300.0), (0x10000 - 26_214, -300.0), (0, 0.0)):
        found = registers.decode(at("current"), Battery.current.value_type, 0, [raw])
        assert found == (GOOD, pytest.approx(ampere))


def test_what_a_pack_does_not_implement_is_no_value() -> None:
    soc = Battery.reported_soc
    assert registers.decode(at("reported_soc"), soc.value_type, 0, [0xFFFF], sf=0) == (
        BAD_NO_DATA, None,
    )  # fmt: skip
    amperes = Battery.pack_current.value_type
    assert registers.decode(at("pack_current"), amperes, 0, [0x8000], sf=0xFFFF)[0] == BAD_NO_DATA
    assert registers.decode(at("pack_current"), amperes, 0, [0xFFF6], sf=0xFFFF) == (GOOD, -1.0)


def test_96_cells_are_one_value() -> None:
    cells = Battery.cell_voltages
    volts = [round(3.6 + index / 1000, 3) for index in range(CELLS)]
    words = registers.encode(at("cell_voltages"), cells.value_type, CELLS, volts, sf=0xFFFD)
    found = registers.decode(at("cell_voltages"), cells.value_type, CELLS, words, sf=0xFFFD)
    assert found == (GOOD, pytest.approx(volts))


def test_a_cell_without_a_sensor_costs_no_other_its_temperature() -> None:
    heat = Battery.cell_temperatures
    degrees = [20.0 + index for index in range(CELLS)]
    words = registers.encode(at("cell_temperatures"), heat.value_type, CELLS, degrees, sf=0)
    words[4 * 17] = 0x8000
    degrees[17] = math.nan
    found = registers.decode(at("cell_temperatures"), heat.value_type, CELLS, words, sf=0)
    assert found == (GOOD, pytest.approx(degrees, nan_ok=True))
