"""A vehicle's battery is asked over UDS on a virtual CAN bus: what it says and what it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import can
import pytest
from typer.testing import CliRunner

from edge.battery.uds import SILENCES_MAX, Away, Diagnosis, bus_of, diagnosis
from refit.battery import app
from simulators.battery.ecu import Ecu, Faults, Numbers
from stations.battery.diagnosis import vehicle

ZOE = vehicle("zoe2")
VALUES = {
    "soc": 63.5, "soc_usable": 61.0, "soh": 87.25, "pack_voltage": 365.2, "cell_max": 3.812,
    "cell_min": 3.791, "temperature_mean": 21.5, "temperature_min": 20.0, "temperature_max": 23.0,
    "current": -12.5, "slave_failures": 0, "interlock": 0xFFFE,
}  # fmt: skip
CELLS = [3.791 + (number % 22) / 1000 for number in range(96)]
ANSWER_S = 5.0  # of a busy machine; who is silent gets less


def numbers(**faults: object) -> Numbers:
    return Numbers(VALUES, CELLS, (1, 17, 96), Faults(**faults))  # type: ignore[arg-type]


@contextmanager
def serving(told: Numbers) -> Iterator[str]:
    """The channel of a bus on which a battery answers."""
    channel = f"can-{uuid4()}"
    with can.Bus(interface="virtual", channel=channel) as bus, Ecu(bus, ZOE, told):
        yield channel


def asked(told: Numbers, answer_s: float = ANSWER_S) -> Diagnosis:
    with serving(told) as channel, bus_of("virtual", channel) as bus:
        return diagnosis(bus, ZOE, answer_s)


def reasons(found: Diagnosis) -> dict[str, str | None]:
    return {one.name: one.reason for one in (*found.values, *found.cells) if one.value is None}


def test_everything_that_it_says_arrives() -> None:
    found = asked(numbers())
    told = {one.name: one.value for one in found.values}
    assert told == pytest.approx(VALUES, abs=0.03)
    assert told["current"] == -12.5
    assert [one.value for one in found.cells] == pytest.approx(CELLS, abs=1e-9)
    assert found.balancing == (1, 17, 96)


def test_the_identifiers_are_96_cells_without_the_three_in_the_middle() -> None:
    dids = [one.did for one in ZOE.cells]
    assert len(dids) == 96
    assert dids[0] == 0x9021 and dids[-1] == 0x9083
    assert not {0x9040, 0x9060, 0x9080} & set(dids)


def test_what_is_refused_or_wrong_costs_only_itself() -> None:
    found = asked(numbers(refused=[0x9003], short=[0x9005], other=[0x9022], unavailable=[0x9001]))
    assert reasons(found) == {
        "soh": "refused_RequestOutOfRange", "pack_voltage": "wrong_length",
        "cell_2": "wrong_answer", "soc": "unavailable",
    }  # fmt: skip


def test_a_silent_identifier_costs_only_itself() -> None:
    found = asked(numbers(silent=[0x9002]), answer_s=0.7)
    assert reasons(found).pop("soc_usable") == "no_answer"
    assert found.number("soh") == 87.25


def test_a_silent_battery_is_not_asked_a_hundred_times() -> None:
    found = asked(numbers(is_silent=True), answer_s=0.1)
    said = list(reasons(found).values())
    assert found.is_silent
    assert said == ["no_answer"] * SILENCES_MAX + ["not_asked"] * (len(said) - SILENCES_MAX)
    assert found.balancing is None


def test_a_value_that_cannot_be_is_no_value() -> None:
    told = Numbers({**VALUES, "soc": 300.0, "cell_min": 0.4}, CELLS)
    assert reasons(asked(told)) == {"soc": "not_believable", "cell_min": "unavailable"}


def test_a_bus_that_is_not_there_is_said() -> None:
    with pytest.raises(Away, match="no-such-can"), bus_of("socketcan", "no-such-can"):
        raise AssertionError("it was opened")


def test_the_command() -> None:
    with serving(numbers(unavailable=[0x9021])) as channel:
        words = ["diagnose", "--interface", "virtual", "--channel", channel, "--json"]
        done = CliRunner().invoke(app, [*words, "--answer-s", "5"])
        assert done.exit_code == 1, done.output
        told = json.loads(done.stdout)
        assert told["values"]["soh"] == {"value": 87.25, "unit": "%", "reason": None}
        assert told["cells_v"][0] is None and len(told["cells_v"]) == 96
        assert told["not_told"] == [{"name": "cell_1", "reason": "unavailable"}]
        shown = CliRunner().invoke(app, words[:-1])
        assert "95 of 96" in shown.output


def test_the_command_without_a_bus() -> None:
    done = CliRunner().invoke(app, ["diagnose", "--channel", "no-such-can"])
    assert done.exit_code == 2
    assert "no-such-can" in done.output
