"""What the plain judge says of exhaust gases and smoke."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from tests.stations.inspection.plain_case import Known, Open


class PlainExhaust(Known):
    """The part of a judge that looks at the exhaust."""

    def exhaust(self) -> None:
        late = None if self.first is None else self.first > date(2002, 7, 1)

        def co(item: str, maker: str, catalysed: tuple[str, str]) -> None:
            value = self.value(item)
            given = self.vehicle.get(maker)
            if given is not None:
                if value > Fraction(repr(given)):
                    self.found.add(("8.2.12.a.2", None))
                return
            if self.catalyst is None or self.first is None:
                if self.catalyst is False and item == "gas.co_fast":
                    return
                raise Open(item)
            if self.catalyst:
                limit = Fraction(catalysed[bool(late)])
            elif item == "gas.co_fast":
                return
            else:
                limit = Fraction("3.5" if self.first >= date(1987, 1, 1) else "4.5")
            if value > limit:
                self.found.add(("8.2.12.b.2", None))

        def mixture() -> None:
            value = self.value("gas.lambda")
            low, high = Fraction("0.97"), Fraction("1.03")
            if self.vehicle.get("lambda_maker_min") is not None:
                low = Fraction(repr(self.vehicle["lambda_maker_min"]))
                high = Fraction(repr(self.vehicle["lambda_maker_max"]))
            elif self.catalyst is None:
                raise Open("gas.lambda")
            elif not self.catalyst:
                return
            if not low <= value <= high:
                self.found.add(("8.2.12.c.2", None))

        measured = self.first is None or self.first >= date(1972, 10, 1)
        smoked = self.first is None or self.first >= date(1980, 1, 1)
        catalysed = measured and self.catalyst is not False
        self.hold("co_idle", self.must("co_idle", measured), self.delivered("gas.co_idle"), 2,
                  lambda: co("gas.co_idle", "co_maker_pct", ("0.5", "0.3")))  # fmt: skip
        self.hold("co_fast", self.must("co_fast", catalysed), self.delivered("gas.co_fast"), 2,
                  lambda: co("gas.co_fast", "co_maker_fast_pct", ("0.3", "0.2")))  # fmt: skip
        self.hold(
            "lambda", self.must("lambda", catalysed), self.delivered("gas.lambda"), 2, mixture
        )
        self.hold(
            "opacity", self.must("opacity", smoked), self.delivered("opac.k_result"), 2, self._smoke
        )

    def _smoke(self) -> None:
        value = self.value("opac.k_result")
        plate, euro = self.vehicle.get("k_plate_m1"), self.vehicle.get("euro_class")
        if plate is not None:
            if value > Fraction(repr(plate)):
                self.found.add(("8.2.22.a.2", None))
            return
        if euro is not None and euro >= 5:
            limit = Fraction("0.7")
        elif euro == 4:
            limit = Fraction("1.5")
        elif self.first is None:
            raise Open("opac.k_result")
        elif self.first >= date(2008, 7, 1):
            limit = Fraction("1.5")
        elif self.vehicle.get("turbo") is None:
            raise Open("opac.k_result")
        else:
            limit = Fraction(3) if self.vehicle["turbo"] else Fraction("2.5")
        if value > limit:
            self.found.add(("8.2.22.b.2", None))
