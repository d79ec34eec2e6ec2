"""Records: the same fact has the same id and the same bytes."""

import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stations.records import AgentInfo, File, Record, record_id

TIME = st.integers(0, 2**48 - 1)


def record(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "id": record_id(1_700_000_000_000, "studio-1"),
        "kind": "studio.session",
        "version": 1,
        "site": "flins-vo",
        "line": "line-1",
        "station": "studio-1",
        "visit": "v-2026-000123",
        "time": "2026-11-22T08:00:00.000Z",
        "agent": AgentInfo(name="pc-studio-1", version="0.1.0"),
        "data": {"b": 1, "a": [1.5, None]},
        **changes,
    }
    return Record(**fields)


@given(TIME, st.lists(st.text(), max_size=3))
def test_an_id_is_a_uuid_of_version_7_that_begins_with_its_time(
    time: int, about: list[str]
) -> None:
    one = uuid.UUID(record_id(time, *about))
    assert one.version == 7 and one.variant == uuid.RFC_4122
    assert one.int >> 80 == time
    assert record(id=str(one)).id == str(one)


@given(
    TIME,
    TIME,
    st.lists(st.text(alphabet="ab"), max_size=3),
    st.lists(st.text(alphabet="ab"), max_size=3),
)
def test_ids_are_equal_only_for_the_same_fact(
    time: int, other_time: int, about: list[str], other: list[str]
) -> None:
    same = (time, about or [""]) == (other_time, other or [""])
    assert (record_id(time, *about) == record_id(other_time, *other)) == same


@given(TIME, TIME)
def test_ids_sort_by_time(first: int, second: int) -> None:
    if first < second:
        assert record_id(first, "z") < record_id(second, "a")


def test_the_canonical_bytes_do_not_depend_on_the_order_of_keys() -> None:
    one, other = (
        record(data={"a": 1, "b": {"d": 2, "c": 3}}),
        record(data={"b": {"c": 3, "d": 2}, "a": 1}),
    )
    assert one.canonical() == other.canonical()
    assert b" " not in record().canonical()
    assert Record(**orjson.loads(record().canonical())) == record()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": str(uuid.UUID(int=0, version=4))},
        {"kind": "Studio Session"},
        {"kind": "studio."},
        {"version": 0},
        {"time": "2026-11-22 08:00:00"},
        {"time": "2026-11-22T08:00:00Z"},
        {"colour": "red"},
        {"files": [{"name": "a", "sha256": "00", "bytes": 1, "type": "image/jpeg"}]},
        {"files": [{"name": "a", "sha256": "0" * 64, "bytes": -1, "type": "image/jpeg"}]},
    ],
)
def test_what_is_no_record_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        record(**changes)


def test_a_record_with_a_file() -> None:
    file = File(name="spin_000.jpg", sha256="0" * 64, bytes=1, type="image/jpeg")
    assert record(files=(file,)).files == (file,)
    with pytest.raises(ValidationError):
        file.bytes = 2  # type: ignore[misc]
