"""What a machine that only a CSV declares shows in a simulation."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.device import DeviceModel, is_counter, limits
from stations.declare import Node, Register, Station, Tag, Type
from stations.model import Values, Vehicle
from wire import registers
from wire.site import devices

METER = Path(__file__).parents[2] / "config" / "demo" / "meters" / "energy_meter.csv"
DECLARATION = devices.read(METER).declaration


class Odd(Station):
    """What a CSV may hold beyond a meter."""

    cells = Tag(list[float], Node("Cells"), length=5, low=3.0, high=4.2, doc="Cells.")
    levels = Tag(list[int], Node("Levels"), length=3, low=0, high=9, doc="Levels.")
    code = Tag(int, Node("Code"), doc="A code.")
    free = Tag(float, Node("Free"), doc="A number without limits.")
    above = Tag(float, Node("Above"), low=1000, doc="A number with one limit.")
    below = Tag(float, Node("Below"), high=-5, doc="A number with the other limit.")
    pieces_total = Tag(int, Node("Pieces"), low=0, high=50, doc="A counter that starts over.")
    total_power = Tag(float, Node("Power"), unit="kW", low=0, high=50, doc="No counter.")
    label = Tag(str, Node("Label"), doc="A text.")
    short = Tag(str, Register("holding", 1, "text", size=2), doc="A short text.")
    door_open = Tag(bool, Node("Door"), doc="A bit.")


def shown(
    declaration: type[Station], seconds: float, step_s: float, seed: int = 1
) -> list[dict[str, Any]]:
    model, values = DeviceModel(random.Random(seed), declaration), Values(declaration)
    trace = []
    for _ in range(round(seconds / step_s)):
        model.step(step_s, values)
        trace.append(dict(values.items()))
    return trace


def test_the_demo_meter_is_a_whole_machine_without_problems() -> None:
    device = devices.read(METER)
    assert device.problems == ()
    tags = {tag.name: tag for tag in device.declaration.tags}
    assert 20 <= len(tags) <= 30
    energy = tags["energy_import"]
    assert energy.at == Register("holding", 342, "int64", order="CDAB")
    assert tags["voltage_l1_l2"].at == Register("input", 200, "uint16", scale=0.1)
    formats = {tag.at.format for tag in tags.values() if isinstance(tag.at, Register)}
    assert formats >= {"float32", "int64", "uint16", "bit", "text"}


@pytest.mark.parametrize("declaration", [DECLARATION, Odd])
def test_numbers_stay_within_their_limits(declaration: type[Station]) -> None:
    for values in shown(declaration, 3600, 5.0):
        for tag in declaration.tags:
            if tag.value_type in (Type.BOOL, Type.TEXT):
                continue
            low, high = limits(tag)
            if is_counter(tag):
                low, high = tag.low or 0.0, tag.high or float("inf")
            for value in np.atleast_1d(values[tag.name]):
                assert low <= value <= high, tag.name


def test_numbers_wander_smoothly() -> None:
    trace = shown(DECLARATION, 600, 0.1)
    for tag in DECLARATION.tags:
        if tag.value_type is Type.FLOAT and not is_counter(tag):
            values = np.array([values[tag.name] for values in trace])
            low, high = limits(tag)
            assert np.ptp(values) > 0.01 * (high - low), tag.name
            assert np.abs(np.diff(values)).max() < 0.02 * (high - low), tag.name


def test_counters_rise() -> None:
    trace = shown(DECLARATION, 3600, 10.0)
    counters = [tag for tag in DECLARATION.tags if is_counter(tag)]
    assert {tag.name for tag in counters} == {"energy_import", "energy_export", "operating_hours"}
    for tag in counters:
        values = np.array([values[tag.name] for values in trace])
        assert (np.diff(values) >= 0).all() and values[-1] > values[0], tag.name
    hours = [values["operating_hours"] for values in trace]
    assert hours[-1] - hours[0] == pytest.approx(3590 / 3600)
    assert isinstance(trace[0]["energy_import"], int)


def test_a_counter_starts_over_behind_its_highest_value() -> None:
    counts = [values["pieces_total"] for values in shown(Odd, 3600, 5.0)]
    falls = np.flatnonzero(np.diff(counts) < 0)
    assert len(falls) and max(counts) <= 50 and counts[falls[0] + 1] < 5


def test_a_power_is_no_counter_even_when_it_is_a_total() -> None:
    assert not is_counter(Odd.total_power) and is_counter(Odd.pieces_total)


def test_bits_flip_rarely_and_texts_and_codes_stay() -> None:
    trace = shown(Odd, 36_000, 5.0)
    doors = [values["door_open"] for values in trace]
    flips = int(np.count_nonzero(np.diff(np.array(doors, np.int8))))
    assert 10 <= flips <= 100
    for name in ("label", "short", "code"):
        assert len({values[name] for values in trace}) == 1
    assert trace[0]["label"] == "SIM-LABEL" and trace[0]["short"] == "SIM-"


def test_arrays_have_their_length_and_their_elements_differ() -> None:
    values = shown(Odd, 10, 1.0)[-1]
    assert len(values["cells"]) == 5 and len(set(values["cells"])) == 5
    assert len(values["levels"]) == 3 and all(isinstance(one, int) for one in values["levels"])


def test_the_same_seed_gives_the_same_values_and_another_seed_others() -> None:
    assert shown(DECLARATION, 60, 1.0, seed=4) == shown(DECLARATION, 60, 1.0, seed=4)
    assert shown(DECLARATION, 60, 1.0, seed=4) != shown(DECLARATION, 60, 1.0, seed=5)


@given(parts=st.lists(st.floats(0.01, 2000.0), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_how_time_is_cut_into_steps_changes_nothing(parts: list[float]) -> None:
    whole, cut = (Values(Odd) for _ in range(2))
    DeviceModel(random.Random(3), Odd).step(sum(parts), whole)
    model = DeviceModel(random.Random(3), Odd)
    for part in parts:
        model.step(part, cut)
    for (name, one), (_, other) in zip(whole.items(), cut.items(), strict=True):
        assert one == (other if isinstance(one, str | bool) else pytest.approx(other, abs=1)), name


def test_every_value_of_the_meter_goes_through_its_registers() -> None:
    values = shown(DECLARATION, 5, 1.0)[-1]
    for tag in DECLARATION.tags:
        assert isinstance(tag.at, Register)
        words = registers.encode(tag.at, tag.value_type, tag.length, values[tag.name])
        status, value = registers.decode(tag.at, tag.value_type, tag.length, words)
        assert status == 0
        expected = values[tag.name]
        assert value == (
            pytest.approx(expected, rel=1e-6, abs=tag.at.scale)
            if isinstance(expected, float)
            else expected
        ), tag.name


def test_no_vehicle_enters_a_device() -> None:
    model = DeviceModel(random.Random(1), Odd)
    assert not model.is_free and not model.is_done
    with pytest.raises(RuntimeError, match="v-1"):
        model.arrive(Vehicle("v-1"))


def test_a_device_without_tags() -> None:
    class Empty(Station):
        """Nothing."""

    assert shown(Empty, 2, 1.0) == [{}, {}]


def test_a_device_of_ten_thousand_tags_shows_all_of_them() -> None:
    tags = {
        f"t{index}": Tag(float, Node(f"T{index}"), low=0, high=9, doc="A number.")
        for index in range(10_000)
    }
    many = type("Many", (Station,), {"__doc__": "Many.", "__module__": __name__, **tags})
    assert len(shown(many, 2, 1.0)[-1]) == 10_000
