"""The sampling tables: their structure, and plans that were published elsewhere."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files

import pytest

from plant.quality import SAMPLING, sampling_tables
from stations.quality.tables import NoSuchPlan, Severity, TablesUnusable, parse_tables

TEXT = (files("stations.quality") / "sampling_plans" / f"{SAMPLING}.toml").read_text()
TABLES = sampling_tables()
LETTERS = "ABCDEFGHJKLMNPQR"
# Ac along a diagonal: one letter on and one AQL step finer is the same number of expected defects.
DIAGONAL = {
    Severity.NORMAL: (3, [1, 2, 3, 5, 7, 10, 14, 21]),
    Severity.TIGHTENED: (3, [1, 2, 3, 5, 8, 12, 18]),
    Severity.REDUCED: (4, [1, 2, 3, 5, 6, 8, 10]),
}
# Lot sizes, letter, and (n, Ac) at AQL 1.0, 2.5 and 4.0, normal, level II, arrows followed: a
# public table worked out by somebody else from IS 2500 (Part 1):2000, identical to ISO 2859-1:1999.
PUBLISHED = [
    (26, 50, "D", (13, 0), (5, 0), (13, 1)),
    (51, 90, "E", (13, 0), (20, 1), (13, 1)),
    (91, 150, "F", (13, 0), (20, 1), (20, 2)),
    (151, 280, "G", (50, 1), (32, 2), (32, 3)),
    (281, 500, "H", (50, 1), (50, 3), (50, 5)),
    (501, 1200, "J", (80, 2), (80, 5), (80, 7)),
    (1201, 3200, "K", (125, 3), (125, 7), (125, 10)),
    (3201, 10000, "L", (200, 5), (200, 10), (200, 14)),
    (10001, 35000, "M", (315, 7), (315, 14), (315, 21)),
]


@pytest.mark.parametrize(("low", "high", "letter", "at_1", "at_2_5", "at_4"), PUBLISHED)
def test_the_plans_are_those_of_a_published_table(
    low: int, high: int, letter: str, at_1: object, at_2_5: object, at_4: object
) -> None:
    for lot in (low, high):
        assert TABLES.letter(lot, "II") == letter
    for aql, expected in (("1.0", at_1), ("2.5", at_2_5), ("4.0", at_4)):
        plan = TABLES.plan(Severity.NORMAL, letter, Decimal(aql))
        assert (plan.n, plan.ac) == expected
        assert plan.re == plan.ac + 1


# GB/T 2828.1 is identical to ISO 2859-1:1999. A published examination question: N = 50, II, AQL 1.0
# is (13; 0, 1). An example of courses, from memory: N = 1000, II, AQL 2.5 is (80; 5, 6), tightened
# (80; 3, 4) and reduced (32; 3, 4).
@pytest.mark.parametrize(
    ("lot", "aql", "severity", "n", "ac"),
    [
        (50, "1.0", "normal", 13, 0),
        (1000, "2.5", "normal", 80, 5),
        (1000, "2.5", "tightened", 80, 3),
        (1000, "2.5", "reduced", 32, 3),
    ],
)
def test_examples_of_a_course(lot: int, aql: str, severity: str, n: int, ac: int) -> None:
    plan = TABLES.plan(Severity(severity), TABLES.letter(lot, "II"), Decimal(aql))
    assert (plan.n, plan.ac) == (n, ac)


@pytest.mark.parametrize("severity", list(Severity))
def test_acceptance_numbers_are_constant_along_the_diagonals(severity: Severity) -> None:
    after, numbers = DIAGONAL[severity]
    zero = {Severity.NORMAL: 14, Severity.TIGHTENED: 15, Severity.REDUCED: 14}[severity]
    checked = 0
    for row, letter in enumerate(LETTERS):
        if severity is Severity.REDUCED and letter in "AB":
            continue  # their samples are of 2 like that of C: the diagonal is broken there
        cells = TABLES.masters[severity].cells[letter]
        wanted = {zero - row: 0} | {zero - row + after + n: ac for n, ac in enumerate(numbers)}
        for step, ac in wanted.items():
            if 0 <= step < len(TABLES.aql):
                assert cells[step] == str(ac), (letter, TABLES.aql[step])
                checked += 1
    assert checked > 100
    sizes = TABLES.masters[severity].sizes
    below = [
        10 * sizes[b] / sizes[a] for a, b in zip("CDEFGHJKLMNPQ", "DEFGHJKLMNPQR", strict=True)
    ]
    assert all(15 <= ratio <= 17 for ratio in below), "sizes grow by the fifth root of ten"


def test_the_largest_numbers_stand_at_the_smallest_samples() -> None:
    for severity, more in ((Severity.NORMAL, ("30", "44")), (Severity.TIGHTENED, ("27", "41"))):
        cells = TABLES.masters[severity].cells
        where = {(letter, n) for letter, row in cells.items() for n in more if n in row}
        assert {letter for letter, _ in where} == set("ABCDE")


@pytest.mark.parametrize("severity", list(Severity))
def test_every_letter_has_a_plan_for_every_aql(severity: Severity) -> None:
    for letter in LETTERS:
        for aql in TABLES.aql:
            plan = TABLES.plan(severity, letter, aql)
            assert plan.n == TABLES.masters[severity].sizes[plan.code]


def test_reduced_is_never_stricter_than_normal_nor_normal_than_tightened() -> None:
    """At the AQL itself: as likely to accept, by the Poisson distribution."""
    from math import exp, factorial

    def accepted(severity: Severity, letter: str, aql: Decimal) -> float:
        plan = TABLES.plan(severity, letter, aql)
        expected = float(aql) / 100 * plan.n
        return sum(exp(-expected) * expected**k / factorial(k) for k in range(plan.ac + 1))

    for letter in "DEFGHJKLMNPQ":
        for aql in TABLES.aql:
            chances = [
                accepted(one, letter, aql)
                for one in (Severity.TIGHTENED, Severity.NORMAL, Severity.REDUCED)
            ]
            if TABLES.masters[Severity.NORMAL].cells[letter][TABLES.step(aql)].isdigit():
                assert chances[1] >= chances[0] - 0.01, (letter, aql)
                assert chances[2] >= chances[1] - 0.01, (letter, aql)


def test_a_step_tighter_is_of_the_same_sample() -> None:
    plan = TABLES.plan(Severity.NORMAL, "H", Decimal("2.5"))
    tighter = TABLES.tighter(plan, Decimal("2.5"))
    assert tighter is not None and (tighter.n, tighter.ac) == (50, 2)
    first = TABLES.plan(Severity.NORMAL, "Q", Decimal("0.010"))
    assert TABLES.tighter(first, Decimal("0.010")) is None
    for letter in LETTERS:
        for aql in TABLES.aql[1:]:
            plan = TABLES.plan(Severity.NORMAL, letter, aql)
            tighter = TABLES.tighter(plan, aql)
            if (
                plan.ac >= 2
                and TABLES.masters[Severity.NORMAL].cells[letter][TABLES.step(aql)].isdigit()
            ):
                assert tighter is not None and tighter.ac < plan.ac


@pytest.mark.parametrize("level", ["S-1", "S-2", "S-3", "S-4", "I", "II", "III"])
def test_letters_rise_with_the_lot(level: str) -> None:
    lots = [1, 2, 8, 9, 15, 16, 25, 26, 50, 51, 90, 91, 150, 151, 280, 281, 500, 501, 1200, 1201]
    lots += [3200, 3201, 10_000, 10_001, 35_000, 35_001, 150_000, 150_001, 500_000, 500_001, 10**9]
    found = [TABLES.letter(lot, level) for lot in lots]
    assert found == sorted(found)


def test_what_there_is_not_is_refused() -> None:
    with pytest.raises(NoSuchPlan, match="known are S-1, S-2"):
        TABLES.letter(100, "IV")
    with pytest.raises(NoSuchPlan, match=r"AQL 1\.1: known are 0\.010"):
        TABLES.step(Decimal("1.1"))
    with pytest.raises(NoSuchPlan, match="no plan of letter S"):
        TABLES.plan(Severity.TIGHTENED, "S", Decimal("1.0"))
    s = TABLES.plan(Severity.TIGHTENED, "R", Decimal("0.025"))
    assert (s.code, s.n, s.ac) == ("S", 3150, 1)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("[8, ", "[9999, ", "the lot sizes do not rise"),
        ('[0, "D E', '[600000, "D E', "0: and over"),
        ('"A A A A A A B"', '"A A A A A A"', "a letter for each level"),
        ("A = 2, B = 3,", "A = 2,", "other letters"),
        ('Q = " 0  ^  v', 'Q = " v  ^  v', "no arrow that leads to one"),
        ('H = " v  v  v  v  v  v  v  0  ^', 'H = " v  v  v  v  v  v  v  x  ^', "is no number"),
        ('10 14 21 30 44  ^"', '10 14 13 30 44  ^"', "Ac falls"),
        ('D = " v', 'D = "', "not one an AQL"),
        ('"0.010", "0.015"', '"0.015", "0.010"', "do not rise"),
        ("name =", "nam =", "KeyError"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(before: str, after: str, told: str) -> None:
    assert before in TEXT
    with pytest.raises(TablesUnusable, match=told):
        parse_tables(TEXT.replace(before, after, 1))
