"""How long the judgement of a full inspection takes, and whether a plain judge agrees with it."""

from __future__ import annotations

import time
from collections import Counter
from statistics import median, quantiles
from typing import Any

from benchmarks import machine
from benchmarks.figure import Context, Figure

CASES, SHORT_CASES = 10_000, 200
REPEATS, SHORT_REPEATS = 1_000, 50
FULL = ("petrol_in_order", "diesel_in_order", "worst_severity_wins")


def measure(context: Context) -> dict[str, Any]:
    """Judge three full inspections many times, then compare random cases."""
    from stations.inspection.judging.judge import Judge
    from stations.inspection.judging.parsing import parse
    from stations.inspection.judging.rule_set import load
    from wire.rule_sets import FOLDER, newest

    others = machine.wait_until_quiet(context.patience_s)
    began = time.process_time()
    judge = Judge(load(newest()))
    loaded_ms = 1000 * (time.process_time() - began)
    times = {}
    for name in FULL:
        text = (FOLDER.parent / "cases" / f"{name}.json").read_bytes()
        taken = []
        for _ in range(SHORT_REPEATS if context.short else REPEATS):
            began = time.process_time()
            judge.judge(parse(text))
            taken.append(1000 * (time.process_time() - began))
        times[name] = {
            "median_ms": round(median(taken), 2),
            "p99_ms": round(quantiles(taken, n=100, method="inclusive")[-1], 2),
        }
    context.say(f"the slowest of three takes {max(one['median_ms'] for one in times.values())} ms")
    return {
        "settings": context.settings,
        "cores_of_others": others,
        "rule_set": judge.rules.name,
        "load_ms": round(loaded_ms, 1),
        "cases": times,
        "compared": compared(judge, SHORT_CASES if context.short else CASES),
    }


def compared(judge: Any, count: int) -> dict[str, Any]:
    """How often the real and the plain judge differ over this many seeds, and what came out."""
    from tests.stations.inspection.plain import Plain
    from tests.stations.inspection.random_cases import random_case
    from tests.stations.inspection.test_against_plain import judged

    outcomes, codes, different = Counter[str](), Counter[str](), []
    for seed in range(count):
        case = random_case(seed)
        got = judged(judge, case)
        if got != Plain(case).run():
            different.append(seed)
        outcomes[f"{got['result']} {got['letter'] or '-'}"] += 1
        codes.update(code for code, _ in got["findings"])
    return {
        "cases": count,
        "different": different,
        "outcomes": dict(sorted(outcomes.items())),
        "codes": len(codes),
    }


FIGURE = Figure("judging", "a full inspection judged, and a plain judge beside it", measure)
