"""What the plain judge knows of a case: its values, and which groups it has to look at."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

G = Fraction("9.81")
UNITS = {
    "N": 1, "daN": 10, "kN": 1000, "kg": 1, "%": 1, "ratio": 100, "m/km": 1, "mm/m": 1, "mm": 1,
    "1/m": 1, "1": 1, "mOhm": 1,
}  # fmt: skip
RANGES = (
    ("weight_", 0, 3000), ("force_", 0, 20000), ("slip.", -50, 50), ("eff_l", 0, 100),
    ("eff_r", 0, 100), ("asym", 0, 100), ("imbalance", 0, 100), ("_eff", 0, 200),
    (".height", 200, 1500),
    (".target_dip", Fraction("0.1"), 5), (".dip", -5, 10), ("tread_", 0, 30), ("gas.co", 0, 15),
    ("gas.lambda", Fraction("0.4"), 5), ("opac.", 0, 15), ("ground", 0, 1000000),
)  # fmt: skip
PREFIX = {
    "brakes-1": "rbt.", "slip-1": "slip.", "susp-1": "susp.", "lamp-1": "lamp.", "gas-1": "gas.",
    "opacimeter-1": "opac.", "obd-1": "obd.", "tread-1": "tyre.",
}  # fmt: skip
ZEROED = ("rbt.", "slip.", "susp.", "gas.", "opac.")
PETROL, DIESEL = ("petrol", "lpg"), ("diesel",)


class Open(Exception):
    """Not known: the items, and how grave it could be is said where it is caught."""

    def __init__(self, *items: str) -> None:
        super().__init__(*items)
        self.items = items


class Known:
    """One case."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case, self.vehicle = case, case["vehicle"]
        self.day = date.fromisoformat(case["test"]["date"])
        first = self.vehicle.get("first_registration")
        self.first = None if first is None else date.fromisoformat(first)
        self.found: set[tuple[str, str | None]] = set()
        self.open: dict[str, int] = {}
        catalyst = self.vehicle.get("catalyst")
        if catalyst is None and self.first is not None and self.first >= date(1993, 1, 1):
            catalyst = True
        self.catalyst = catalyst
        self.scope = self._scope()

    # What was measured.

    def delivered(self, item: str) -> bool:
        return item in self.case["measurements"]

    def value(self, item: str) -> Fraction:
        one = self.case["measurements"].get(item)
        if one is None or one["value"] is None:
            raise Open(item)
        for name, machine in self.case["equipment"].items():
            if item.startswith(PREFIX[name]) and not self._is_fit(machine, PREFIX[name]):
                raise Open(item)
        if isinstance(one["value"], bool):
            return Fraction(int(one["value"]))
        value = Fraction(repr(one["value"])) * UNITS[one["unit"]]
        for part, low, high in RANGES:
            if part in item:
                if not low <= value <= high:
                    raise Open(item)
                return value
        raise AssertionError(item)

    def _is_fit(self, machine: dict[str, Any], prefix: str) -> bool:
        due, last = machine["calibration_due"], machine.get("last_calibration")
        if machine.get("fault") or due is None or date.fromisoformat(due) < self.day:
            return False
        if last is not None and date.fromisoformat(last) > self.day:
            return False
        return bool(machine["zero_ok"]) or (prefix not in ZEROED and machine["zero_ok"] is None)

    def values(self, *items: str) -> list[Fraction]:
        found, missing = [], []
        for item in items:
            try:
                found.append(self.value(item))
            except Open as why:
                missing += why.items
        if missing:
            raise Open(*missing)
        return found

    # What has to be looked at.

    def _scope(self) -> dict[str, bool] | None:
        """None: everything. Else the groups to judge, and whether each must be whole."""
        if self.case["test"]["kind"] == "full":
            return None
        groups: dict[str, bool] = {"odometer": False}
        for code in self.case["test"]["earlier"]:
            if code.endswith(".1"):
                continue
            own = [group for group in self._groups_of(code) if self._applies(group)]
            if own and not any(self._touched(group) for group in own):
                self.found.add((code, None))
                continue
            for group in own:
                groups[group] = True
            for group in self._beside(code):
                groups.setdefault(group, False)
        return groups

    def _groups_of(self, code: str) -> list[str]:
        subject = code[:-2]
        table = {
            "1.2.1.a": ["force1", "force2"], "1.2.1.b": ["imbalance1", "imbalance2"],
            "1.2.2.a": ["service"], "1.4.2.a": ["parking", "combination"],
            "1.4.1.a": ["parking_sides"], "4.1.2.a": ["lamp_l", "lamp_r"], "2.7.1.a": ["slip"],
            "5.3.2.d": ["susp"], "8.2.12.a": ["co_idle", "co_fast"],
            "8.2.12.b": ["co_idle", "co_fast"], "8.2.12.c": ["lambda"], "8.2.12.d": ["mil"],
            "8.2.22.b": ["opacity"], "8.2.22.a": ["opacity"], "8.2.22.c": ["mil"],
        }  # fmt: skip
        if code.startswith("5.2."):
            return ["tyres"]
        if subject == "8.2.12.d" and self.vehicle["fuel"] not in PETROL:
            return []
        if subject == "8.2.22.c" and self.vehicle["fuel"] not in DIESEL:
            return []
        return table.get(subject, [])

    def _beside(self, code: str) -> list[str]:
        if code.startswith("1."):
            return ["force1", "force2", "imbalance1", "imbalance2", "service", "parking",
                    "combination", "parking_sides", "abs"]  # fmt: skip
        if code.startswith("8."):
            return ["co_idle", "co_fast", "lambda", "opacity", "mil"]
        return ["susp"] if code.startswith("5.3.2.") else []

    def _applies(self, group: str) -> bool:
        fuel = self.vehicle["fuel"]
        if group in ("co_idle", "co_fast", "lambda"):
            return fuel in PETROL
        if group == "opacity":
            return fuel in DIESEL
        return fuel in (*PETROL, *DIESEL) if group == "mil" else True

    def _touched(self, group: str) -> bool:
        items = {
            "force1": ["rbt.axle1.force_"], "force2": ["rbt.axle2.force_"],
            "imbalance1": ["rbt.axle1.force_", "rbt.axle1.imbalance"],
            "imbalance2": ["rbt.axle2.force_", "rbt.axle2.imbalance"],
            "service": ["rbt.axle1.force_", "rbt.axle2.force_", "rbt.axle1.weight_",
                        "rbt.axle2.weight_", "rbt.service_eff"],
            "parking": ["rbt.park_"], "combination": ["rbt.park_force_"],
            "parking_sides": ["rbt.park_force_"], "lamp_l": ["lamp.dip_l.dip"],
            "lamp_r": ["lamp.dip_r.dip"], "slip": ["slip."], "susp": ["susp."],
            "co_idle": ["gas.co_idle"], "co_fast": ["gas.co_fast"], "lambda": ["gas.lambda"],
            "mil": ["obd.mil"], "opacity": ["opac.k_result"], "tyres": ["tyre."],
            "abs": ["obd.abs_fault"],
        }[group]  # fmt: skip
        return any(name.startswith(tuple(items)) for name in self.case["measurements"])

    def wanted(self, group: str) -> bool:
        return self._applies(group) and (self.scope is None or group in self.scope)

    def must(self, group: str, in_full: bool = True) -> bool:
        return in_full if self.scope is None else self.scope.get(group, False)

    def hold(self, group: str, must: bool, touched: bool, grave: int, judge: Any) -> None:
        if not self.wanted(group) or not (must or touched):
            return
        try:
            judge()
        except Open as why:
            for item in why.items:
                self.open[item] = max(grave, self.open.get(item, 0))
