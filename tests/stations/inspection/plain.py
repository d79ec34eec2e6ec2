"""A plain judge to compare with: tables and if, nothing shared with the real one.

It takes the case as it was written, knows the same rules from the same reference, and says less:
result, letter, last day, codes with their places, and what is open.
"""

from __future__ import annotations

import calendar
from contextlib import suppress
from datetime import date
from fractions import Fraction
from typing import Any

from tests.stations.inspection.plain_case import PETROL, G, Open
from tests.stations.inspection.plain_exhaust import PlainExhaust


class Plain(PlainExhaust):
    """One case, judged."""

    def run(self) -> dict[str, Any]:
        self._service()
        self._axles()
        self._parking()
        self._chassis()
        self._lamps()
        self.exhaust()
        self._rest()
        return self._said()

    def reported(self, name: str, compute: Any) -> list[Fraction]:
        """Computed and reported values; what is computed may be missing when it is reported."""
        own = []
        with suppress(Open):
            own = [self.value(name)]
        try:
            return [compute(), *own]
        except Open:
            if own:
                return own
            raise

    def _service(self) -> None:
        forces = [f"rbt.axle{a}.force_max_{s}" for a in (1, 2) for s in "lr"]
        weights = [f"rbt.axle{a}.weight_{s}" for a in (1, 2) for s in "lr"]

        def mass() -> Fraction:
            missing: tuple[str, ...]
            try:
                total = sum(self.values(*weights), Fraction(0))
                if total >= 200:
                    return total
                missing = tuple(weights)
            except Open as why:
                missing = why.items
            if self.vehicle.get("ref_mass_kg") is not None:
                return Fraction(repr(self.vehicle["ref_mass_kg"]))
            raise Open(*missing)

        def compute() -> Fraction:
            missing: list[str] = []
            total = kilograms = Fraction(0)
            try:
                total = sum(self.values(*forces), Fraction(0))
            except Open as why:
                missing += why.items
            try:
                kilograms = mass()
            except Open as why:
                missing += why.items
            if missing:
                raise Open(*missing)
            return total * 100 / (kilograms * G)

        def judge() -> None:
            values = self.reported("rbt.service_eff", compute)
            if self.first is None:
                raise Open("rbt.service_eff")
            new = self.first >= date(2012, 1, 1)
            needed = {"M1": (50, 58), "N1": (45, 50)}[self.vehicle["category"]][new]
            worst = min(values)
            if worst < Fraction(needed, 2):
                self.found.add(("1.2.2.a.3", None))
            elif worst < needed:
                self.found.add(("1.2.2.a.2", None))

        self.hold("service", self.must("service"), self._touched("service"), 3, judge)

    def _axles(self) -> None:
        steered = self.vehicle.get("steered_axles", [1])
        for axle in (1, 2):
            place = f"axle{axle}"
            sides = [f"rbt.{place}.force_max_{side}" for side in "lr"]

            def imbalance(place: str = place, sides: list[str] = sides, axle: int = axle) -> None:
                own = []
                try:
                    forces = self.values(*sides)
                    if max(forces) < 300:
                        return
                    own = [(max(forces) - min(forces)) * 100 / max(forces)]
                except Open:
                    try:
                        self.value(f"rbt.{place}.imbalance")
                    except Open:
                        self.values(*sides)
                with suppress(Open):
                    own.append(self.value(f"rbt.{place}.imbalance"))
                if axle in steered and max(own) > 50:
                    self.found.add(("1.2.1.b.3", place))
                elif max(own) > 30:
                    self.found.add(("1.2.1.b.2", place))

            def larger(place: str = place, sides: list[str] = sides) -> None:
                if max(self.values(*sides)) < 300:
                    self.found.add(("1.2.1.a.2", place))

            group = f"imbalance{axle}"
            grave = 3 if axle in steered else 2
            self.hold(group, self.must(group), self._touched(group), grave, imbalance)
            group = f"force{axle}"
            self.hold(group, self.must(group), self._touched(group), 2, larger)
            for side in "lr":
                item = f"rbt.{place}.force_max_{side}"

                def none(item: str = item, at: str = f"{place}.{side}") -> None:
                    if self.value(item) < 100:
                        self.found.add(("1.2.1.a.3", at))

                self.hold(group, self.must(group), self.delivered(item), 3, none)

    def _parking(self) -> None:
        sides = ["rbt.park_force_l", "rbt.park_force_r"]

        def share(mass: str) -> Fraction:
            missing: list[str] = []
            total = Fraction(0)
            try:
                total = sum(self.values(*sides), Fraction(0))
            except Open as why:
                missing += why.items
            if self.vehicle.get(mass) is None:
                missing.append(f"vehicle.{mass}")
            if missing:
                raise Open(*missing)
            return total * 100 / (Fraction(repr(self.vehicle[mass])) * G)

        def rate(worst: Fraction, needed: int) -> None:
            if worst < Fraction(needed, 2):
                self.found.add(("1.4.2.a.3", None))
            elif worst < needed:
                self.found.add(("1.4.2.a.2", None))

        def alone() -> None:
            rate(min(self.reported("rbt.park_eff", lambda: share("gvm_kg"))), 16)

        def combination() -> None:
            if self.vehicle.get("gcm_kg") is not None:
                rate(share("gcm_kg"), 12)

        touched = any(self.delivered(one) for one in (*sides, "rbt.park_eff"))
        self.hold("parking", self.must("parking"), touched, 3, alone)
        touched = any(map(self.delivered, sides))
        self.hold("combination", self.must("combination", False), touched, 3, combination)
        for side in "lr":
            item = f"rbt.park_force_{side}"

            def none(item: str = item, side: str = side) -> None:
                if self.value(item) < 100:
                    self.found.add(("1.4.1.a.2", side))

            self.hold("parking_sides", self.must("parking_sides"), self.delivered(item), 2, none)

    def _chassis(self) -> None:
        for axle in ("axle1", "axle2"):

            def slip(axle: str = axle) -> None:
                if abs(self.value(f"slip.{axle}.slip")) > 8:
                    self.found.add(("2.7.1.a.1", axle))

            must = self.must("slip", axle == "axle1")
            self.hold("slip", must, self.delivered(f"slip.{axle}.slip"), 1, slip)
            sides = [f"susp.{axle}.eff_{side}" for side in "lr"]

            def asymmetry(sides: list[str] = sides, axle: str = axle) -> None:
                def compute() -> Fraction:
                    both = self.values(*sides)
                    if max(both) == 0:
                        raise Open(*sides)
                    return (max(both) - min(both)) * 100 / max(both)

                if max(self.reported(f"susp.{axle}.asym", compute)) > 30:
                    self.found.add(("5.3.2.d.1", axle))

            touched = any(self.delivered(one) for one in (*sides, f"susp.{axle}.asym"))
            self.hold("susp", self.must("susp"), touched, 1, asymmetry)

    def _lamps(self) -> None:
        for side in "lr":
            lamp = f"lamp.dip_{side}"

            def aim(lamp: str = lamp, side: str = side) -> None:
                dip = self.value(f"{lamp}.dip")
                low, high = Fraction("0.5"), Fraction("2.5")
                if self.delivered(f"{lamp}.target_dip"):
                    target = self.value(f"{lamp}.target_dip")
                    low, high = target - Fraction("0.5"), target + Fraction("0.5")
                elif not self.delivered(f"{lamp}.height") or self.value(f"{lamp}.height") >= 800:
                    raise Open(f"{lamp}.dip")
                if not low <= dip <= high:
                    self.found.add(("4.1.2.a.2", side))

            group = f"lamp_{side}"
            self.hold(group, self.must(group), self.delivered(f"{lamp}.dip"), 2, aim)

    def _rest(self) -> None:
        petrol = self.vehicle["fuel"] in PETROL
        since = date(2001, 1, 1) if petrol else date(2004, 1, 1)

        def mil() -> None:
            if self.value("obd.mil"):
                self.found.add(("8.2.12.d.2" if petrol else "8.2.22.c.2", None))

        def antilock() -> None:
            if self.value("obd.abs_fault"):
                self.found.add(("1.6.1.f.2", None))

        due = self.first is None or self.first >= since
        self.hold("mil", self.must("mil", due), self.delivered("obd.mil"), 2, mil)
        self.hold("abs", self.must("abs", False), self.delivered("obd.abs_fault"), 2, antilock)
        for wheel in ("fl", "fr", "rl", "rr"):

            def tread(wheel: str = wheel) -> None:
                items = [f"tyre.{wheel}.tread_mid"]
                items += [
                    f"tyre.{wheel}.tread_{place}" for place in ("inner", "outer")
                    if self.delivered(f"tyre.{wheel}.tread_{place}")
                ]  # fmt: skip
                if min(self.values(*items)) < Fraction("1.6"):
                    self.found.add(("5.2.3.e.3", wheel))

            touched = any(name.startswith(f"tyre.{wheel}.") for name in self.case["measurements"])
            self.hold("tyres", self.must("tyres"), touched, 3, tread)
        now, before = self.vehicle.get("odometer_km"), self.vehicle.get("earlier_odometer_km")
        if now is not None and before is not None and now < before:
            self.found.add(("7.11.1.a.1", None))
        recall = self.vehicle.get("recall_stop_drive")
        if recall:
            self.found.add(("7.1.5.z.3", None))
        elif recall is None:
            self.open["vehicle.recall_stop_drive"] = 3
        if "visual" not in self.case:
            self.open["visual"] = 3
        for one in self.case.get("visual", ()):
            self.found.add((one["code"], one.get("location")))

    def _said(self) -> dict[str, Any]:
        worst = max((int(code[-1]) for code, _ in self.found), default=0)
        could = max(self.open.values(), default=0)
        letter: str | None
        if worst == 3:
            result, letter = "not_ok", "R"
        elif worst == 2:
            result, letter = "not_ok", None if could == 3 else "S"
        elif self.open:
            result, letter = "not_decidable", None
        else:
            result, letter = "ok", "A"
        start = self.day
        if letter == "S" and "earlier_date" in self.case["test"]:
            start = date.fromisoformat(self.case["test"]["earlier_date"])
        months = {"A": 24, "S": 2, "R": 0}.get(letter or "")
        return {
            "result": result,
            "letter": letter,
            "valid_until": None if months is None else _later(start, months),
            "findings": sorted(self.found, key=lambda one: (one[0], one[1] or "")),
            "open": sorted(self.open),
        }


def _later(day: date, months: int) -> str:
    year, month = day.year + (day.month + months - 1) // 12, (day.month + months - 1) % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1])).isoformat()
