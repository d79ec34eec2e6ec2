"""The judge beside a plain one, on random cases. The benchmark compares ten times as many."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from stations.inspection.judging.judge import Judge
from stations.inspection.judging.parsing import parse
from tests.stations.inspection.plain import Plain
from tests.stations.inspection.random_cases import random_case
from wire.rule_sets import rule_set

COUNT = 1000


def judged(judge: Judge, case: dict[str, Any]) -> dict[str, Any]:
    """What the real judge says, in the words of the plain one."""
    said = judge.judge(parse(json.dumps(case)))
    return {
        "result": said.result,
        "letter": said.letter,
        "valid_until": said.valid_until,
        "findings": sorted(
            {(one.code, one.location) for one in said.findings},
            key=lambda one: (one[0], one[1] or ""),
        ),
        "open": sorted({one.item for one in said.not_decidable}),
    }


def test_both_judges_say_the_same() -> None:
    judge, letters, codes = Judge(rule_set()), Counter[str](), Counter[str]()
    for seed in range(COUNT):
        case = random_case(seed)
        got = judged(judge, case)
        assert got == Plain(case).run(), f"random_case({seed})"
        letters[got["result"] + str(got["letter"])] += 1
        codes.update(code for code, _ in got["findings"])
    # Else the cases would show little.
    assert min(letters[one] for one in ("okA", "not_okS", "not_okR", "not_decidableNone")) > 30
    assert letters["not_okNone"] > 3 and len(codes) > 25
