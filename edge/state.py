"""What the agent knows of every tag: the last report and the sample that was made of it.

Columns, indexed by tag number. They are committed with the batches, so that after a restart a
repeated report is known as a repeat and time goes on rising.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from stations import status as codes
from stations.declare import Type
from stations.samples import Corrupt, Samples

EARLIEST_MS = 631_152_000_000  # 1990-01-01: no machine is older, many lost clocks say 1970 or 1601
AHEAD_MS_MAX = 86_400_000
TICKS_PER_MS = 10_000

_SIDE = (Type.TEXT, Type.INTS, Type.FLOATS)
_HEAD = struct.Struct("<I")
_EXTRA = np.dtype([("ticks", "<i8"), ("high", "<i8"), ("reported", "<u4")])


class State:
    """One row per tag number.

    ticks     source time of the last report that was kept (100 ns since 1970)
    high      highest source time that was believed (100 ns since 1970)
    reported  StatusCode as the source gave it; `status` is the one that was passed on
    time, status, type, value, side   the last sample that was passed on
    """

    def __init__(self) -> None:
        self.known = np.zeros(0, bool)
        self.ticks = np.zeros(0, np.int64)
        self.high = np.zeros(0, np.int64)
        self.reported = np.zeros(0, np.uint32)
        self.time = np.zeros(0, np.int64)
        self.status = np.zeros(0, np.uint32)
        self.type = np.zeros(0, np.uint8)
        self.value = np.zeros(0, np.uint64)
        self.stale = np.zeros(0, bool)
        self.side: dict[int, bytes] = {}

    def grow(self, size: int) -> None:
        """Make room for tag numbers below `size`."""
        more = size - len(self.known)
        if more <= 0:
            return
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                setattr(self, name, np.concatenate([column, np.zeros(more, column.dtype)]))

    def samples(self, numbers: Iterable[int] | None = None) -> Samples:
        """The last sample of these tags (default: of all) as far as they are known."""
        wanted = np.flatnonzero(self.known)
        if numbers is not None:
            wanted = wanted[np.isin(wanted, np.fromiter(numbers, np.int64))]
        value = self.value[wanted].copy()
        side: list[bytes] = []
        for row in np.flatnonzero(np.isin(self.type[wanted], _SIDE)).tolist():
            value[row] = len(side)
            side.append(self.side[int(wanted[row])])
        return Samples(
            wanted.astype(np.uint32), self.time[wanted], self.status[wanted], self.type[wanted],
            value, tuple(side),
        )  # fmt: skip

    def last_ms(self, numbers: Iterable[int]) -> int | None:
        """The newest time that these tags' sources have said (UTC ms); None when none is known.

        That a sample has become stale is our word, at a time at which a source may have said more.
        """
        wanted = np.fromiter(numbers, np.int64)
        wanted = wanted[self.known[wanted]]
        if not len(wanted):
            return None
        time, said = self.time[wanted], self.high[wanted] // TICKS_PER_MS
        is_ours = self.status[wanted] == codes.UNCERTAIN_LAST_USABLE_VALUE
        is_ours &= (self.reported[wanted] != self.status[wanted]) & (said > 0)
        return int(np.where(is_ours, np.minimum(time, said), time).max())

    def to_bytes(self) -> bytes:
        """A blob with checksums; `from_bytes` gives an equal state back."""
        samples = self.samples()
        wanted = samples.tag
        extra = np.empty(len(wanted), _EXTRA)
        for name in ("ticks", "high", "reported"):
            extra[name] = getattr(self, name)[wanted]
        first, second = samples.to_bytes(), extra.tobytes()
        return _HEAD.pack(len(first)) + first + second + _HEAD.pack(zlib.crc32(second))

    @classmethod
    def from_bytes(cls, blob: bytes) -> State:
        """The state of a blob; Corrupt when it is torn or altered."""
        state = cls()
        if len(blob) < 2 * _HEAD.size:
            raise Corrupt("too few bytes for a state")
        end = _HEAD.size + _HEAD.unpack_from(blob)[0]
        samples = Samples.from_bytes(blob[_HEAD.size : end])
        extra_bytes = blob[end : -_HEAD.size]
        if len(extra_bytes) != len(samples) * _EXTRA.itemsize:
            raise Corrupt("the state's second part has the wrong length")
        if zlib.crc32(extra_bytes) != _HEAD.unpack(blob[-_HEAD.size :])[0]:
            raise Corrupt("the checksum of the state does not fit")
        extra = np.frombuffer(extra_bytes, _EXTRA)
        state.put(samples, extra["ticks"], extra["high"], extra["reported"])
        return state

    def put(
        self,
        samples: Samples,
        ticks: NDArray[np.int64],
        high: NDArray[np.int64],
        reported: NDArray[np.uint32],
    ) -> None:
        """Take over samples, at most one of each tag, with what the source said."""
        if not len(samples):
            return
        tag = samples.tag
        self.grow(int(tag.max()) + 1)
        self.known[tag] = True
        self.stale[tag] = False
        self.ticks[tag], self.high[tag], self.reported[tag] = ticks, high, reported
        self.time[tag], self.status[tag] = samples.time, samples.status
        self.type[tag], self.value[tag] = samples.type, samples.value
        for row in np.flatnonzero(samples.in_side).tolist():
            self.side[int(tag[row])] = samples.side[int(samples.value[row])]


def absurd(ticks: NDArray[np.int64], received_ms: int) -> NDArray[np.bool_]:
    """Which source times (100 ns since 1970) cannot be: before 1990, or over a day ahead."""
    ms = ticks // TICKS_PER_MS
    return (ms < EARLIEST_MS) | (ms > received_ms + AHEAD_MS_MAX)
