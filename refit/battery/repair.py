"""The repair order: one page of text, which modules come out and what must go in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stations.battery.record import ModuleResult, PackRecord

ROW = 6  # modules in a row of the map


def order(record: PackRecord) -> str:
    """At most a page: pack, modules with position and reason, what a new module must be like."""
    mend = sorted({*record.weak_modules, *record.joint_modules})
    modules = {one.module: one for one in record.modules}
    kept = [one for number, one in modules.items() if number not in mend]
    simulated = "SIMULATED PACK, NO REAL REPAIR\n" if record.simulated else ""
    lines = [
        f"{simulated}REPAIR ORDER  {record.record_id}",
        f"pack {record.battery_id}, {record.pack_model}, serial {record.serial}",
        f"made {record.made_at} from protocol {record.protocol.id}",
        "",
        "Modules, seen from cell 1; [n] = to be worked on:",
        *_map(sorted(modules), mend),
        "",
        *(_work(modules[number], record) for number in mend),
        "",
        *_wanted(kept),
        "",
        "Only with the pack isolated and its service plug drawn, by a person trained for it.",
        "After the repair: isolation, gates and the full test again; the old grade is void.",
        "",
        "done by ____________________   date ____________   checked by ____________________",
        "",
    ]
    return "\n".join(lines)


def _map(numbers: list[int], mend: list[int]) -> list[str]:
    rows = [numbers[at : at + ROW] for at in range(0, len(numbers), ROW)]
    return [
        "  " + " ".join(f"[{one:2}]" if one in mend else f" {one:2} " for one in row)
        for row in rows
    ]


def _work(module: ModuleResult, record: PackRecord) -> str:
    cells = record.series // max(len(record.modules), 1)
    first = (module.module - 1) * cells + 1
    place = f"module {module.module:2} (cells {first} to {first + cells - 1})"
    charge = "" if module.q_ah is None else f", {module.q_ah:.1f} Ah"
    if module.is_weak:
        below = "" if module.below_pct is None else f"{module.below_pct:.1f} % below the median"
        return f"- exchange {place}{charge}: {below}"
    return f"- {place}{charge}: clean and fasten its joints, exchange it if that does not help"


def _wanted(kept: list[ModuleResult]) -> list[str]:
    charges = [one.q_ah for one in kept if one.q_ah is not None]
    ohms = [one.r10_mohm for one in kept if one.r10_mohm is not None]
    lines = ["A module that goes in:"]
    if charges:
        low, high = min(charges), max(charges)
        lines.append(f"- charge {low:.1f} to {max(high, 1.03 * low):.1f} Ah, as those that stay")
    if ohms:
        low, high = min(ohms), max(ohms)
        lines.append(f"- R10 {low:.2f} to {max(high, 1.1 * low):.2f} mOhm at the same temperature")
    lines.append("- open-circuit voltage within 10 mV of each cell's, before it is connected")
    lines.append("- chosen with `refit battery match`")
    return lines
