"""Grades many simulated packs of known truth: what passes unsafe, what is held, what is named.

`python -m benchmarks.battery_grading [--packs 1000] [--protocol full] [--jobs 2]` draws packs with
faults by a seed, runs the protocol on all of them (1 s steps, 0.1 s in pulses), evaluates every
trace and compares the record with the truth. Pass means grade A, B or C. Packs near the limits of
the isolation and of the cells' spread are drawn on purpose: without them "0 pass" would say little.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.battery_grading_table import page
from simulators.battery.campaign import UNSAFE, Simulated, simulated
from stations.battery.cell import identified_cell, pack_spec
from stations.battery.draw import Fault
from stations.battery.protocol import protocol
from stations.battery.qualification import Names, qualified
from stations.battery.record import PackRecord

RESULT = Path(__file__).parent / "results/battery_grading.json"
PAGE = Path(__file__).parents[1] / "docs/battery-grading.md"
PACK, CHUNK = "ze40", 10
ISOLATION_OHM_PER_V, SPREAD_V = 100.0, 0.150
# What is put into a pack, and how often; drawn one after the other, so a pack may have several.
SHARES = (
    ("weak-module", 0.25), ("joint", 0.10), ("lying-bms", 0.08), ("negative-code", 0.05),
    ("isolation-leak", 0.06), ("isolation-near", 0.12), ("imbalance", 0.08), ("runaway", 0.04),
    ("stuck-contactor", 0.03), ("current-drift", 0.04),
)  # fmt: skip
NEAR = (0.93, 1.07)  # of the isolation's limit
HOLDING = ("stuck-contactor", "runaway", "current-drift", "isolation-leak", "imbalance")


@dataclass(frozen=True)
class Packed:
    """A pack's outcome in plain values."""

    seed: int
    grade: str
    faults: tuple[str, ...]
    unsafe: bool
    is_far: bool  # beyond its gate by more than u95, or with a safety fault
    soh: float | None
    u95: float | None
    true_soh: float
    weak: tuple[int, ...]
    true_weak: tuple[int, ...]
    below: tuple[float, ...]
    measured: bool  # the modules were


def faults_of(seed: int, limit_ohm: float) -> tuple[Fault, ...]:
    """What is put into the pack of this seed."""
    rng = np.random.default_rng([77, seed])
    found = []
    for name, share in SHARES:
        if rng.random() >= share:
            continue
        if name == "isolation-near":
            found.append(Fault("isolation-leak", limit_ohm * rng.uniform(*NEAR)))
        else:
            found.append(Fault(name))
    return tuple(found)


def chunk(work: tuple[str, Sequence[int]]) -> list[Packed]:
    """Some packs at once."""
    name, seeds = work
    spec, cell = pack_spec(PACK), identified_cell()
    steps = protocol(name, spec)
    faults = [faults_of(seed, ISOLATION_OHM_PER_V * spec.nominal_v) for seed in seeds]
    out = []
    for one in simulated(spec, steps, seeds, faults):
        battery = f"SIM-{one.truth.seed}"
        names = Names(battery, battery, battery, "benchmark", "2026-01-01T00:00:00Z", True)
        out.append(_packed(one, qualified(one.evidence, spec, cell, steps, names)))
    return out


def _packed(one: Simulated, record: PackRecord) -> Packed:
    truth = one.truth
    beyond = {
        "isolation_dc": ISOLATION_OHM_PER_V - truth.isolation_ohm_per_v,
        "cell_spread_at_rest": truth.cell_spread_v - SPREAD_V,
    }
    u95 = {gate.gate: gate.u95 or 0.0 for gate in record.gates}
    injected = any(
        fault.name in UNSAFE and (fault.name != "isolation-leak") for fault in truth.faults
    )
    soh = record.result("soh_pct")
    known = soh is not None and soh.valid and soh.value is not None
    return Packed(
        seed=truth.seed,
        grade=record.grade.grade if record.grade else "HOLD",
        faults=tuple(fault.name for fault in truth.faults),
        unsafe=injected or any(value > 0 for value in beyond.values()),
        is_far=injected or any(value > u95.get(gate, 0.0) for gate, value in beyond.items()),
        soh=soh.value if known and soh else None,
        u95=soh.u95 if known and soh else None,
        true_soh=truth.soh_pct,
        weak=record.weak_modules,
        true_weak=truth.weak_modules,
        below=truth.below_pct,
        measured=any(module.q_ah is not None for module in record.modules),
    )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    z, share = 1.959964, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(hits: int, of: int) -> dict[str, Any]:
    """A share with its interval."""
    low, high = wilson(hits, of)
    return {"hits": hits, "of": of, "share": hits / of if of else None, "low": low, "high": high}


def summed(packs: Sequence[Packed]) -> dict[str, Any]:
    """All figures."""
    passed = [one for one in packs if one.grade in "ABC"]
    far = [one for one in packs if one.is_far]
    near = [one for one in packs if one.unsafe and not one.is_far]
    gradable = [one for one in packs if not one.unsafe and not set(one.faults) & set(HOLDING)]
    known = [one for one in packs if one.measured]
    truly = sum(len(one.true_weak) for one in known)
    named = sum(len(set(one.weak) & set(one.true_weak)) for one in known)
    wrong = sum(len(set(one.weak) - set(one.true_weak)) for one in known)
    sound = sum(len(one.below) - len(one.true_weak) for one in known)
    errors = np.array([one.soh - one.true_soh for one in packs if one.soh is not None])
    widths = np.array([one.u95 for one in packs if one.soh is not None and one.u95 is not None])
    covered = int(np.count_nonzero(np.abs(errors) <= widths))
    low = [one for one in passed if one.grade == "A" and one.true_soh < 80]
    return {
        "packs": len(packs),
        "grades": {
            letter: sum(one.grade == letter for one in packs)
            for letter in ("A", "B", "C", "D", "HOLD")
        },
        "faults": {
            name: sum(name in one.faults for one in packs)
            for name in sorted({name for one in packs for name in one.faults})
        },
        "far_unsafe_passed": share(sum(one in passed for one in far), len(far)),
        "near_unsafe_passed": share(sum(one in passed for one in near), len(near)),
        "held_of_all": share(sum(one.grade == "HOLD" for one in packs), len(packs)),
        "held_of_gradable": share(sum(one.grade == "HOLD" for one in gradable), len(gradable)),
        "weak_named": share(named, truly),
        "sound_named_weak": share(wrong, sound),
        "soh_within_u95": share(covered, len(errors)),
        "soh_mae_pct": float(np.abs(errors).mean()) if len(errors) else None,
        "soh_bias_pct": float(errors.mean()) if len(errors) else None,
        "soh_u95_median_pct": float(np.median(widths)) if len(widths) else None,
        "grade_a_below_80": share(len(low), sum(one.grade == "A" for one in packs)),
    }


def works(name: str, packs: int, first: int = 0) -> Iterator[tuple[str, Sequence[int]]]:
    """The packs in chunks that fit into memory."""
    for begin in range(first, first + packs, CHUNK):
        yield name, range(begin, min(begin + CHUNK, first + packs))


def measured(name: str, packs: int, jobs: int) -> dict[str, Any]:
    """Run and sum up; Ctrl-C ends it early, and the figures say of how many packs they are."""
    begun = time.monotonic()
    found: list[Packed] = []
    with ProcessPoolExecutor(jobs) as pool:
        try:
            for some in pool.map(chunk, works(name, packs)):
                found += some
                seconds = time.monotonic() - begun
                print(f"\r{len(found)} of {packs}, {seconds:.0f} s", end="", file=sys.stderr)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
    print(file=sys.stderr)
    return {"protocol": name, "pack": PACK, "seconds": time.monotonic() - begun} | summed(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.battery_grading", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--packs", type=int, default=1000)
    parser.add_argument("--protocol", default="full", choices=("full", "quick"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="only write the page of the results")
    given = parser.parse_args(arguments)
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    if not given.page:
        results[given.protocol] = measured(given.protocol, given.packs, given.jobs)
        RESULT.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page(results))
    print(json.dumps(results.get(given.protocol), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
