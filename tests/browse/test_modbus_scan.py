"""The scan of a range: everything that answers is found, at a price that is bounded."""

from __future__ import annotations

import asyncio
from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.browse.modbus_asker import Asker, Unread
from edge.browse.modbus_scan import Image, Scan, Span, joined
from edge.sources.modbus_line import Words

LENGTH = 200


class Refusing:
    """Answers as a device does that refuses these addresses, large blocks, and halves of pairs."""

    def __init__(self, bad: set[int], count_max: int, pairs: bool) -> None:
        self.bad, self.count_max, self.pairs = bad, count_max, pairs
        self.requests = 0

    async def read(self, table: str, start: int, count: int) -> Words:
        """Each register holds its own address."""
        self.requests += 1
        if count > self.count_max:
            raise Unread("too many", 3)
        if (self.pairs and (start % 2 or count % 2)) or self.bad & {*range(start, start + count)}:
            raise Unread("illegal", 2)
        return np.arange(start, start + count, dtype=np.uint16)


def scanned(device: Refusing, *spans: Span) -> Image:
    return asyncio.run(Scan(cast(Asker, device), 125, lambda done: None).run(spans))


@given(
    bad=st.sets(st.integers(0, LENGTH - 1), max_size=LENGTH),
    count_max=st.sampled_from((2, 7, 20, 125)),
    pairs=st.booleans(),
)
def test_everything_that_answers_is_found_and_all_else_was_asked_for(
    bad: set[int], count_max: int, pairs: bool
) -> None:
    device = Refusing(bad, count_max, pairs)
    image = scanned(device, Span("input", 0, LENGTH - 1))
    lost = {one - one % 2 + half for one in bad for half in (0, 1)} if pairs else bad
    assert image.words.get("input", {}) == {one: one for one in range(LENGTH) if one not in lost}
    assert [span.first for span, _ in image.unread] == sorted(lost)
    edges = sum((one in lost) != (one + 1 in lost) for one in range(LENGTH))
    # One or two requests for what is refused, some around each edge, the limit found by trying.
    assert device.requests < 2 * len(lost) + 12 * edges + 4 * LENGTH / count_max + 30


def test_spans_are_joined_where_they_touch() -> None:
    spans = [Span("input", 5, 9), Span("coil", 0, 1), Span("input", 0, 4), Span("input", 20, 30)]
    assert joined([*spans, Span("input", 25, 40)]) == [
        Span("input", 0, 9), Span("input", 20, 40), Span("coil", 0, 1),
    ]  # fmt: skip
    assert [span.text for span in joined(spans)] == ["input 0-9", "input 20-30", "coil 0-1"]
