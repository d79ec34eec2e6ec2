"""Grades with guard bands: nothing unsafe and nothing unknown ever passes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.battery.data import table
from stations.battery.grade import Checked, Known, graded, verdict_of

GATES = (
    Checked("isolation_dc", "pass", 3000.0, 40.0, low=100.0),
    Checked("cell_spread_at_rest", "pass", 0.02, 0.004, high=0.150),
    Checked("contactors", "pass"),
)
GOOD = {
    "soh_pct": Known(90.0, 0.8),
    "resistance_increase_pct": Known(30.0, 5.0),
    "worst_module_below_pct": Known(1.5, 0.3),
    "worst_joint_pct": Known(10.0, 5.0),
    "modules_to_mend": Known(0.0, 0.0),
    "other_modules_soh_pct": Known(89.0, 0.8),
}


def grade_of(protocol: str = "full", **changed: Known) -> str:
    return graded(GATES, GOOD | changed, protocol).grade


def test_a_good_pack_is_reused() -> None:
    found = graded(GATES, GOOD, "full")
    assert found.grade == "A" and found.reasons == () and found.next_test is None
    assert {one.id for one in found.rules} == {row["id"] for row in table("grading")["rule"]}
    assert all(one.source for one in found.rules)


@pytest.mark.parametrize(
    ("changed", "grade"),
    [
        ({"soh_pct": Known(80.81, 0.8)}, "A"),
        ({"soh_pct": Known(80.7, 0.8)}, "HOLD"),
        ({"soh_pct": Known(79.3, 0.8)}, "HOLD"),
        ({"soh_pct": Known(79.1, 0.8)}, "B"),
        ({"soh_pct": Known(70.5, 0.8)}, "HOLD"),
        ({"soh_pct": Known(60.0, 0.8), "other_modules_soh_pct": Known(61.0, 0.8)}, "D"),
        ({"resistance_increase_pct": Known(120.0, 5.0)}, "B"),
        ({"worst_module_below_pct": Known(9.0, 0.3), "modules_to_mend": Known(1.0, 0.0)}, "C"),
        ({"worst_module_below_pct": Known(9.0, 0.3), "modules_to_mend": Known(4.0, 0.0)}, "D"),
        ({"worst_joint_pct": Known(90.0, 8.0), "modules_to_mend": Known(1.0, 0.0)}, "C"),
        ({"soh_pct": Known(90.0, 0.8, valid=False)}, "HOLD"),
        ({"soh_pct": Known(None, None)}, "HOLD"),
        ({"soh_pct": Known(90.0, None)}, "HOLD"),
        ({"soh_pct": Known(float("nan"), 0.1)}, "HOLD"),
        ({"soh_pct": Known(90.0, -1.0)}, "HOLD"),
    ],
)
def test_the_grade_is_the_best_one_of_which_all_rules_pass(
    changed: dict[str, Known], grade: str
) -> None:
    assert grade_of(**changed) == grade


def test_a_hold_names_the_next_test() -> None:
    for protocol, following in (("pulse", "quick"), ("quick", "full")):
        found = graded(GATES, GOOD | {"soh_pct": Known(80.0, 3.0)}, protocol)
        assert found.grade == "HOLD" and found.next_test == following
        assert "A1-soh undecided: within_u95" in found.reasons
    again = graded(GATES, GOOD | {"soh_pct": Known(80.0, 0.8)}, "full")
    assert again.next_test is not None and again.next_test.startswith("full, again")


@pytest.mark.parametrize(
    ("gate", "grade"),
    [
        (Checked("isolation_dc", "pass", 90.0, 5.0, low=100.0), "D"),
        (Checked("isolation_dc", "fail", 3000.0, 5.0, low=100.0), "D"),
        (Checked("isolation_dc", "pass", 102.0, 5.0, low=100.0), "HOLD"),
        (Checked("isolation_dc", "pass", None, 5.0, low=100.0), "HOLD"),
        (Checked("isolation_dc", "not_decidable", 3000.0, 5.0, low=100.0), "HOLD"),
        (Checked("temperature_rise", "fail"), "D"),
        (Checked("contactors", "fail"), "HOLD"),
        (Checked("something_new", "fail"), "HOLD"),
    ],
)
def test_a_gate_overrides_the_best_results(gate: Checked, grade: str) -> None:
    gates = [one for one in GATES if one.gate != gate.gate]
    found = graded([*gates, gate], GOOD, "full")
    assert found.grade == grade and found.next_test
    both = graded([gate, *GATES], GOOD, "full")
    assert both.grade != "A"  # told twice, the worse one counts


def test_a_gate_that_is_needed_and_not_there_holds_the_pack() -> None:
    found = graded(GATES[1:], GOOD, "full", needed=("isolation_dc",))
    assert found.grade == "HOLD" and found.gates_undecided == ("isolation_dc",)
    assert graded((), {}, None, needed=("isolation_dc",)).grade == "HOLD"


values = st.one_of(st.just(float("nan")), st.floats(-10, 200))
knowns = st.builds(
    Known, st.one_of(st.none(), values), st.one_of(st.none(), st.floats(0, 20)), st.booleans()
)


@given(st.fixed_dictionaries({name: knowns for name in GOOD}), st.sampled_from(["full", "quick"]))
def test_a_grade_never_rests_on_what_is_not_known(results: dict[str, Known], protocol: str) -> None:
    found = graded(GATES, results, protocol)
    if found.grade not in ("A", "B", "C"):
        assert found.grade == "D" or found.next_test
        return
    for rule in found.rules:
        if rule.grade != found.grade:
            continue
        known = results[rule.quantity]
        assert known.valid and known.value is not None and known.u95 is not None
        if rule.side == "at_least":
            assert known.value - known.u95 >= rule.limit
        else:
            assert known.value + known.u95 <= rule.limit


@given(value=st.floats(-100, 200), u95=st.floats(0, 50), limit=st.floats(0, 100))
def test_the_two_sides_mirror_each_other(value: float, u95: float, limit: float) -> None:
    least, _ = verdict_of(Known(value, u95), "at_least", limit)
    most, _ = verdict_of(Known(-value, u95), "at_most", -limit)
    assert least == most
    assert verdict_of(replace(Known(value, u95), valid=False), "at_least", limit)[0] == "undecided"


def test_every_gate_of_the_rules_says_what_comes_next() -> None:
    for name, row in table("grading")["gate"].items():
        assert row["fails_to"] in ("D", "HOLD") and row["next"], name
