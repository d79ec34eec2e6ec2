"""Random cases from a seed: most values in order, some beside a limit, some missing or absurd."""

from __future__ import annotations

from random import Random
from typing import Any

DATES = (
    "1972-09-30", "1972-10-01", "1979-12-31", "1980-01-01",
    "1985-06-01", "1986-12-31", "1987-01-01", "1989-09-30", "1989-10-01", "1992-12-31",
    "1993-01-01", "2000-12-31", "2001-01-01", "2002-07-01", "2002-07-02", "2003-12-31",
    "2004-01-01", "2008-06-30", "2008-07-01", "2011-12-31", "2012-01-01", "2018-05-04",
)  # fmt: skip
FUELS = ("petrol", "petrol", "petrol", "lpg", "diesel", "diesel", "electric")
VISUAL = (
    ("3.4.1.b.1", None), ("5.2.3.e.2", "fl"), ("5.1.1.a.3", None), ("1.1.14.a.2", "axle1"),
    ("8.1.1.a.2", None), ("7.11.1.b.2", None),
)  # fmt: skip
EARLIER = (
    "1.2.1.b.3", "1.2.1.b.2", "1.2.2.a.2", "1.4.2.a.2", "1.4.1.a.2", "4.1.2.a.2", "5.2.3.e.3",
    "5.2.3.d.2", "8.2.12.b.2", "8.2.22.b.2", "8.2.12.d.2", "5.1.1.b.2", "2.7.1.a.1", "3.4.1.b.1",
    "1.2.1.a.3", "8.2.12.c.2", "5.3.2.d.1",
)  # fmt: skip
MACHINES = {
    "brakes": "rbt.", "slip": "slip.", "susp": "susp.", "lamp": "lamp.", "gas": "gas.",
    "opacimeter": "opac.", "obd": "obd.", "tread": "tyre.",
}  # fmt: skip


def random_case(seed: int) -> dict[str, Any]:
    """One case; the same for the same seed."""
    rng = Random(seed)
    vehicle = _vehicle(rng)
    measurements = _measurements(rng, vehicle)
    for name in list(measurements):
        if rng.random() < 0.006:
            if rng.random() < 0.5:
                del measurements[name]
            else:
                measurements[name]["value"] = None
        elif rng.random() < 0.002 and not isinstance(measurements[name]["value"], bool):
            measurements[name]["value"] = rng.choice((-1, 1e9, 99999))
    case = {
        "test": _test(rng),
        "vehicle": vehicle,
        "equipment": _equipment(rng),
        "measurements": measurements,
        "visual": [
            {"code": code, **({"location": place} if place else {})}
            for code, place in VISUAL
            if rng.random() < 0.03
        ],
    }
    if rng.random() < 0.01:
        del case["visual"]
    if case["test"]["kind"] == "re-inspection" and rng.random() < 0.8:
        kept = rng.sample(["rbt.axle", "rbt.park", "lamp.", "gas.", "opac.", "tyre.", "obd."], 3)
        case["measurements"] = {
            name: one for name, one in measurements.items() if name.startswith(tuple(kept))
        }
    return case


def _test(rng: Random) -> dict[str, Any]:
    day = rng.choice(("2026-11-25", "2026-12-31", "2027-02-28", "2028-02-29"))
    if rng.random() < 0.7:
        return {"date": day, "kind": "full"}
    earlier = rng.sample(EARLIER, rng.randint(1, 3))
    if all(code.endswith(".1") for code in earlier):
        earlier.append("1.2.2.a.2")
    test: dict[str, Any] = {"date": day, "kind": "re-inspection", "earlier": earlier}
    if rng.random() < 0.5:
        test["earlier_date"] = {
            "2026-11-25": "2026-09-25", "2026-12-31": "2026-12-30", "2027-02-28": "2026-12-31",
            "2028-02-29": "2027-12-31",
        }[day]  # fmt: skip
    return test


def _vehicle(rng: Random) -> dict[str, Any]:
    vehicle: dict[str, Any] = {
        "category": rng.choice(("M1", "M1", "N1")),
        "fuel": rng.choice(FUELS),
        "first_registration": rng.choice((*DATES, *DATES[-4:], *DATES[-4:])),
        "gvm_kg": rng.choice((1500, 1780, 2000.5)),
        "recall_stop_drive": rng.random() < 0.03,
    }
    maybe: dict[str, tuple[float, tuple[Any, ...]]] = {
        "euro_class": (0.3, (3, 4, 5, 6)), "turbo": (0.8, (True, False)),
        "catalyst": (0.3, (True, False)), "ref_mass_kg": (0.3, (1290, 1350)),
        "k_plate_m1": (0.2, (0.5, 0.9)), "co_maker_pct": (0.15, (0.1, 0.5)),
        "co_maker_fast_pct": (0.15, (0.1, 0.5)), "gcm_kg": (0.2, (2500, 3300)),
        "steered_axles": (0.1, ([1, 2], [1])),
    }  # fmt: skip
    for name, (share, values) in maybe.items():
        if rng.random() < share:
            vehicle[name] = rng.choice(values)
    if rng.random() < 0.1:
        vehicle |= {"lambda_maker_min": 0.95, "lambda_maker_max": 1.01}
    if rng.random() < 0.3:
        vehicle |= {
            "odometer_km": rng.choice((99999, 100000, 120000)),
            "earlier_odometer_km": 100000,
        }
    for name in ("first_registration", "gvm_kg", "recall_stop_drive"):
        if rng.random() < 0.02:
            del vehicle[name]
    return vehicle


def _measurements(rng: Random, vehicle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def put(name: str, unit: str | None, good: Any, *beside: Any, share: float = 0.06) -> None:
        value = rng.choice(beside) if beside and rng.random() < share else good
        found[name] = {"value": value} | ({} if unit is None else {"unit": unit})

    _brakes(rng, put)
    put("slip.axle1.slip", rng.choice(("m/km", "mm/m")), -2.5, 8, -8, 8.01, -8.01)
    if rng.random() < 0.3:
        put("slip.axle2.slip", "m/km", 1, 8.5)
    for axle in ("axle1", "axle2"):
        if rng.random() < 0.5:
            put(f"susp.{axle}.eff_l", "%", 70, 49, 48.999, 0)
            put(f"susp.{axle}.eff_r", "%", 70, 100, 0)
        else:
            put(f"susp.{axle}.eff_l", "ratio", 0.7, 0.49, 0.4899)
            put(f"susp.{axle}.eff_r", "ratio", 0.7)
    for side in "lr":
        put(f"lamp.dip_{side}.dip", "%", 1.2, 0.5, 2.5, 0.49, 2.51, 1.7, 1.71, share=0.15)
        if rng.random() < 0.8:
            put(f"lamp.dip_{side}.target_dip", "%", 1.2, 1, 2.1)
        if rng.random() < 0.8:
            put(f"lamp.dip_{side}.height", "mm", 650, 799.9, 800, 900)
    for wheel in ("fl", "fr", "rl", "rr"):
        put(f"tyre.{wheel}.tread_mid", "mm", 5.1, 1.6, 1.59999, 0)
        for place in ("inner", "outer"):
            if rng.random() < 0.5:
                put(f"tyre.{wheel}.tread_{place}", "mm", 4.8, 1.6, 1.5)
    if vehicle["fuel"] in ("petrol", "lpg") or rng.random() < 0.05:
        put("gas.co_idle", "%", 0.05, 0.3, 0.301, 0.5, 0.51, 3.5, 3.6, 4.5, 4.51, share=0.2)
        put("gas.co_fast", "%", 0.03, 0.2, 0.21, 0.3, 0.31, share=0.2)
        put("gas.lambda", "1", 1.002, 0.97, 1.03, 0.969, 1.031, 1.01, 1.011, share=0.2)
    if vehicle["fuel"] == "diesel" or rng.random() < 0.05:
        put("opac.k_result", "1/m", 0.4, 0.7, 0.71, 1.5, 1.51, 2.5, 2.51, 3, 3.01, share=0.4)
    put("obd.mil", None, False, True)
    if rng.random() < 0.3:
        put("obd.abs_fault", None, False, True)
    if vehicle["fuel"] == "electric":
        put("ev.ground_continuity", "mOhm", 14.5)
    return found


def _brakes(rng: Random, put: Any) -> None:
    exact = rng.random() < 0.3  # then the sum of weights is 1000 kg, and 5689.8 N are 58 %
    for axle, weight, force in (("axle1", 300, 2044.9), ("axle2", 200, 800)):
        scale = 1 if exact else 1.1
        for side in "lr":
            put(f"rbt.{axle}.weight_{side}", "kg", weight, 80, share=0.01)
            good = force if exact else round(force * scale, 1)
            beside = (good * 0.7, good * 0.4999, 0, 100, 99.9, 299, 300, good / 2, good - 0.1)
            if rng.random() < 0.8:
                put(f"rbt.{axle}.force_max_{side}", "N", good, *beside, share=0.12)
            else:
                put(f"rbt.{axle}.force_max_{side}", "daN", round(good / 10, 2), 30, 9.99)
    for side in "lr":
        put(f"rbt.park_force_{side}", "N", 1600, 1395.6, 800, 690, 100, 99, 0, share=0.15)
    for name, values in (
        ("rbt.service_eff", (70, 58, 57.9, 28.9)), ("rbt.park_eff", (20, 16, 15.9)),
        ("rbt.axle1.imbalance", (5, 30, 30.1, 50.1)), ("rbt.axle2.imbalance", (5, 30, 30.1, 50.1)),
        ("susp.axle1.asym", (5, 30, 31)),
    ):  # fmt: skip
        if rng.random() < 0.1:
            put(name, "%", values[0], *values, share=0.3)


def _equipment(rng: Random) -> dict[str, Any]:
    if rng.random() < 0.3:
        return {}
    found: dict[str, Any] = {}
    for name in MACHINES:
        one: dict[str, Any] = {"calibration_due": "2029-01-01", "zero_ok": True}
        if rng.random() < 0.01:
            one |= rng.choice(
                ({"calibration_due": "2026-11-24"}, {"zero_ok": False}, {"fault": "motor"},
                 {"calibration_due": None}, {"last_calibration": "2028-06-01"})
            )  # fmt: skip
        found[f"{name}-1"] = one
    return found
