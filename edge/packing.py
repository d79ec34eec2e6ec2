"""How the samples of a group become batches: each is one row of the outbox and one message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from edge.outbox_file import Batch
from edge.pipeline import Kept
from stations.samples import concat

BATCH_ROWS_MAX = 4_000
BATCH_SIDE_BYTES_MAX = 250_000


def in_batches(kept: Mapping[str, Sequence[Kept]]) -> tuple[list[Batch], list[bool]]:
    """Batches in the order in which their samples came, and which of them are live."""
    found: list[Batch] = []
    is_live: list[bool] = []
    for station, listed in kept.items():
        for historical, some in groupby(listed, key=lambda one: one.historical):
            more = list(batches(station, list(some)))
            found += more
            is_live += [not historical] * len(more)
    return found, is_live


def batches(station: str, kept: Sequence[Kept]) -> Iterator[Batch]:
    """One batch of what was kept of a station, or several where one message could not carry it."""
    samples = concat([one.samples for one in kept])
    source = np.concatenate([one.source for one in kept])
    bytes_before = np.zeros(len(samples) + 1, np.int64)
    lengths = [len(samples.side[i]) for i in samples.value[samples.in_side].tolist()]
    bytes_before[1:][samples.in_side] = lengths
    bytes_before = bytes_before.cumsum()
    start = 0
    while start < len(samples):
        fits = np.searchsorted(bytes_before, bytes_before[start] + BATCH_SIDE_BYTES_MAX, "right")
        end = max(start + 1, min(start + BATCH_ROWS_MAX, int(fits) - 1))
        yield Batch(station, samples[start:end].compact(), source[start:end])
        start = end
