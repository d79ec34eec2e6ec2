"""Arrays of which some elements have no value: a pack may have fewer sensors than cells."""

from __future__ import annotations

import math

from edge.pipeline import Pipeline
from tests.edge.reports import TAGS, report


def test_an_array_whose_gaps_stay_is_unchanged() -> None:
    pipeline = Pipeline()
    pipeline.declare(TAGS)
    values = [[21.0, math.nan], [21.0, math.nan], [22.0, math.nan], [22.0, 20.0]]
    passed = [
        pipeline.run(report([("heat", 10_000 * at, value)], polled=True)).samples
        for at, value in enumerate(values)
    ]
    assert [repr(part.row(0)) if len(part) else "" for part in passed] == [
        "[21.0, nan]", "", "[22.0, nan]", "[22.0, 20.0]",
    ]  # fmt: skip
    assert (pipeline.counts.unchanged, pipeline.counts.not_finite) == (1, 0)
