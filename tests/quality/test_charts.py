"""Control charts, run rules and capability, against worked examples whose source is named."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plant.quality import run_rule_names, run_rules
from stations.quality.capability import capability, moving_range_freedom
from stations.quality.charts import D2, D3, D4, ChartRefused, Kind, chart
from stations.quality.chi_square import quantile, share_below
from stations.quality.run_rules import Rule, RulesUnusable, Signal, parse_rules, signals

NELSON = {rule.id: rule for rule in run_rules("nelson").rules}
# NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: flow rates of ten batches.
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# The same, 6.3.3.1: defects on 25 wafers.
WAFERS = [
    16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31,
    13,
]  # fmt: skip
# The same, 6.3.3.2: misregistered chips of 50 on each of 30 wafers; the mean share is 0.2313. (The
# numbers are those of the cans of orange juice of D. C. Montgomery, Statistical Quality Control.)
CHIPS = [
    12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12,
    7, 13, 9, 6,
]  # fmt: skip
# D. C. Montgomery, Introduction to Statistical Quality Control, dyed cloth: defects of ten rolls
# and their inspection units of 50 square metres; he has 1.42, and 0.29 and 2.55 for the first roll.
CLOTH = [14, 12, 20, 11, 7, 10, 21, 16, 19, 23]
UNITS = [10.0, 8.0, 13.0, 10.0, 9.5, 10.0, 12.0, 10.5, 12.0, 12.5]


def test_the_constants_are_those_of_the_tables_of_textbooks() -> None:
    assert (round(D2, 3), round(D3, 3), round(D4, 3)) == (1.128, 0.853, 3.267)


def test_the_constants_are_those_of_normal_numbers() -> None:
    draw = Random(1)
    ranges = [abs(draw.gauss(0, 1) - draw.gauss(0, 1)) for _ in range(40_000)]
    mean = sum(ranges) / len(ranges)
    spread = math.sqrt(sum((one - mean) ** 2 for one in ranges) / len(ranges))
    assert mean == pytest.approx(D2, abs=0.02)
    assert spread == pytest.approx(D3, abs=0.02)


def test_individuals_and_moving_ranges() -> None:
    individuals, moving = chart(Kind.IMR, FLOW, None, list(NELSON.values())).lines
    assert individuals.centre == pytest.approx(50.81)
    assert moving.centre == pytest.approx(1.8778, abs=1e-4)
    # The handbook has 55.8041 and 45.8159 with d2 = 1.128.
    assert individuals.ucl[0] == pytest.approx(55.8041, abs=0.002)
    assert individuals.lcl[0] == pytest.approx(45.8159, abs=0.002)
    assert not individuals.signals and not moving.signals
    assert (len(moving.points), moving.first, moving.lcl[0]) == (9, 1, 0.0)


def test_counts() -> None:
    [line] = chart(Kind.C, WAFERS, None, [NELSON["nelson-1"]]).lines
    assert (line.centre, line.lcl[0], line.ucl[0]) == (16.0, 4.0, 28.0)
    assert line.signals == (Signal("nelson-1", 23, 23),), "28 is the limit, 31 is beyond it"


def test_shares() -> None:
    [line] = chart(Kind.P, CHIPS, [50] * 30, [NELSON["nelson-1"]]).lines
    assert line.centre == pytest.approx(0.2313, abs=1e-4)
    assert line.ucl[0] == pytest.approx(0.4102, abs=1e-4)
    assert line.lcl[0] == pytest.approx(0.0524, abs=2e-4)
    assert [line.points[one.at] for one in line.signals] == [0.44, 0.48]


def test_counts_per_unit() -> None:
    [line] = chart(Kind.U, CLOTH, UNITS, list(NELSON.values())).lines
    assert line.centre == pytest.approx(1.42, abs=0.005)
    assert (line.ucl[0], line.lcl[0]) == pytest.approx((2.55, 0.29), abs=0.01)
    assert line.ucl[1] > line.ucl[0] > line.ucl[2], "the larger a sample, the closer its limits"
    assert not line.signals


@pytest.mark.parametrize(
    ("kind", "values", "sizes", "told"),
    [
        (Kind.IMR, [1.0], None, "1 values: a chart needs 2"),
        (Kind.C, [1, 2.5], None, "2.5 is no count"),
        (Kind.C, [1, -1], None, "-1 is no count"),
        (Kind.U, [1, 2], None, "needs a size"),
        (Kind.U, [1, 2], [1, 0], "0: a sample has a size above 0"),
        (Kind.P, [1, 2], [3, 2.5], "2.5 is no number of units"),
        (Kind.P, [1, 4], [3, 3], "4 of 3 units"),
    ],
)
def test_values_that_make_no_chart_are_refused(
    kind: Kind, values: list[float], sizes: list[float] | None, told: str
) -> None:
    with pytest.raises(ChartRefused, match=told):
        chart(kind, values, sizes, [])


def test_values_that_are_all_the_same_have_limits_and_no_signal() -> None:
    rules = list(NELSON.values())
    for kind, values, sizes in (
        (Kind.IMR, [5.0] * 30, None), (Kind.C, [0] * 30, None), (Kind.P, [4] * 30, [4] * 30),
    ):  # fmt: skip
        found = chart(kind, values, sizes, rules)
        assert not any(line.signals for line in found.lines), kind
    assert found.lines[0].centre == 1.0


# A smallest run of points, in standard deviations, that meets each rule, and one that does not.
MEETS = {
    "nelson-1": ([0.0, 3.1], [0.0, 3.0]),
    "nelson-2": ([0.5] * 9, [0.5] * 8 + [0.0]),
    "nelson-3": ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]),
    "nelson-4": ([0.1, -0.1] * 7, [0.1, -0.1] * 6 + [0.1, 0.2]),
    "nelson-5": ([2.1, 0.0, 2.1], [2.1, 0.0, -2.1]),
    "nelson-6": ([1.1, 1.1, -1.0, 1.1, 1.1], [1.1, 1.1, -1.0, 1.0, 1.1]),
    "nelson-7": ([0.5, -0.5, 0.2] * 5, [0.5, -0.5, 0.2] * 4 + [0.5, -0.5, 1.0]),
    "nelson-8": ([1.1, -1.1] * 4, [1.1, -1.1] * 3 + [1.1, 0.9]),
    "we-1": ([3.1], [-3.0]),
    "we-2": ([0.0, 2.1, 2.1], [0.0, 2.1, 1.9]),
    "we-3": ([1.1] * 4 + [1.2], [1.1] * 3 + [0.9] * 2),
    "we-4": ([-0.1] * 8, [-0.1] * 7 + [0.1]),
}


def test_every_rule_that_there_is_is_tried() -> None:
    known = [rule for name in run_rule_names() for rule in run_rules(name).rules]
    assert set(MEETS) == {rule.id for rule in known}
    for rule in known:
        meets, meets_not = MEETS[rule.id]
        assert [one.at for one in signals(meets, [rule], "i")] == [len(meets) - 1], rule.id
        mirrored = [-one for one in meets]
        assert [one.at for one in signals(mirrored, [rule], "i")] == [len(meets) - 1], rule.id
        assert signals(meets_not, [rule], "i") == [], rule.id


def test_a_rule_holds_for_its_charts_alone() -> None:
    run = [0.5, -0.5, 0.2] * 5
    assert signals(run, [NELSON["nelson-7"]], "c") == []
    with pytest.raises(LookupError, match="nelson, western-electric"):
        run_rules("neslon")


@given(some.lists(some.integers(-4, 4), max_size=40), some.sampled_from(list(NELSON.values())))
def test_a_signal_says_where_its_pattern_lies(points: list[int], rule: Rule) -> None:
    run = [float(one) for one in points]
    for one in signals(run, [rule], rule.charts[0]):
        assert one.at - one.first == rule.of - 1
        again = signals(run[one.first : one.at + 1], [rule], rule.charts[0])
        assert Signal(rule.id, rule.of - 1, 0) in again


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('pattern = "wavy"', "no pattern is named 'wavy'"),
        ('pattern = "beyond"\nof = 2\npoints = 3', "3 of 2 points cannot be"),
        ('pattern = "trend"\nof = 6\npoints = 5', "trend is of all its points"),
        ('pattern = "within"\nsigmas = -1', "-1.0 standard deviations"),
        ('pattern = "within"\ncharts = ["x"]', "no chart is named x"),
    ],
)
def test_rules_that_cannot_be_are_refused(change: str, told: str) -> None:
    known = {"of": "of = 1", "points": "points = 1", "charts": 'charts = ["i"]'}
    rest = "\n".join(line for key, line in known.items() if f"\n{key} =" not in f"\n{change}")
    text = f'name = "a"\nsource = "b"\nmark = "c"\n[[rule]]\nid = "r"\n{change}\n{rest}\n'
    with pytest.raises(RulesUnusable, match=told):
        parse_rules(text)


# Quantiles of the chi-square distribution as every table prints them.
@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [(0.95, 1, 3.841), (0.025, 10, 3.247), (0.975, 10, 20.483), (0.5, 30, 29.336),
     (0.99, 100, 135.807), (0.005, 5, 0.412)],
)  # fmt: skip
def test_quantiles_of_chi_square(share: float, freedom: float, value: float) -> None:
    assert quantile(share, freedom) == pytest.approx(value, abs=0.0006)


@given(some.floats(0.001, 0.999), some.floats(0.5, 5_000))
def test_a_quantile_is_where_its_share_lies(share: float, freedom: float) -> None:
    assert share_below(quantile(share, freedom), freedom) == pytest.approx(share, abs=1e-9)


def test_capability_of_the_handbook() -> None:
    """NIST handbook, 6.1.6: limits 8 and 20, mean 16, standard deviation 2: 1.0 and 0.6667."""
    values = [16 + step for step in (-2, 2) for _ in range(50)]
    found = capability(values, 2.0, 8.0, 20.0)
    assert found.cp is not None and found.cpk is not None and found.pp is not None
    assert found.cp.value == pytest.approx(1.0)
    assert found.cpk.value == pytest.approx(0.6667, abs=1e-4)
    overall = 2 * math.sqrt(100 / 99)
    assert found.pp.value == pytest.approx(12 / (6 * overall))
    # A standard deviation of 99 degrees of freedom: sqrt(73.361 / 99) and sqrt(128.422 / 99).
    assert found.pp.low / found.pp.value == pytest.approx(0.8608, abs=1e-3)
    assert found.pp.high / found.pp.value == pytest.approx(1.1389, abs=1e-3)


def test_one_limit_alone_has_no_cp() -> None:
    found = capability(FLOW, 1.66, None, 60.0)
    assert found.cp is None and found.pp is None
    assert found.cpk is not None and found.cpk.value == pytest.approx((60 - 50.81) / 3 / 1.66)
    assert found.cpk.low < found.cpk.value < found.cpk.high


def test_where_nothing_varies_there_is_no_capability() -> None:
    found = capability([5.0] * 10, 0.0, 0.0, 10.0)
    assert (found.reason, found.cp, found.ppk) == ("no_spread", None, None)
    assert capability([1.0, 2.0], 1.0, 0.0, 10.0).reason == "too_few_values"
    with pytest.raises(ValueError, match="not below"):
        capability(FLOW, 1.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="neither"):
        capability(FLOW, 1.0, None, None)


def test_the_intervals_hold_the_true_index_as_often_as_they_say() -> None:
    """Normal numbers whose index is known: 95 of 100 intervals must hold it, drawn 600 times."""
    draw, held = Random(7), {"cp": 0, "cpk": 0, "pp": 0, "ppk": 0}
    for _ in range(600):
        values = [draw.gauss(0.5, 1.0) for _ in range(40)]
        within = chart(Kind.IMR, values, None, []).sigma_within
        assert within is not None
        found = capability(values, within, -4.0, 4.0)
        for name, true in (("cp", 4 / 3), ("pp", 4 / 3), ("cpk", 3.5 / 3), ("ppk", 3.5 / 3)):
            index = getattr(found, name)
            held[name] += index.low <= true <= index.high
    assert all(0.92 <= count / 600 <= 0.98 for count in held.values()), held


def test_moving_ranges_tell_less_than_all_values() -> None:
    assert moving_range_freedom(100) == pytest.approx(0.605 * 99, rel=0.01)
