"""A rule set is checked when it is loaded: each error says what, where, and what would be right."""

from __future__ import annotations

from datetime import date

import pytest

from stations.inspection.judging.codes import Severity, WrongCode, parse
from stations.inspection.judging.days import months_later
from stations.inspection.judging.items import BY_ANY_NAME, ITEMS
from stations.inspection.judging.rule_set import WrongRuleSet, load
from wire.rule_sets import FOLDER, NEWEST, UnknownRuleSet, names, rule_set

TEXT = (FOLDER / f"{NEWEST}.toml").read_text()
IMBALANCE = 'value = 30\nunit = "%"\ncode = "1.2.1.b.2"\nseverity = 2'
N1_NEW = 'categories = ["N1"]\nfirst_registered = { from = 2012-01-01 }'
SLIP = 'unit = "m/km"\ncode = "2.7.1.a.1"'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (IMBALANCE, IMBALANCE[:-1] + "3",
         "limit brake-imbalance: severity is 3, but the last digit of 1.2.1.b.2 says 2"),
        (IMBALANCE, IMBALANCE.replace("1.2.1.b.2", "1.2.1.q.2"), "1.2.1.q.2 is not in the cata"),
        (IMBALANCE, IMBALANCE.replace("1.2.1.b.2", "1.2.b.2"), "'1.2.b.2' is no code: write"),
        (IMBALANCE, IMBALANCE.replace('"%"', '"N"'), "limit brake-imbalance: unit 'N'"),
        (IMBALANCE, IMBALANCE.replace("value = 30", 'value = "30"'), "limit 6 (brake-imbalance)"),
        (IMBALANCE, IMBALANCE.replace("value = 30", "limit = 30"), "there is no such key"),
        (N1_NEW, N1_NEW.replace("01-01", "01-02"),
         "service-brake-N1-old and service-brake-N1-new leave a gap from 2012-01-01 to 2012-01-01"),
        (N1_NEW, N1_NEW.replace("2012-01-01", "2011-06-01"),
         "overlap: both hold for a vehicle first registered on 2011-06-01"),
        (N1_NEW, 'categories = ["N1"]\nfirst_registered = { from = 2012-01-01, to = 2020-01-01 }',
         "service-brake-N1-new: there is a gap: nothing holds after 2020-01-01"),
        (N1_NEW, N1_NEW.replace("N1", "N7"), "category N7: this rule set knows M1, N1"),
        ("euro = [5, 6, 7]", "euro = [5, 6]", "there is a gap: nothing holds for euro class 7"),
        ("euro = [5, 6, 7]", "euro = [4, 5, 6, 7]", "opacity-euro-5 and opacity-euro-4 overlap"),
        (SLIP, SLIP.replace("2.7.1.a.1", "5.2.3.e.1"), None),
        ('item = "rbt.service_eff"\ncompare = "at least"\nvalue = 58',
         'item = "rbt.service_force"\ncompare = "at least"\nvalue = 58', "there is no such quant"),
        ('code = "1.2.2.a.2"', 'code = "1.2.1.b.2"', "needs a location [Loc.], and rbt.service"),
        ("share = 0.5", "share = 1.5", "share 1.5: write a number between 0 and 1"),
        ("low = 0.97", "low = 1.97", "low 1.97 is above high 1.03: exchange them"),
        ('override_code = "8.2.22.a.2"', 'override_code = ""', "belong together"),
        ('override = ["k_plate_m1"]', 'override = ["k_plate"]', "override k_plate: known are"),
        ("[figures.gravity]", "[figures.gravitation]", "figures.gravity: it is missing"),
        ("value = 9.81", "value = 0", "figures.gravity: 0 is too small"),
        ('value = 300\nunit = "N"\nsource = "insp', 'value = 200\nunit = "N"\nsource = "insp',
         "must be that of figures.imbalance_force_min, 200 N"),
        ('order = ["gvm"]', 'order = ["guess"]', "masses.parking.order"),
        ('"lamp.dip_r.dip"]', '"lamp.dip_x.dip"]', "required lamp.dip_x.dip: there is no such"),
        ('items = ["gas.co_idle"]\nfuels = ["petrol"]', 'items = ["gas.co_idle"]',
         "required gas.co_idle: no limit judges it for M1, diesel"),
        ('deficiencies = ["a.2", "a.3"]\nsource = "extract',
         'deficiencies = ["a.2", "a.2"]\nsource = "extract',
         "is there twice: leave one"),
        ('located = ["d.1"]', 'located = ["d.3"]', "located names d.3, which is not among"),
        ('number = "8.2.12"', 'number = "8.2.1.2"', "write three numbers, as in 8.2.12"),
        ('"0.6.1.c.1" = "0.6.1.c.2"', '"0.6.1.c.1" = "0.6.1.z.2"', "replaced 0.6.1.c.1"),
        ('code = "7.1.5.z.3"\nseverity = 3', 'code = "7.1.5.z.3"\nseverity = 2', "recall: sev"),
        ('mark = "read"', 'mark = "sure"', "mark"),
        ('measures = ["slip."]', 'measures = ["skid."]', "no item begins with 'skid.'"),
        ("name = ", "name == ", "it is no TOML"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(old: str, new: str, expected: str | None) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    if expected is None:
        load(text)
        return
    with pytest.raises(WrongRuleSet) as error:
        load(text)
    assert expected in str(error.value)
    assert all(
        line.startswith(("fr-2026-01: ", "rule set: ")) for line in str(error.value).splitlines()
    )


def test_every_mistake_is_told_at_once() -> None:
    text = TEXT.replace(IMBALANCE, IMBALANCE[:-1] + "3").replace("share = 0.5", "share = 2", 1)
    with pytest.raises(WrongRuleSet) as error:
        load(text)
    assert len(error.value.reasons) >= 2


def test_the_rule_set_that_is_installed_is_whole() -> None:
    found = rule_set()
    assert names() == [NEWEST] and found.name == NEWEST
    assert {"read", "read 2nd", "memory: verify", "design"} == {row.mark for row in found.limits}
    assert all(row.source for row in found.limits)
    assert {"service-brake-M1-new", "parking-brake", "side-slip", "dipped-beam-low-lamp"} <= {
        row.id for row in found.limits if row.conflict
    }
    with pytest.raises(UnknownRuleSet, match="known are fr-2026-01"):
        rule_set("fr-1999")


@pytest.mark.parametrize(
    ("text", "number", "severity"),
    [("8.2.12.a.2", "8.2.12", 2), ("7.11.1.b.2", "7.11.1", 2), ("4.10.1.b.1", "4.10.1", 1),
     ("1.1.14.a.3", "1.1.14", 3), ("0.6.1.c.2", "0.6.1", 2)],
)  # fmt: skip
def test_parts_of_a_code_may_have_two_digits(text: str, number: str, severity: int) -> None:
    code = parse(text)
    assert (code.number, code.severity, str(code)) == (number, Severity(severity), text)


@pytest.mark.parametrize(
    "text", ["", "1.2.1.b", "1.2.1.b.4", "1.2.1.b.0", "9.1.1.a.1", "1.2.1.2.b.2", "1.2.1.B.2",
             "1.2.1.b.2.", " 1.2.1.b.2", "1.2.100.a.1", "1.0.1.a.1", "1.2.1.b.22"],
)  # fmt: skip
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(WrongCode, match=r"as in 1\.2\.1\.b\.2 or 8\.2\.12\.a\.2"):
        parse(text)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [("2026-11-25", 2, "2027-01-25"), ("2026-12-31", 2, "2027-02-28"), 
     ("2024-02-29", 24, "2026-02-28"),
     ("2027-12-31", 2, "2028-02-29"), ("2026-01-31", 1, "2026-02-28"), 
     ("2026-12-01", 1, "2027-01-01")],
)  # fmt: skip
def test_months_are_those_of_the_calendar(day: str, months: int, expected: str) -> None:
    assert months_later(date.fromisoformat(day), months).isoformat() == expected


def test_items_have_their_names_of_the_reference() -> None:
    named = {
        "rbt.axle1.force_max_l", "rbt.axle2.weight_r_kg", "rbt.park_force_l_N", "slip.axle1.slip",
        "slip.axle1.slip_m_per_km", "susp.axle1.eff_l_pct", "lamp.dip_l.target_dip_pct",
        "gas.co_idle_pct", "gas.lambda", "opac.k_result_m1", "opac.k1_m1", "tyre.fl.tread_mid_mm",
        "obd.mil", "ev.ground_continuity_mohm", "ev.isolation", "rbt.axle1.slip_stop",
    }  # fmt: skip
    assert named - set(BY_ANY_NAME) == set()
    assert len(BY_ANY_NAME) > len(ITEMS)
    assert "ev.isolation_mohm" not in BY_ANY_NAME, "milliohm beside, megohm meant"
