"""The items that a case may name: what each is, its unit, and the range it can have at all.

Names follow the table of tags of the inspection reference without the unit at their end
(`rbt.axle1.force_max_l`); with it (`rbt.axle1.force_max_l_N`) they are understood too. A value out
of its range cannot be true, whatever the vehicle: it is never judged. Ranges are design figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["number", "flag", "text", "list"]
AXLES = ("axle1", "axle2")
SIDES = ("l", "r")
WHEELS = ("fl", "fr", "rl", "rr")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be measured. `suffix` ends its long name; flags and texts have no unit."""

    name: str
    kind: Kind = "number"
    unit: str = ""
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    suffix: str = ""

    @property
    def long_name(self) -> str:
        """The name with its unit, as the table of tags has it."""
        return f"{self.name}_{self.suffix}" if self.suffix else self.name


def _numbers(unit: str, suffix: str, low: str, high: str, *names: str) -> Iterator[Item]:
    for name in names:
        yield Item(name, "number", unit, Decimal(low), Decimal(high), suffix)


def _both(stem: str) -> tuple[str, str]:
    return f"{stem}_l", f"{stem}_r"


def _brakes() -> Iterator[Item]:
    for axle in (f"rbt.{axle}" for axle in AXLES):
        yield from _numbers("kg", "kg", "0", "3000", *_both(f"{axle}.weight"))
        yield from _numbers("N", "N", "0", "2000", *_both(f"{axle}.drag"))
        yield from _numbers("N", "N", "0", "20000", *_both(f"{axle}.force_max"))
        yield from _numbers("%", "pct", "0", "100", f"{axle}.imbalance", *_both(f"{axle}.ovality"))
        yield Item(f"{axle}.slip_stop", "flag")
    yield from _numbers("%", "pct", "0", "200", "rbt.service_eff", "rbt.park_eff")
    yield from _numbers("%", "pct", "0", "100", "rbt.park_imbalance")
    yield from _numbers("N", "N", "0", "20000", *_both("rbt.park_force"))


def _chassis() -> Iterator[Item]:
    for axle in AXLES:
        yield from _numbers("m/km", "m_per_km", "-50", "50", f"slip.{axle}.slip")
        shaken = f"susp.{axle}"
        yield from _numbers("%", "pct", "0", "100", *_both(f"{shaken}.eff"), f"{shaken}.asym")
        yield from _numbers("Hz", "hz", "0", "40", f"{shaken}.freq")
        yield from _numbers("kg", "kg", "0", "3000", *_both(f"{shaken}.weight"))
    for tyre in (f"tyre.{wheel}" for wheel in WHEELS):
        grooves = (f"{tyre}.tread_{groove}" for groove in ("inner", "mid", "outer"))
        yield from _numbers("mm", "mm", "0", "30", *grooves)
        yield from _numbers("kPa", "kPa", "0", "1000", f"{tyre}.pressure")
        yield from (Item(f"{tyre}.{what}", "text") for what in ("dot_week", "brand"))


def _lamps() -> Iterator[Item]:
    for lamp in (f"lamp.{kind}_{side}" for kind in ("dip", "main", "fog") for side in SIDES):
        yield from _numbers("mm", "mm", "200", "1500", f"{lamp}.height")
        yield from _numbers("%", "pct", "-5", "10", f"{lamp}.dip", f"{lamp}.lateral")
        yield from _numbers("%", "pct", "0.1", "5", f"{lamp}.target_dip")
        yield from _numbers("kcd", "kcd", "0", "500", f"{lamp}.intensity")
        yield Item(f"{lamp}.cutoff_ok", "flag")


def _exhaust() -> Iterator[Item]:
    yield from _numbers("%", "pct", "0", "15", "gas.co_idle", "gas.co_fast")
    yield from _numbers("%", "pct", "0", "25", "gas.co2", "gas.o2")
    yield from _numbers("ppm", "ppm", "0", "20000", "gas.hc")
    yield from _numbers("1", "", "0.4", "5", "gas.lambda")
    turning = ("gas.rpm_idle", "gas.rpm_fast", "opac.rpm_idle", "opac.rpm_cutoff")
    yield from _numbers("1/min", "", "0", "10000", *turning)
    yield from _numbers("degC", "c", "-40", "200", "gas.oil_temp")
    smoke = (*(f"opac.k{number}" for number in range(1, 9)), "opac.k_result", "opac.band")
    yield from _numbers("1/m", "m1", "0", "15", *smoke)


def _others() -> Iterator[Item]:
    yield from (Item(f"obd.{name}", "flag") for name in ("mil", "ready", "abs_fault", "ecall_ok"))
    yield from _numbers("1", "", "0", "127", "obd.dtc_count")
    yield from (Item(f"obd.{name}", "list") for name in ("dtc", "readiness", "pids"))
    yield Item("obd.vin_readback", "text")
    yield from _numbers("mOhm", "mohm", "0", "1000000", "ev.ground_continuity")
    yield from _numbers("MOhm", "Mohm", "0", "10000", "ev.isolation")
    yield from _numbers("%", "pct", "0", "100", "ev.soc")
    yield from _numbers("%", "pct", "0", "150", "ev.soh")
    yield Item("ev.inlet_ok", "flag")
    yield from _numbers("dB(A)", "dba", "20", "140", "noise.level")


def _all() -> Iterator[Item]:
    for part in (_brakes, _chassis, _lamps, _exhaust, _others):
        yield from part()


ITEMS: dict[str, Item] = {item.name: item for item in _all()}
BY_ANY_NAME: dict[str, Item] = ITEMS | {item.long_name: item for item in ITEMS.values()}
