"""Models: repeatable, believable, in the declared limits, and done in time."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import kinds
from stations.declare import Node, Register, Station, Tag, Type
from stations.kinds import Kind
from stations.model import Model, Values, Vehicle, first_value
from stations.phases import Phases, ramp, settled
from stations.records import Draft
from stations.samples import build
from stations.status import GOOD
from stations.watch import Watch
from wire.registers import decode, encode

NAMES = ["studio", "inspection"]
CYCLE_S_MAX = 300.0
Shown = list[tuple[float, str, Any]]


def cycle(
    kind: Kind, model: Model, values: Values, vehicle: Vehicle, step_s: float
) -> Iterator[float]:
    """Steps of one vehicle's cycle; ends when the station is free again."""
    model.arrive(vehicle)
    time = 0.0
    while not model.is_free:
        assert time < 2 * CYCLE_S_MAX
        if model.is_done:
            model.leave()
        model.step(step_s, values)
        time += step_s
        yield time


def shown(name: str, seed: int, vehicle: Vehicle, step_s: float) -> Shown:
    """Every change that a station shows in one vehicle's cycle."""
    kind = kinds.find(name)
    values, model = Values(kind.station), kind.model(random.Random(seed))
    last: dict[str, Any] = {}
    changes: Shown = []
    for time in cycle(kind, model, values, vehicle, step_s):
        for tag, value in values.items():
            if tag not in last or last[tag] != value:
                changes.append((time, tag, value))
                last[tag] = value
    return changes


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_shows_one_run(name: str) -> None:
    vehicle = Vehicle("v-1", electric=False)
    assert shown(name, 7, vehicle, 0.5) == shown(name, 7, vehicle, 0.5)
    assert shown(name, 7, vehicle, 0.5) != shown(name, 8, vehicle, 0.5)


@pytest.mark.parametrize("electric", [True, False])
@pytest.mark.parametrize("step_s", [0.25, 2.0, 20.0])
@pytest.mark.parametrize("name", NAMES)
def test_a_cycle_is_done_in_time_and_in_limits(name: str, step_s: float, electric: bool) -> None:
    station = kinds.find(name).station
    for health in (0.0, 0.2, 0.9, 1.0):
        changes = shown(name, 3, Vehicle("v-1", electric=electric, health=health), step_s)
        states = [value for _, tag, value in changes if tag == "state"]
        done = station.tag("state").kind["DONE"].value
        assert done in states
        for time, tag_name, value in changes:
            believable(station.tag(tag_name), value)
            if tag_name == "state" and value == done:
                assert time <= CYCLE_S_MAX


def believable(tag: Tag[Any], value: Any) -> None:
    """The value has the declared type and lies in the declared limits."""
    kinds_of = {Type.BOOL: bool, Type.INT: int, Type.FLOAT: float, Type.TEXT: str}
    elements = value if isinstance(value, list) else [value]
    assert len(elements) == (tag.length or 1), tag.name
    for element in elements:
        assert type(element) is kinds_of.get(tag.value_type, float), f"{tag.name} shows {element!r}"
        if isinstance(element, int | float) and tag.states is None:
            assert tag.low is None or element >= tag.low, f"{tag.name} shows {element}"
            assert tag.high is None or element <= tag.high, f"{tag.name} shows {element}"


@pytest.mark.parametrize("name", NAMES)
def test_every_value_fits_into_its_registers(name: str) -> None:
    station = kinds.find(name).station
    for _, tag_name, value in shown(name, 4, Vehicle("v-1", electric=False, health=0.1), 1.0):
        tag = station.tag(tag_name)
        if isinstance(tag.at, Register):
            words = encode(tag.at, tag.value_type, tag.length, value)
            status, back = decode(tag.at, tag.value_type, tag.length, words)
            expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-6)
            assert status == GOOD and back == expected, f"{tag_name} shows {value}"


@pytest.mark.parametrize("name", NAMES)
def test_every_tag_of_the_station_changes_in_some_cycle(name: str) -> None:
    tags = {tag.name for tag in kinds.find(name).station.tags}
    moved: set[str] = set()
    for seed in range(6):
        for electric in (True, False):
            vehicle = Vehicle("v-1", electric=electric, health=0.2)
            changes = [tag for _, tag, _ in shown(name, seed, vehicle, 1.0)]
            moved |= {tag for tag in changes if changes.count(tag) > 1}
    still = {
        "studio": {
            "stop_cause", "guard_closed", "recipe", "simulated", "cameras_ready", "supply_voltage",
            "air_pressure", "cabinet_humidity", "cabinet_closed", "on_battery",
        },
        "inspection": {"stop_cause", "calibrated", "zero_ok", "obd_ready"},
    }  # fmt: skip
    assert tags - moved <= still[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_at_rest_changes_little(name: str) -> None:
    kind = kinds.find(name)
    values, model = Values(kind.station), kind.model(random.Random(1))
    model.step(1.0, values)
    before = dict(values.items())
    for _ in range(60):
        model.step(1.0, values)
    assert model.is_free and not model.is_done
    changed = [tag for tag, value in values.items() if before[tag] != value]
    assert len(changed) <= 3, changed


class Line:
    """A station on a simulated line, and its rules, fed with all values every second."""

    def __init__(self, name: str, seed: int) -> None:
        self.kind = kinds.find(name)
        self.values = Values(self.kind.station)
        self.model = self.kind.model(random.Random(seed))
        self.tags = dict(enumerate(self.kind.station.tags))
        self.watch = Watch(self.kind, self.tags)
        self.drafts: list[Draft] = []
        self.ms = 0
        self.model.step(1.0, self.values)
        self.feed()

    def feed(self) -> None:
        shown = enumerate(self.values.items())
        rows = [(n, self.ms, 0, self.tags[n].value_type, value) for n, (_, value) in shown]
        self.drafts += self.watch.feed(build(rows))
        self.ms += 1000

    def work(self, vehicle: Vehicle) -> None:
        for _ in cycle(self.kind, self.model, self.values, vehicle, 1.0):
            self.feed()


@pytest.mark.parametrize("name", NAMES)
def test_vehicle_after_vehicle_each_has_one_whole_record(name: str) -> None:
    line = Line(name, 5)
    for number in range(4):
        line.work(Vehicle(f"v-{number}", electric=bool(number % 2), health=0.3 * number))
    records = [draft for draft in line.drafts if not draft.kind.endswith(".state")]
    assert [record.visit for record in records] == ["v-0", "v-1", "v-2", "v-3"]
    assert all(record.data["complete"] for record in records)
    assert all(0 < record.data["cycle_s"] <= CYCLE_S_MAX for record in records)


def report(health: float) -> dict[str, float | None]:
    line = Line("inspection", 2)
    line.work(Vehicle("v-1", electric=False, health=health))
    drafts = line.drafts
    data = next(draft.data for draft in drafts if draft.kind == "inspection.report")
    return {name: one["value"] for name, one in data["measurements"].items()}


def test_poor_health_is_measured() -> None:
    good, poor = report(0.95), report(0.1)
    assert (good["brake.efficiency"] or 0) > 58 > 50 > (poor["brake.efficiency"] or 100)
    assert (good["parking.efficiency"] or 0) > 16 > (poor["parking.efficiency"] or 100)
    assert (good["suspension.front_left"] or 0) > (poor["suspension.front_left"] or 100)
    reported = good["brake.efficiency_reported"]
    assert reported == pytest.approx(good["brake.efficiency"], abs=0.06)


class Small(Station):
    """A station with one of every type."""

    text = Tag(str, Node("Text"), doc="A text.")
    count = Tag(int, Node("Count"), low=5, high=9, doc="A number.")
    level = Tag(float, Node("Level"), low=-3, doc="A level.")
    cells = Tag(list[float], Node("Cells"), low=2.5, length=3, doc="Cells.")
    door = Tag(bool, Node("Door"), doc="A door.")


def test_first_values() -> None:
    assert [first_value(tag) for tag in Small.tags] == ["", 5, 0.0, [2.5, 2.5, 2.5], False]
    values = Values(Small)
    values[Small.level] = 1.5
    assert dict(values.items())["level"] == values[Small.level] == 1.5


@given(st.lists(st.floats(0.01, 50), min_size=1, max_size=60), st.floats(0.01, 90))
def test_phases_lose_no_time_and_skip_no_state(steps: list[float], first_s: float) -> None:
    phases = Phases([("a", first_s), ("b", 7.0), ("c", 0.0)])
    seen: list[str] = []
    spent = {"a": 0.0, "b": 0.0, "c": 0.0}
    for step in steps:
        for state, start, end in phases.advance(step):
            seen += [state] if not seen or seen[-1] != state else []
            spent[state] += end - start
    assert seen == ["a", "b", "c"][: len(seen)]
    assert sum(spent.values()) == pytest.approx(sum(steps))
    assert spent["a"] <= first_s + 1e-9 and spent["b"] <= 7.0 + 1e-9


def test_ramps_and_settling() -> None:
    assert [ramp(at, 10, 5, 25) for at in (-1, 0, 5, 10, 11)] == [5, 5, 15, 25, 25]
    assert settled(0, 4, 20, 0) == 20 and settled(-1, 4, 20, 0) == 20
    assert settled(4, 4, 20, 0) == pytest.approx(7.3576, abs=1e-4)
