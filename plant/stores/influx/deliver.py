"""A batch is sent; when it is refused, its bad lines are found by halving it.

What a server has kept of a batch that it refuses differs: InfluxDB 1 the good lines, 2.9.1 those or
nothing, others nothing. So after a refusal both halves are sent again, down to one sample; writing
a good one twice changes nothing. The halves are first made by field, since a conflict of types is
about a field: one bad field among a thousand costs about twenty requests, however many samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from plant.stores.influx.answers import Answer, Meaning
from plant.stores.store import StoreRefuses, StoreUnavailable

BODY_BYTES = 4 << 20

Indexes = NDArray[np.int64]


class Missing(StoreUnavailable):
    """The database is not there."""


def believe(answer: Answer) -> None:
    """A refusal in words that are not known is one of the lines, says who does not ask."""


class Delivery:
    """Sends rows by number. `encode` makes lines of some of them and says how many lines.

    `doubt` is told of a refusal in words that are not known: the first of all, before anything is
    halved, and that of each single row. It raises StoreUnavailable when everything is refused now.
    """

    def __init__(
        self,
        send: Callable[[bytes], Answer],
        encode: Callable[[Indexes], tuple[bytes, int]],
        fields: Indexes,
        doubt: Callable[[Answer], None] = believe,
    ) -> None:
        self.refused: dict[int, str] = {}
        self.requests = 0
        self._send, self._encode, self._fields = send, encode, fields
        self._doubt, self._has_doubted = doubt, False

    def run(self) -> dict[int, str]:
        """Send all: for each row that is refused the server's words.

        StoreUnavailable when the server cannot take anything now, StoreRefuses when a person has
        to do something, Missing when there is no database.
        """
        waiting = [np.arange(len(self._fields))]
        while waiting:
            rows = waiting.pop()
            if not len(rows):
                continue
            blob, lines = self._encode(rows)
            if len(blob) > BODY_BYTES and len(rows) > 1:
                waiting += reversed(np.array_split(rows, 2))
                continue
            if not self._settled(rows, lines, self._answer(blob, len(rows))):
                waiting += reversed(self._halves(rows))
        return self.refused

    def _answer(self, blob: bytes, rows: int) -> Answer:
        self.requests += 1
        answer = self._send(blob)
        if answer.meaning is not Meaning.DOUBTFUL or (rows > 1 and self._has_doubted):
            return answer
        self._has_doubted = True
        self._doubt(answer)
        self.requests += 1
        return self._send(blob)  # it takes others: what was refused may have been a moment

    def _settled(self, rows: Indexes, lines: int, answer: Answer) -> bool:
        """Whether an answer says what became of each of these rows."""
        match answer.meaning:
            case Meaning.DONE:
                return True
            case Meaning.LINES | Meaning.DOUBTFUL | Meaning.LARGE:
                is_one_field = len(np.unique(self._fields[rows])) == 1
                if len(rows) > 1 and not (is_one_field and answer.dropped == lines):
                    return False
                self.refused |= dict.fromkeys(rows.tolist(), str(answer))
                return True
            case Meaning.MISSING:
                raise Missing(str(answer))
            case Meaning.PERSON:
                raise StoreRefuses(str(answer))
        raise StoreUnavailable(str(answer))

    def _halves(self, rows: Indexes) -> list[Indexes]:
        fields = np.unique(self._fields[rows])
        if len(fields) == 1:
            return np.array_split(rows, 2)
        lower = self._fields[rows] < fields[len(fields) // 2]
        return [rows[lower], rows[~lower]]


def of_lines(
    send: Callable[[bytes], Answer],
    lines: Sequence[bytes],
    doubt: Callable[[Answer], None] = believe,
) -> Delivery:
    """The delivery of lines that are already made."""
    return Delivery(
        send,
        lambda some: (b"".join(lines[row] for row in some.tolist()), len(some)),
        np.arange(len(lines)),
        doubt,
    )
