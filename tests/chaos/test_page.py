"""The page of what was measured is the one that its results make, and says what is not clean."""

from __future__ import annotations

import json
from pathlib import Path

from refit.chaos.page import text_of

ROOT = Path(__file__).parents[2]
RUN = {
    "name": "agent-killed", "rate": 500.0, "store": "sqlite", "broker": "embedded",
    "machine": "own", "seed": 1, "clean": True, "error": "", "servers": [], "seconds": 10.0,
    "values_per_s": 410,
    "on": {"cores": 2, "load": 1.0, "python": "3.11", "versions": {"refit": "0.1.0"},
           "date": "2026-11-25"},
    "account": {"acknowledged": 1000, "lost": 0, "duplicates": 0, "refused": 0, "told": 7,
                "gaps": 4, "problems": []},
    "rounds": [{"faults": ["agent-killed"], "live_s": 1.5, "caught_up_s": 2.0},
               {"faults": ["agent-killed"], "live_s": 2.5, "caught_up_s": None}],
}  # fmt: skip


def test_the_page_says_what_its_results_say() -> None:
    results, page = ROOT / "docs/reliability.jsonl", ROOT / "docs/reliability.md"
    assert page.read_text() == text_of(results), "write it again: refit chaos --page"


def test_a_run_is_a_row_and_one_that_is_not_clean_is_named(tmp_path: Path) -> None:
    file = tmp_path / "results"
    problems = ["offer 7 is not stored, tags=frozenset({'a', 'b'})"]
    counts = {**RUN["account"], "lost": 3, "problems": problems}  # type: ignore[dict-item]
    lost = RUN | {"clean": False, "account": counts}
    file.write_text(f"{json.dumps(RUN)}\n{json.dumps(lost)}\n")
    row = "| agent-killed (1 not clean) | 4 | 2,000 | 3 | 0 | 0 | 14 | 8 | 2.0 (2.5) | 2.0 (2.0) |"
    assert row in text_of(file)
    assert "seed 1: offer 7 is not stored, tags=(...)\n" in text_of(file)
