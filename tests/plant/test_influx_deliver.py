"""What an answer means, and how the bad lines of a refused batch are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.stores.influx.answers import Answer, Meaning, meaning, words_of
from plant.stores.influx.deliver import BODY_BYTES, Delivery, Indexes, Missing, of_lines
from plant.stores.store import StoreRefuses, StoreUnavailable

CONFLICT = (
    'partial write: field type conflict: input field "f" on measurement "m" is type integer,'
    " already exists as type float dropped={}"
)


@pytest.mark.parametrize(
    ("status", "words", "wanted"),
    [
        (204, "", Meaning.DONE),
        (400, CONFLICT.format(1), Meaning.LINES),
        (422, "failure writing points to database: partial write: field type conflict: input"
              ' field "f" on measurement "m" is type integer, already exists as type float'
              " dropped=1", Meaning.LINES),
        (400, "unable to parse 'm f= 1': missing field value", Meaning.LINES),
        (400, "partial write: points beyond retention policy dropped=2", Meaning.LINES),
        (400, "partial write: max-series-per-database limit exceeded: (3) dropped=1",
         Meaning.LINES),
        (400, "partial write of line protocol occurred", Meaning.LINES),
        (400, "bad gateway configuration", Meaning.DOUBTFUL),
        (401, "authorization failed", Meaning.PERSON),
        (403, '"refit" user is not authorized to write to database "x"', Meaning.PERSON),
        (404, 'database not found: "x"', Meaning.MISSING),
        (404, 'bucket "x" not found', Meaning.MISSING),
        (404, "404 page not found", Meaning.PERSON),
        (405, "", Meaning.PERSON),
        (413, "Request Entity Too Large", Meaning.LARGE),
        (429, "", Meaning.AWAY),
        (500, "retention policy not found: x", Meaning.PERSON),
        (500, "engine: error writing WAL entry: no space left on device", Meaning.AWAY),
        (500, "timeout", Meaning.AWAY),
        (503, "", Meaning.AWAY),
        (302, "", Meaning.AWAY),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, words: str, wanted: Meaning) -> None:
    assert meaning(status, words) is wanted


def test_the_words_are_found_however_they_are_wrapped() -> None:
    assert words_of(b'{"error":"database not found"}\n') == "database not found"
    assert words_of(b'{"code":"invalid","message":"unable to parse"}') == "unable to parse"
    assert words_of(b"404 page not found\n") == "404 page not found"
    assert words_of(b"") == ""
    long = words_of(b'{"error":"unable to parse ' + b"x" * 9000 + b': missing field value"}')
    assert len(long) < 400
    assert long.startswith("unable to parse") and long.endswith("missing field value")


Server = Callable[[list[bytes], list[bytes]], Answer]


def keeps_the_good(lines: list[bytes], bad: list[bytes]) -> Answer:
    """InfluxDB 1: a type conflict, the good lines are kept."""
    return Answer(400, CONFLICT.format(len(bad)))


def keeps_nothing(lines: list[bytes], bad: list[bytes]) -> Answer:
    """InfluxDB 2.9.1 with an unparsable line, and others: all of it is refused."""
    return Answer(400, "unable to parse: missing field value")


@given(
    fields=st.lists(st.integers(0, 4), max_size=60),
    bad=st.sets(st.integers(0, 59)),
    bad_field=st.integers(0, 6),
    server=st.sampled_from([keeps_the_good, keeps_nothing]),
)
def test_just_the_bad_ones_are_refused_and_all_others_kept(
    fields: list[int], bad: set[int], bad_field: int, server: Server
) -> None:
    refused = {row for row in range(len(fields)) if row in bad or fields[row] == bad_field}
    kept: set[int] = set()

    def send(blob: bytes) -> Answer:
        lines = blob.split()
        wrong = [line for line in lines if int(line) in refused]
        if not wrong or server is keeps_the_good:
            kept.update(int(line) for line in lines if line not in wrong)
        return server(lines, wrong) if wrong else Answer(204)

    def encode(rows: Indexes) -> tuple[bytes, int]:
        return b"".join(b"%d\n" % row for row in rows.tolist()), len(rows)

    delivery = Delivery(send, encode, np.array(fields, np.int64))
    assert set(delivery.run()) == refused
    assert kept == set(range(len(fields))) - refused


def test_one_bad_field_among_many_costs_few_requests() -> None:
    fields = np.tile(np.arange(1000), 50)

    def encode(rows: Indexes) -> tuple[bytes, int]:
        return b"bad" if (fields[rows] == 77).any() else b"good", 50

    def send(blob: bytes) -> Answer:
        return Answer(400, CONFLICT.format(50)) if blob == b"bad" else Answer(204)

    delivery = Delivery(send, encode, fields)
    assert set(delivery.run()) == set(np.flatnonzero(fields == 77).tolist())
    assert delivery.requests < 30


def test_a_body_that_is_too_large_is_sent_in_parts() -> None:
    sizes: list[int] = []

    def send(blob: bytes) -> Answer:
        sizes.append(len(blob))
        return Answer(204)

    lines = [b"x" * (BODY_BYTES // 3) for _ in range(7)] + [b"y" * (2 * BODY_BYTES)]
    assert of_lines(send, lines).run() == {}
    assert sum(sizes) == sum(map(len, lines))
    assert sorted(sizes)[-2] <= BODY_BYTES  # one line alone cannot be halved


def test_a_server_that_takes_less_at_once_gets_less() -> None:
    def send(blob: bytes) -> Answer:
        return Answer(413) if len(blob) > 3 else Answer(204)

    assert of_lines(send, [b"a"] * 10 + [b"long"]).run() == {10: "it says nothing (HTTP 413)"}


def test_a_refusal_of_everything_in_unknown_words_costs_one_request() -> None:
    def away(answer: Answer) -> None:
        raise StoreUnavailable(str(answer))

    delivery = of_lines(lambda _: Answer(400, "no"), [b"a"] * 1000, away)
    with pytest.raises(StoreUnavailable, match="no"):
        delivery.run()
    assert (delivery.requests, delivery.refused) == (1, {})


def test_unknown_words_about_a_line_are_asked_about_and_it_is_sent_once_more() -> None:
    moments, doubts = iter([True, True]), list[Answer]()

    def send(blob: bytes) -> Answer:
        is_refused = b"bad" in blob or (b"moment" in blob and next(moments, False))
        return Answer(400, "no") if is_refused else Answer(204)

    lines = [b"good", b"moment", b"good", b"bad"]
    assert of_lines(send, lines, doubts.append).run() == {3: "no (HTTP 400)"}
    assert 2 <= len(doubts) <= 3


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(503), StoreUnavailable),
        (Answer(401), StoreRefuses),
        (Answer(404, "database not found: x"), Missing),
    ],
)
def test_what_is_not_about_lines_ends_the_delivery(
    answer: Answer, error: type[StoreUnavailable]
) -> None:
    with pytest.raises(error):
        of_lines(lambda _: answer, [b"a"]).run()
