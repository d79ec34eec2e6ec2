"""How the samples of a group become batches: each is one row of the outbox and one message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from edge.outbox_file import Batch
from edge.pipeline import Kept
from stations.samples import Samples, concat

BATCH_ROWS_MAX = 4_000
BATCH_SIDE_BYTES_MAX = 250_000
# What a sample takes of a message at most, beside its text or array: alias, type and time, a number
# of ten bytes, status and quality by name.
ROW_BYTES_MAX = 128
HEAD_BYTES_MAX = 256  # of a message: time, sequence number, outbox and position


def in_batches(
    kept: Mapping[str, Sequence[Kept]], bytes_max: int | None = None
) -> tuple[list[Batch], list[bool]]:
    """Batches in the order in which their samples came, and which of them are live.

    `bytes_max`: of a message, where the broker takes less than usual.
    """
    found: list[Batch] = []
    is_live: list[bool] = []
    for station, listed in kept.items():
        for historical, some in groupby(listed, key=lambda one: one.historical):
            more = list(batches(station, list(some), bytes_max))
            found += more
            is_live += [not historical] * len(more)
    return found, is_live


def batches(station: str, kept: Sequence[Kept], bytes_max: int | None = None) -> Iterator[Batch]:
    """One batch of what was kept of a station, or several where one message could not carry it."""
    samples = concat([one.samples for one in kept])
    source = np.concatenate([one.source for one in kept])
    for start, end in cuts(samples, bytes_max):
        yield Batch(station, samples[start:end].compact(), source[start:end])


def parts(samples: Samples, bytes_max: int) -> Iterator[Samples]:
    """The samples of a batch in messages of at most `bytes_max`, but for a single larger one."""
    for start, end in cuts(samples, bytes_max):
        yield samples[start:end].compact()


def cuts(samples: Samples, bytes_max: int | None) -> Iterator[tuple[int, int]]:
    """From where to where a batch or a message goes."""
    room, row_bytes = BATCH_SIDE_BYTES_MAX, 0
    if bytes_max is not None:
        room, row_bytes = min(room, max(bytes_max - HEAD_BYTES_MAX, 0)), ROW_BYTES_MAX
    bytes_before = np.zeros(len(samples) + 1, np.int64)
    lengths = [len(samples.side[i]) for i in samples.value[samples.in_side].tolist()]
    bytes_before[1:][samples.in_side] = lengths
    bytes_before[1:] += row_bytes
    bytes_before = bytes_before.cumsum()
    start = 0
    while start < len(samples):
        fits = np.searchsorted(bytes_before, bytes_before[start] + room, "right")
        end = max(start + 1, min(start + BATCH_ROWS_MAX, int(fits) - 1))
        yield start, end
        start = end
