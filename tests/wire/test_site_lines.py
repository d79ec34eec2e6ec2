"""What a site says of its lines: takt, and when they are planned to work."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.test_site import CONFIG, SMALL, small
from tests.wire.test_site_errors import only, problems
from wire.site import LineConfig, ShiftConfig, load

LINE = '\n[[line]]\nname = "line-1"\n'
ON_LINE = SMALL.replace('agent = "pc-1"\ntags', 'line = "line-1"\nagent = "pc-1"\ntags')
HOUR_MS = 3_600_000


def at(text: str) -> int:
    """UTC ms of a text in ISO 8601."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def line(*shifts: dict[str, object], zone: str = "UTC") -> LineConfig:
    made = tuple(ShiftConfig.model_validate(shift) for shift in shifts)
    return LineConfig(name="line-1", zone=zone, shift=made)


def hours(config: LineConfig, start: str, end: str) -> float:
    """Planned hours between two moments."""
    return sum(last - first for first, last in config.busy(at(start), at(end))) / HOUR_MS


def test_a_line_has_takt_and_defaults(tmp_path: Path) -> None:
    site = load(small(tmp_path, '\n[[line]]\nname = "line-9"\ntakt = "6 min"\n'))
    (one,) = site.lines
    assert (one.name, one.takt_ms, one.zone, one.bottleneck) == ("line-9", 360_000, "UTC", "")
    assert one.busy(0, HOUR_MS) == [(0, HOUR_MS)], "without shifts it is planned all the time"
    assert site.line("line-9") is one
    assert site.line("other").busy(5, 7) == [(5, 7)], "nothing is said of it"


def test_a_station_says_its_planned_run_time(tmp_path: Path) -> None:
    path = small(tmp_path)
    path.write_text(path.read_text().replace('kind = "device"', 'kind = "device"\ncycle = "4 min"'))
    assert load(path).station("meter-1").cycle_ms == 240_000


def test_the_plant_works_22_hours_a_day() -> None:
    site = load(CONFIG / "plant/site.toml")
    busy = site.line("line-1")
    assert hours(busy, "2026-11-24", "2026-11-25") == 22.0
    assert hours(busy, "2026-11-28T12:00", "2026-11-29T20:00") == 0.0, "a weekend"


def test_breaks_are_not_planned() -> None:
    early = line({"begin": "06:00", "end": "14:00", "breaks": ("09:00-09:15", "11:30-12:00")})
    day = "2026-11-24T"
    assert early.busy(at(f"{day}00:00"), at(f"{day}23:00")) == [
        (at(f"{day}06:00"), at(f"{day}09:00")),
        (at(f"{day}09:15"), at(f"{day}11:30")),
        (at(f"{day}12:00"), at(f"{day}14:00")),
    ]


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    night = line({"days": ("fri",), "begin": "22:00", "end": "06:00", "breaks": ("01:00-02:00",)})
    assert hours(night, "2026-11-27", "2026-11-28") == 2.0
    assert hours(night, "2026-11-28", "2026-11-29") == 5.0, "Saturday morning, less the break"
    assert hours(night, "2026-11-29", "2026-12-04T22:00") == 0.0


@pytest.mark.parametrize(("day", "planned"), [("2026-03-28", 7.0), ("2026-10-24", 9.0)])
def test_a_shift_over_a_change_of_the_clock_ends_by_the_clock(day: str, planned: float) -> None:
    night = line({"days": ("sat",), "begin": "22:00", "end": "06:00"}, zone="Europe/Paris")
    assert hours(night, f"{day}T12:00", f"{day[:-2]}{int(day[-2:]) + 1}T12:00") == planned


def test_shifts_that_overlap_are_planned_once() -> None:
    both = line({"begin": "06:00", "end": "14:00"}, {"begin": "13:30", "end": "21:30"})
    assert hours(both, "2026-11-24", "2026-11-25") == 15.5


TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


@given(
    st.lists(st.tuples(TIMES, TIMES).filter(lambda one: one[0] != one[1]), min_size=1, max_size=4),
    st.integers(0, 10 * 24 * HOUR_MS),
    st.integers(1, 3 * 24 * HOUR_MS),
    st.integers(1, 3 * 24 * HOUR_MS),
    st.sampled_from(["UTC", "Europe/Paris", "America/New_York"]),
)
def test_a_window_that_is_cut_is_the_whole(
    shifts: list[tuple[str, str]], since: int, first: int, second: int, zone: str
) -> None:
    config = line(*({"begin": begin, "end": end} for begin, end in shifts), zone=zone)
    start = at("2026-10-20") + since
    whole = config.busy(start, start + first + second)
    parts = [
        *config.busy(start, start + first),
        *config.busy(start + first, start + first + second),
    ]
    assert sum(end - begin for begin, end in parts) == sum(end - begin for begin, end in whole)
    assert all(begin < end for begin, end in whole)
    assert all(one[1] < other[0] for one, other in pairwise(whole)), "disjoint and in order"


WRONG = [
    ('takt = "6 minutes"', "takt", "no unit", "min"),
    ('tact = "6 min"', "tact", "unknown key", "takt"),
    ('zone = "Europe/Pariss"', "zone", "no time zone", "Europe/Paris"),
    ('bottleneck = "metre-1"', "bottleneck", "no station", "did you mean meter-1"),
    ('shift = [{ begin = "6:00", end = "14:00" }]', "shift[1].begin", "time of day", "06:00"),
    ('shift = [{ begin = "06:00" }]', "shift[1].end", "is missing", "when it ends"),
    ('shift = [{ begin = "06:00", end = "06:00" }]', "shift[1]", "begins and ends", "24 h"),
    (
        'shift = [{ begin = "06:00", end = "14:00", days = ["monday"] }]',
        "shift[1].days", "monday", "mon",
    ),
    (
        'shift = [{ begin = "06:00", end = "14:00", breaks = ["15:00-15:10"] }]',
        "shift[1]", "not in 06:00-14:00", "within its shift",
    ),
    (
        'shift = [{ begin = "06:00", end = "14:00", breaks = ["09:00"] }]',
        "shift[1].breaks", "from and to", "09:00-09:15",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("added", "key", "what", "hint"), WRONG)
def test_what_is_wrong_with_a_line_is_named(
    tmp_path: Path, added: str, key: str, what: str, hint: str
) -> None:
    found = only(problems(tmp_path, f"{ON_LINE}{LINE}{added}\n"))
    assert found.key.startswith(f"line.line-1.{key}"), found
    assert what in found.what and hint in found.hint, found


def test_a_station_on_a_line_that_is_not_declared_is_named(tmp_path: Path) -> None:
    found = only(problems(tmp_path, f'{ON_LINE}\n[[line]]\nname = "line-2"\n'))
    assert found.key == "station.meter-1.line"
    assert "line-1" in found.what and "did you mean line-2" in found.hint


def test_a_line_twice_is_named(tmp_path: Path) -> None:
    found = only(problems(tmp_path, ON_LINE + LINE + LINE))
    assert "line in site.toml" in found.what


def test_a_site_without_lines_may_name_them_as_it_likes(tmp_path: Path) -> None:
    path = small(tmp_path)
    path.write_text(ON_LINE)
    assert load(path).station("meter-1").line == "line-1"
