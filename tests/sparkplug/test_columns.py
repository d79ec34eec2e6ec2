"""Samples to DATA bytes and back (rows 16, 18, 19, 20, 29, 30, 39)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import status
from stations.declare import Type
from stations.samples import EMPTY, Samples, build
from tests.sparkplug.plant import T0, angles
from wire.sparkplug import codec
from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.codec import Metric, Payload, Property, metric
from wire.sparkplug.columns import (
    Data,
    UnknownMetric,
    data_payload,
    parts_below,
    payload_bytes_max,
    samples_of,
)
from wire.sparkplug.datatypes import DATATYPE, Datatype
from wire.sparkplug.lookup import Device, Numbers, learn
from wire.sparkplug.metrics import OUTBOX, POSITION, MetricName

TYPES = [kind for kind in Type if kind is not Type.NONE]
NAMES = {
    number: MetricName(number, "s", f"tag_{number}", TYPES[number % 6]) for number in range(12)
}
ALIASES = {number: 16_384 + number for number in range(10)}  # 10 and 11 go by name

values: dict[Type, st.SearchStrategy[Any]] = {
    Type.BOOL: st.booleans(),
    Type.INT: st.integers(-(2**63), 2**63 - 1),
    Type.FLOAT: st.floats(),
    Type.TEXT: st.text(max_size=10),
    Type.INTS: st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
    Type.FLOATS: st.lists(st.floats(), max_size=4),
}
statuses = st.sampled_from(
    [0, 0, 0, status.OVERFLOW, status.UNCERTAIN, status.BAD, status.BAD_TIMEOUT, 0xFFFF_FFFF]
)


@st.composite
def sample_rows(draw: st.DrawFn) -> tuple[int, int, int, Type, Any]:
    number = draw(st.integers(0, 11))
    kind = NAMES[number].type
    value = draw(st.none() | values[kind])
    code = draw(statuses)
    # A null that claims to be Good comes back as what it is only because its status is said.
    return number, draw(st.integers(1, 2**45)), code, kind, value


samples_drawn = st.lists(sample_rows(), max_size=30).map(build)


def device(aliases: dict[int, int] = ALIASES) -> Device:
    birth = [
        metric(one.name, DATATYPE[one.type], None, T0, alias=aliases.get(number))
        for number, one in NAMES.items()
        if number in aliases
    ]
    birth.append(metric(OUTBOX, Datatype.STRING, "a", T0))
    birth.append(metric(POSITION, Datatype.INT64, 0, T0, alias=8192))
    counter = itertools.count(100)
    return learn("s", Payload(T0, 0, birth), Numbers(counter.__next__, 1000))


def there_and_back(samples: Samples, historical: bool = True) -> tuple[Data, Device]:
    data = data_payload(
        samples, ALIASES, NAMES, timestamp_ms=T0, seq=7, outbox="a",
        position=42, position_alias=8192, historical=historical,
    )  # fmt: skip
    assert len(data) <= payload_bytes_max(samples, NAMES)
    message = codec.parse(data)
    assert message.seq == 7 and message.timestamp == T0
    known = device()
    return samples_of(message, known, T0), known


def comparable(value: Any) -> Any:
    return repr(value) if isinstance(value, float | list) else value


@given(samples_drawn)
def test_samples_come_back_as_they_went_sorted_by_time(samples: Samples) -> None:
    data, known = there_and_back(samples)
    assert (data.outbox, data.position, data.historical, data.wrong) == ("a", 42, True, 0)
    expected = sorted(range(len(samples)), key=lambda i: int(samples.time[i]))
    got = data.samples
    assert len(got) == len(samples)
    for i, j in enumerate(expected):
        name = known.names[int(got.tag[i])].name
        assert name == NAMES[int(samples.tag[j])].name
        assert (got.time[i], got.status[i], got.type[i]) == (
            samples.time[j], samples.status[j], samples.type[j],
        )  # fmt: skip
        assert comparable(got.row(i)) == comparable(samples.row(j))


@given(samples_drawn)
def test_timestamps_never_fall_and_the_position_stands_last(samples: Samples) -> None:
    live = samples[samples.tag < 10]
    data = data_payload(
        live, ALIASES, NAMES, timestamp_ms=T0, seq=0, outbox="a", position=9, position_alias=8192,
        historical=False,
    )  # fmt: skip
    found = codec.decode(data).metrics
    times = [one.timestamp or 0 for one in found]
    assert times == sorted(times)
    assert found[-1].alias == 8192 and found[-1].raw == 9
    assert (found[-2].name, found[-2].raw) == ("Delivery/Outbox", "a")
    assert not any(one.is_historical or one.datatype for one in found)
    assert not any(one.name for one in found[:-2])


def test_every_sample_that_is_not_good_says_status_and_quality() -> None:
    samples = build(
        [
            (2, T0, 0, Type.FLOAT, 1.0),
            (2, T0 + 1, status.UNCERTAIN, Type.FLOAT, 2.0),
            (2, T0 + 2, status.BAD_TIMEOUT, Type.FLOAT, None),
            (2, T0 + 3, status.OVERFLOW, Type.FLOAT, 3.0),
        ]
    )
    aliases, names = {2: 5}, {2: MetricName(2, "s", "angle", Type.FLOAT)}
    found = codec.decode(
        data_payload(
            samples, aliases, names, timestamp_ms=T0, seq=0, outbox="a",
            position=1, position_alias=6, historical=False,
        )
    ).metrics  # fmt: skip
    told = [{key: one.value for key, one in each.properties.items()} for each in found[:4]]
    assert told == [
        {},
        {"StatusCode": status.UNCERTAIN, "Quality": 500},
        {"StatusCode": status.BAD_TIMEOUT, "Quality": 0},
        {"StatusCode": status.OVERFLOW, "Quality": 192},
    ]
    assert found[1].properties["StatusCode"].type == Datatype.UINT32
    assert found[1].properties["Quality"].type == Datatype.INT32
    assert [one.is_null for one in found[:4]] == [False, False, True, False]


def test_history_is_marked_as_such_the_position_too() -> None:
    data, _ = there_and_back(angles(1.0, 2.0, tag=8), historical=True)
    assert data.historical
    live, _ = there_and_back(angles(1.0, tag=8), historical=False)
    assert not live.historical


def test_a_batch_without_samples_still_has_its_position() -> None:
    data, _ = there_and_back(EMPTY)
    assert data.position == 42 and len(data.samples) == 0


def message(*found: Metric, timestamp: int | None = T0) -> schema.Payload:
    return codec.parse(codec.encode(Payload(timestamp, 1, found)))


def born(*declared: Metric) -> Device:
    counter = itertools.count(1)
    return learn("s", Payload(T0, 0, declared), Numbers(counter.__next__, 1000))


@pytest.mark.parametrize("by", ["alias", "name", "both"])
@pytest.mark.parametrize("aliases", [(1, 2), (2, 1), (0, 7)])
def test_a_negative_number_is_read_by_alias_and_by_name(by: str, aliases: tuple[int, int]) -> None:
    known = born(
        metric("level", Datatype.INT32, 0, T0, alias=aliases[0]),
        metric("other", Datatype.UINT32, 0, T0, alias=aliases[1]),
    )
    one = Metric(
        "level" if by != "alias" else None,
        aliases[0] if by != "name" else None,
        T0,
        None,
        "int_value",
        -12 & 0xFFFF_FFFF,
    )
    data = samples_of(message(one), known, T0)
    assert data.samples.row(0) == -12
    assert known.names[int(data.samples.tag[0])].name == "level"


def test_numbers_stay_when_a_rebirth_permutes_the_aliases() -> None:
    numbers = Numbers(itertools.count(1).__next__, 10)
    first = learn("s", Payload(T0, 0, [metric("a", 4, 1, T0, alias=1)]), numbers)
    swapped = [metric("b", 4, 1, T0, alias=1), metric("a", 4, 1, T0, alias=2)]
    second = learn("s", Payload(T0, 0, swapped), numbers)
    assert first.by_alias[1].number == second.by_alias[2].number != second.by_alias[1].number


def test_a_tag_without_alias_is_taken_as_history_only() -> None:
    known = born()
    late = metric("removed", Datatype.DOUBLE, 1.5, T0)
    with pytest.raises(UnknownMetric):
        samples_of(message(late), known, T0)
    old = Metric("removed", None, T0, Datatype.DOUBLE, "double_value", 1.5, is_historical=True)
    data = samples_of(message(old), known, T0)
    assert data.samples.row(0) == 1.5 and known.names[int(data.samples.tag[0])].type is Type.FLOAT


def test_an_alias_that_no_birth_has_named_is_unknown() -> None:
    with pytest.raises(UnknownMetric):
        samples_of(message(Metric(None, 9, T0, None, "int_value", 1)), born(), T0)
    nameless = Metric(None, None, T0, None, "int_value", 1)
    with pytest.raises(UnknownMetric):
        samples_of(message(nameless), born(metric("a", 4, 1, T0, alias=0)), T0)


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        (0, status.BAD),
        (192, status.GOOD),
        (500, status.UNCERTAIN_LAST_USABLE_VALUE),
        (7, status.BAD),
    ],
)
@pytest.mark.parametrize("datatype", [Datatype.INT32, Datatype.INT64])
def test_an_edge_that_says_only_quality(quality: int, expected: int, datatype: Datatype) -> None:
    known = born(metric("a", Datatype.DOUBLE, 1.0, T0))
    one = metric("a", Datatype.DOUBLE, 2.0, T0, properties={"Quality": Property(datatype, quality)})
    assert samples_of(message(one), known, T0).samples.status[0] == expected


def test_a_null_without_a_word_why_has_no_data() -> None:
    known = born(metric("a", Datatype.DOUBLE, 1.0, T0))
    got = samples_of(message(metric("a", Datatype.DOUBLE, None, T0)), known, T0).samples
    assert (got.type[0], got.status[0]) == (Type.NONE, status.BAD_NO_DATA)


@pytest.mark.parametrize(
    ("datatype", "place", "raw", "expected"),
    [
        (Datatype.DOUBLE, "string_value", "no", status.BAD_TYPE_MISMATCH),
        (Datatype.UINT64, "long_value", 2**63, status.BAD_OUT_OF_RANGE),
        (Datatype.UINT16, "int_value", 2**16, status.BAD_OUT_OF_RANGE),
        (Datatype.INT64_ARRAY, "bytes_value", b"123", status.BAD_TYPE_MISMATCH),
    ],
)
def test_a_value_that_cannot_be_read_is_a_bad_sample(
    datatype: Datatype, place: str, raw: Any, expected: int
) -> None:
    known = born(metric("a", datatype, None, T0))
    data = samples_of(message(Metric("a", None, T0, None, place, raw)), known, T0)
    assert data.wrong == 1
    assert (data.samples.status[0], data.samples.type[0]) == (expected, Type.NONE)


def test_a_metric_without_time_has_that_of_the_message_or_of_its_arrival() -> None:
    known = born(metric("a", Datatype.DOUBLE, 1.0, T0))
    one = metric("a", Datatype.DOUBLE, 2.0, None)
    assert samples_of(message(one), known, 5).samples.time[0] == T0
    assert samples_of(message(one, timestamp=None), known, 5).samples.time[0] == 5


def test_what_is_no_sample_is_skipped() -> None:
    known = born(metric("doc", Datatype.BYTES, b"x", T0), metric("a", Datatype.DOUBLE, 1.0, T0))
    found = [metric("doc", Datatype.BYTES, b"x", T0), metric("a", Datatype.DOUBLE, 2.0, T0)]
    data = samples_of(message(*found), known, T0)
    assert known.skipped == 1 and data.samples.row(0) == 2.0 and len(data.samples) == 1


def test_a_text_that_is_not_utf8_is_a_bad_sample() -> None:
    known = born(metric("a", Datatype.STRING, "", T0))
    data = codec.encode(Payload(T0, 1, [metric("a", Datatype.STRING, "value", T0)]))
    got = samples_of(codec.parse(data.replace(b"value", b"va\xffue")), known, T0)
    assert got.wrong == 1 and got.samples.status[0] == status.BAD_TYPE_MISMATCH


@given(samples_drawn, st.integers(200, 4000))
def test_parts_stay_below_the_cap_and_are_the_whole(samples: Samples, bytes_max: int) -> None:
    parts = list(parts_below(samples, bytes_max))
    assert [int(one) for part in parts for one in part.time] == samples.time.tolist()
    for part in parts:
        data = data_payload(
            part, {n: 16_384 + n for n in NAMES}, NAMES, timestamp_ms=T0, seq=255,
            outbox="x" * 128,
            position=2**62, position_alias=8192, historical=True,
        )  # fmt: skip
        assert len(data) <= payload_bytes_max(part)
        assert len(data) <= bytes_max or len(part) == 1
