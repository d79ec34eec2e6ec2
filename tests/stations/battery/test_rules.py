"""What the rules say about whole cycles, missing data and bad quality."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stations.battery import rules
from stations.battery.results import Qualification
from stations.battery.rules import Memory
from stations.battery.station import CELLS
from stations.records import Draft
from stations.samples import concat
from stations.watch import Watch
from tests.stations.battery.timeline import KIND, TAGS, Timeline, of_model, whole_cycle


def qualifications(drafts: list[Draft]) -> list[Qualification]:
    return [
        Qualification.model_validate(draft.data)
        for draft in drafts
        if draft.kind == "battery.qualification"
    ]


def only(line: Timeline) -> Qualification:
    (found,) = qualifications(line.drafts())
    return found


def resistance(found: Qualification, direction: str, seconds: float) -> Any:
    (result,) = (
        one.result for one in found.dcir if (one.direction, one.seconds) == (direction, seconds)
    )
    return result


def test_a_whole_cycle() -> None:
    drafts = whole_cycle(ohm=0.1).drafts()
    (found,) = qualifications(drafts)
    assert found.complete and not found.held and found.visit == "v-2026-000001"
    assert found.cycle_s == 134.0
    assert found.phases["REST"] == 15.0
    assert found.identity.pack_model == "96S2P-131"
    assert found.isolation.ohm == pytest.approx(34_560 * 360 * (1 / 13.5 - 1 / 200))  # type: ignore[union-attr]
    assert {gate.gate: gate.verdict for gate in found.gates} == {
        "isolation_dc": "pass", "cell_voltage_low": "pass", "cell_voltage_high": "pass",
        "cell_spread_at_rest": "pass", "start_temperature": "pass", "temperature_spread": "pass",
    }  # fmt: skip
    for direction in ("discharge", "charge"):
        for seconds in (0.5, 2.0, 10.0, 18.0, 30.0):
            assert resistance(found, direction, seconds).value == pytest.approx(0.1, rel=0.01)
    assert found.ocv.value == 360.0  # type: ignore[union-attr]
    assert found.cells.count == 96 and found.cells.spread == 0.0  # type: ignore[union-attr]
    assert found.reported.soh_pct == 90.0


def test_the_records_of_a_cycle_are_its_state_changes_and_one_qualification() -> None:
    drafts = whole_cycle().drafts()
    states = [draft.data["to"] for draft in drafts if draft.kind == "battery.state"]
    assert states == [
        "IDLE", "ARRIVING", "CONNECTING", "ISOLATION", "CLOSING", "REST", "DISCHARGE", "RELAX",
        "CHARGE", "SETTLE", "DISCONNECTING", "DONE",
    ]  # fmt: skip
    assert [draft.kind for draft in drafts].count("battery.qualification") == 1
    assert drafts[-1].visit == "v-2026-000001"


@pytest.mark.parametrize("tag", ["voltage", "current"])
def test_a_bad_cycler_leaves_no_resistance_but_the_rest_stands(tag: str) -> None:
    found = only(whole_cycle(bad=(tag,)))
    results = [one.result.model_dump() for one in found.dcir]
    assert all(result["not_decidable"] == ("no_pulse",) for result in results)
    assert found.ocv.not_decidable == ("no_pulse",)  # type: ignore[union-attr]
    assert found.isolation.ohm > 0  # type: ignore[union-attr]
    assert found.complete


def test_a_voltage_from_before_it_became_bad_does_not_hold() -> None:
    """0 V is shown, the voltage is lost when the contactors close and is back in the pulse."""
    line = whole_cycle()
    voltage = _number("voltage")
    begin, back = line.rows[0][1] + 26_000, line.rows[0][1] + 95_000
    line.rows = [row for row in line.rows if row[0] != voltage or row[1] >= back]
    line.say(24, voltage=0.0).say((begin - line.rows[0][1]) / 1000, bad=("voltage",))
    found = only(line)
    assert resistance(found, "discharge", 10.0).not_decidable == ("no_voltage_before_the_step",)
    assert resistance(found, "charge", 10.0).not_decidable == ("no_voltage_before_the_step",)


def test_a_current_that_was_bad_before_the_pulse_makes_no_step() -> None:
    line = whole_cycle()
    current, start = _number("current"), line.rows[0][1]
    line.rows = [row for row in line.rows if row[0] != current or not 30e3 < row[1] - start < 50e3]
    line.say(35, bad=("current",))
    found = only(line)
    assert resistance(found, "discharge", 0.5).not_decidable == ("no_pulse",)
    assert resistance(found, "charge", 10.0).value == pytest.approx(0.1, rel=0.01)


def test_bad_cells_decide_no_gate() -> None:
    found = only(whole_cycle(bad=("cell_voltages",)))
    assert found.cells.not_decidable == ("cell_voltages_missing",)  # type: ignore[union-attr]
    verdicts = {gate.gate: (gate.verdict, gate.value) for gate in found.gates}
    assert verdicts["cell_spread_at_rest"] == ("not_decidable", None)
    assert verdicts["isolation_dc"][0] == "pass"


def test_temperatures_are_those_of_the_sensors_that_there_are() -> None:
    few = [math.nan] * CELLS
    few[3], few[50] = 21.0, 24.0
    found = only(whole_cycle().say(7, cell_temperatures=few)).temperatures
    assert found.model_dump(exclude={"rise", "ambient"}) == {
        "count": 2, "min": 21.0, "max": 24.0, "spread": 3.0,
    }  # fmt: skip


def test_without_any_sensor_the_temperature_gates_are_undecided() -> None:
    found = only(whole_cycle().say(7, cell_temperatures=math.nan))
    assert found.temperatures.not_decidable == ("cell_temperatures_not_believable",)  # type: ignore[union-attr]
    assert {g.gate: g.verdict for g in found.gates}["start_temperature"] == "not_decidable"


def test_a_cell_without_a_voltage_decides_no_gate() -> None:
    one_missing = [3.75] * CELLS
    one_missing[10] = math.nan
    found = only(whole_cycle().say(7, cell_voltages=one_missing))
    assert found.cells.not_decidable == ("cell_voltages_not_believable",)  # type: ignore[union-attr]
    assert {g.gate: g.verdict for g in found.gates}["cell_spread_at_rest"] == "not_decidable"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("isolation_loaded", "isolation_voltage_missing"),
        ("nominal_voltage", "nominal_voltage_missing"),
    ],
)
def test_a_missing_voltage_gives_no_isolation_verdict(tag: str, reason: str) -> None:
    found = only(whole_cycle(bad=(tag,)))
    assert found.isolation.not_decidable == (reason,)  # type: ignore[union-attr]
    assert found.gates[0].verdict == "not_decidable" and found.gates[0].reasons == (reason,)


def test_an_isolation_result_of_the_pack_before_is_not_taken() -> None:
    line = whole_cycle()
    line.rows = [row for row in line.rows if row[0] != _number("isolation_state")]
    line.say(0.5, isolation_state="VALID")
    assert only(line).isolation.not_decidable == ("isolation_not_measured_now",)  # type: ignore[union-attr]


def test_the_isolation_gate_is_at_100_ohm_per_volt() -> None:
    for loaded, verdict in ((100.0, "pass"), (150.0, "fail")):
        found = only(whole_cycle().say(12, isolation_loaded=loaded))
        ohm_per_v = 100 * 360 * (1 / loaded - 1 / 200)
        assert found.isolation.ohm_per_v == pytest.approx(ohm_per_v)  # type: ignore[union-attr]
        assert found.gates[0].verdict == verdict


def test_cells_read_while_current_flows_are_not_taken_for_cells_at_rest() -> None:
    line = whole_cycle()
    line.rows = [row for row in line.rows if row[0] != _number("cell_voltages")]
    line.say(60, cell_voltages=3.6).say(80, cell_voltages=3.7).say(100, cell_voltages=3.8)
    found = only(line)
    assert found.cells.resting == "RELAX" and found.cells.mean == pytest.approx(3.7)  # type: ignore[union-attr]


def test_a_vehicle_that_leaves_early_has_a_record_that_says_so() -> None:
    line = whole_cycle()
    line.rows = [row for row in line.rows if row[1] < line.rows[0][1] + 60_000]
    line.say(60, visit="")
    found = only(line)
    assert not found.complete
    assert "left_early" in found.flaws and "not_seen.charge" in found.flaws
    assert resistance(found, "discharge", 10.0).value == pytest.approx(0.1, rel=0.01)
    assert resistance(found, "charge", 10.0).not_decidable == ("no_pulse",)


def test_two_packs_do_not_share_a_trace() -> None:
    first, second = whole_cycle(ohm=0.1), whole_cycle(ohm=0.2)
    later = [(tag, time + 200_000, *rest) for tag, time, *rest in second.rows]
    rows = [
        (*row[:4], "v-2026-000002") if row[4] == "v-2026-000001" else tuple(row) for row in later
    ]
    first.rows += rows  # type: ignore[arg-type]
    one, two = qualifications(first.drafts())
    assert (one.visit, two.visit) == ("v-2026-000001", "v-2026-000002")
    assert resistance(one, "discharge", 10.0).value == pytest.approx(0.1, rel=0.01)
    assert resistance(two, "discharge", 10.0).value == pytest.approx(0.2, rel=0.01)


def test_a_trace_that_is_too_long_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "TRACE_MAX", 100)
    found = only(whole_cycle())
    assert not found.complete and "trace_cut" in found.flaws


@given(cuts=st.lists(st.integers(0, 1300), max_size=6))
@settings(max_examples=25, deadline=None)
def test_batches_and_restarts_change_nothing(cuts: list[int]) -> None:
    """However the samples are batched, and with the memory written and read back in between."""
    samples = whole_cycle().samples()
    whole = Watch(KIND, TAGS).feed(samples)
    drafts: list[Draft] = []
    watch = Watch(KIND, TAGS)
    edges = [0, *sorted(min(cut, len(samples)) for cut in cuts), len(samples)]
    for start, end in itertools.pairwise(edges):
        drafts += watch.feed(samples[start:end])
        stored = orjson.loads(orjson.dumps(dataclasses.asdict(watch.memory)))
        assert Memory(**stored) == watch.memory
        watch.memory = Memory(**stored)
    assert drafts == whole


def test_what_the_cycler_says_late_is_judged_all_the_same() -> None:
    """The cycler's samples of the last seconds come in one batch after the next state."""
    samples = whole_cycle().samples()
    cycler = (samples.tag == _number("voltage")) | (samples.tag == _number("current"))
    late = cycler & (samples.time >= samples.time[0] + 71_000)
    late &= samples.time < samples.time[0] + 74_000
    cut = samples.time < samples.time[0] + 74_000
    watch = Watch(KIND, TAGS)
    drafts = watch.feed(samples[cut & ~late])
    drafts += watch.feed(concat([samples[late], samples[~cut]]))
    (found,) = qualifications(drafts)
    assert resistance(found, "discharge", 30.0).value == pytest.approx(0.1, rel=0.01)


def test_the_models_own_resistance_is_found() -> None:
    shown, samples = of_model(seed=5)
    (found,) = qualifications(Watch(KIND, TAGS).feed(samples))
    assert found.complete, found.flaws
    result = resistance(found, "charge", 0.5)
    resting = [one for one in shown if one["state"] == 7]
    charging = [one for one in shown if one["state"] == 8]
    true = (charging[5]["voltage"] - resting[-1]["voltage"]) / 45.0
    assert result.value == pytest.approx(true, rel=0.01)


def test_a_held_pack_gives_an_incomplete_record_with_the_failed_gate() -> None:
    _, samples = of_model(seed=5, health=0.1)
    (found,) = qualifications(Watch(KIND, TAGS).feed(samples))
    assert found.held and not found.complete
    assert found.gates[0].verdict == "fail"
    assert found.moved[0].charge.not_decidable == ("no_pulse",)  # type: ignore[union-attr]
    assert found.reported.soc_pct is not None


def test_at_twenty_times_the_speed_the_short_pulse_still_gives_a_record() -> None:
    _, samples = of_model(seed=5, speed=20.0)
    (found,) = qualifications(Watch(KIND, TAGS).feed(samples))
    assert found.complete and found.cycle_s < 20
    assert resistance(found, "discharge", 0.5).value > 0
    assert resistance(found, "discharge", 10.0).not_decidable == ("pulse_too_short",)


def _number(name: str) -> int:
    return next(number for number, tag in TAGS.items() if tag.name == name)
