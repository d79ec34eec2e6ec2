"""What a qualification has for a passport: its results under the passport's names.

An invalid result is none. SOCE is told only with a certified energy: the energy of a bench's C/3
discharge over it stands for the procedure of UN GTR 22, and `deviations` says so.
"""

from __future__ import annotations

from stations.battery.data import table
from stations.battery.passport import Battery, Deviation, Known
from stations.battery.record import PackRecord, Result

ORIGINAL = "original"
SAME = (  # the passport's name, the record's quantity
    ("remaining_capacity", "capacity_ah"),
    ("round_trip_efficiency", "round_trip_efficiency_pct"),
    ("resistance_increase", "resistance_increase_pct"),
    ("remaining_power", "power_discharge_10s_w"),
)


def battery_of(
    record: PackRecord, status: str | None = None, certified_wh: float | None = None
) -> Battery:
    """What a passport may say of the battery.

    `status` overrides that of the record; `certified_wh` is the certified usable energy.
    """
    condition: dict[str, list[Known]] = {}
    absent: dict[str, str] = {}
    notes: list[Deviation] = []
    for name, quantity in SAME:
        _take(record, quantity, name, condition, absent)
    _fade(record, condition, absent)
    _certified(record, certified_wh, condition, absent, notes)
    if record.bms.soc_pct is not None:
        condition["state_of_charge"] = [Known(record.bms.soc_pct, record.made_at)]
    told = status or record.status_after or record.status_before
    if told is None:
        text = "neither the record nor --status says one: a battery that nobody changed is original"
        notes.append(Deviation("batteryStatus", "assumed", text))
    return Battery(
        record.battery_id,
        record.category,
        (told or ORIGINAL).lower(),
        record.original_placing_on_market_date,
        _rated(record),
        condition,
        absent,
        notes=tuple(notes),
    )


def _valid(record: PackRecord, quantity: str) -> Result | str:
    """The result, or why there is none."""
    found = record.result(quantity)
    if found is None:
        return record.absent.get(quantity, "not_measured")
    if found.value is None or not found.valid:
        return found.reasons[0] if found.reasons else "not_valid"
    return found


def _take(
    record: PackRecord,
    quantity: str,
    name: str,
    condition: dict[str, list[Known]],
    absent: dict[str, str],
) -> None:
    found = _valid(record, quantity)
    if isinstance(found, str):
        absent[name] = found
        return
    assert found.value is not None
    at_soc = found.conditions.get("soc_pct")
    soc_pct = float(at_soc) if isinstance(at_soc, (int, float)) else None
    condition[name] = [Known(found.value, record.made_at, soc_pct)]


def _fade(record: PackRecord, condition: dict[str, list[Known]], absent: dict[str, str]) -> None:
    """100 - SoH_C in %, with the charge at the rated temperature."""
    found = _valid(record, "soh_pct")
    if isinstance(found, str):
        absent["capacity_fade"] = found
    else:
        assert found.value is not None
        condition["capacity_fade"] = [Known(100.0 - found.value, record.made_at)]


def _certified(
    record: PackRecord,
    certified_wh: float | None,
    condition: dict[str, list[Known]],
    absent: dict[str, str],
    notes: list[Deviation],
) -> None:
    """The state of certified energy and the remaining energy, where there is a certified one."""
    found = _valid(record, "energy_wh")
    why = "certified_energy_unknown" if certified_wh is None else found
    if certified_wh is None or isinstance(found, str):
        absent["state_of_certified_energy"] = absent["remaining_energy"] = str(why)
        return
    assert found.value is not None
    share_pct = 100.0 * found.value / certified_wh
    condition["state_of_certified_energy"] = [Known(share_pct, record.made_at)]
    condition["remaining_energy"] = [Known(found.value / 1000.0, record.made_at)]
    text = f"the energy is that of {found.method} on a bench, not of the vehicle's certification"
    for field in ("stateOfCertifiedEnergy", "remainingEnergy"):
        notes.append(Deviation(f"batteryCondition.{field}", "bench_method", text))


def _rated(record: PackRecord) -> dict[str, float]:
    found = {
        "rated_ah": record.rated_ah,
        "rated_wh": record.rated_wh,
        "nominal_v": record.nominal_v,
    }
    packs = table("packs").items()
    named = (one for key, one in packs if record.pack_model in (key, one.get("name")))
    known = next(named, None)
    if known is not None:
        found["voltage_min_v"], found["voltage_max_v"] = (
            record.series * float(one) for one in known["cell_v"]
        )
    return found
