"""Protocols as data: what the tables say, what is refused, and how long each will take."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest

from stations.battery.cell import PACKS, pack_spec
from stations.battery.data import table
from stations.battery.protocol import PROTOCOLS, expected_s, protocol

SPEC = pack_spec("ze40")


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("pack", PACKS)
def test_every_protocol_fits_every_pack(name: str, pack: str) -> None:
    spec = pack_spec(pack)
    made = protocol(name, spec)
    assert made.steps[0].kind == "rest" and made.steps[-1].kind == "rest"
    assert made.cycler.current_max_a < made.limits.current_max_a
    assert made.cycler.voltage_max_v < made.limits.cell_v[1] * spec.series
    assert made.cycler.voltage_min_v > made.limits.cell_v[0] * spec.series
    for step in made.steps:
        assert abs(step.current_a) <= made.cycler.current_max_a
        assert made.steps[made.index(step.resume)].kind in ("rest", "charge", "discharge")


def test_a_pulse_is_sampled_at_a_tenth_of_a_second_from_before_its_edge() -> None:
    for name in PROTOCOLS:
        steps = protocol(name, SPEC).steps
        for before, step in pairwise(steps):
            if step.kind == "pulse":
                assert step.sample_s == before.sample_s == 0.1 and before.kind == "rest"


def test_a_pulse_screen_takes_minutes_and_a_full_test_hours() -> None:
    minutes = {name: sum(expected_s(protocol(name, SPEC), 0.4)) / 60 for name in PROTOCOLS}
    assert minutes["pulse"] < 10 < minutes["quick"] < 180 < 480 < minutes["full"] < 700


def test_names_that_are_not_known_are_told_with_those_that_are() -> None:
    with pytest.raises(LookupError, match=r"no protocol 'fast'; known are full, quick, pulse"):
        protocol("fast", SPEC)
    with pytest.raises(LookupError, match=r"no pack 'tesla'; known are ze40, ze50, zoe22"):
        pack_spec("tesla")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"current_c": 2.0}, "above the limit"),
        ({"current_c": 0.0}, "a charge of 0 A"),
        ({"current_c": -0.5}, "a charge of -65.6 A"),
        ({"seconds": 0}, "are above 0"),
        ({"until_current_c": None}, "wants until_current_c"),
        ({"name": "rest before"}, "names of their own"),
        ({"resume": "nowhere"}, "no step 'nowhere'"),
        ({"amps": 3}, "unknown amps"),
    ],
)
def test_a_step_that_cannot_be_run_is_refused(changed: dict[str, Any], told: str) -> None:
    tables = copy.deepcopy(table("protocols"))
    row = tables["protocol"]["full"]["step"][1]
    row.update(changed)
    for name in [name for name, value in row.items() if value is None]:
        del row[name]
    with pytest.raises((ValueError, LookupError), match=told):
        protocol("full", SPEC, tables)


def test_a_protocol_is_known_by_the_hash_of_its_table() -> None:
    tables = copy.deepcopy(table("protocols"))
    same = protocol("full", SPEC, tables).sha256
    assert same == protocol("full", SPEC).sha256
    tables["limits"]["temperature_max_degc"] = 46.0
    assert protocol("full", SPEC, tables).sha256 != same
