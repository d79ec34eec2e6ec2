"""The benchmarks count right, their page is that of their results, and their road can be driven."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import FIGURES, RESULTS, main
from benchmarks.chain import Account, Load, Tag, trial
from benchmarks.figure import medians
from benchmarks.generator import VARIABLE, Generator
from benchmarks.profiler import _is_waiting, _place
from benchmarks.road import Road

NAMES = ["t0", "t1"]


@pytest.mark.parametrize(
    ("tags", "lost", "doubled", "strange"),
    [
        ([Tag("t0", 5, 5, 1, 5), Tag("t1", 5, 5, 1, 5)], 0, 0, 0),
        ([Tag("t0", 5, 5, 1, 5)], 5, 0, 0),
        ([Tag("t0", 4, 4, 1, 5), Tag("t1", 5, 5, 1, 5)], 1, 0, 0),
        ([Tag("t0", 6, 5, 1, 5), Tag("t1", 5, 5, 1, 5)], 0, 1, 0),
        ([Tag("t0", 6, 6, 1, 6), Tag("t1", 5, 5, 1, 5)], -1, 0, 1),
        ([Tag("t0", 5, 5, 1, 5), Tag("t1", 5, 5, 1, 5), Tag("t2", 1, 1, 1, 1)], 0, 0, 1),
    ],
    ids=["whole", "a tag is missing", "one lost", "one twice", "one too high", "a foreign tag"],
)
def test_the_account_names_what_is_wrong(
    tags: list[Tag], lost: int, doubled: int, strange: int
) -> None:
    account = Account.of(tags, NAMES, 5)
    assert (account.lost, account.doubled, account.strange) == (lost, doubled, strange)
    assert account.is_whole is not bool(lost or doubled or strange)


def test_medians_reach_into_parts_and_leave_words_alone() -> None:
    runs = [{"a": n, "b": {"c": 10.0 * n}, "d": "word", "e": True} for n in (3, 1, 2)]
    assert medians(runs) == {"a": 2, "b": {"c": 20.0}, "d": "word", "e": True}


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ("run (/srv/refit/edge/pipeline.py:80)", ("edge/pipeline.py run", True)),
        ("f (/v/site-packages/asyncua/ua/x.py:1)", ("asyncua/ua/x.py f", False)),
        ("select (selectors.py:468)", ("selectors.py select", False)),
    ],
)
def test_a_frame_of_the_profiler_is_placed(frame: str, place: tuple[str, bool]) -> None:
    assert _place(frame) == place


def test_waiting_is_not_work() -> None:
    assert _is_waiting("selectors.py EpollSelector.select")
    assert not _is_waiting("edge/outbox.py Outbox.commit")


def test_the_page_is_that_of_the_results() -> None:
    assert report.PAGE.read_text("utf-8") == report.page(RESULTS), (
        "run: python -m benchmarks --page"
    )


def test_a_figure_that_was_never_taken_is_named_on_the_page(tmp_path: Path) -> None:
    page = report.page(tmp_path)
    assert page.count("has not been taken yet") == len(FIGURES)


def test_every_figure_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == [figure.name for figure in FIGURES]


@pytest.mark.system
def test_every_value_of_a_small_load_is_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    load = Load(tags=20, hz=5.0, seconds=1.0)
    with Generator(tmp_path, load.tags, load.hz) as machine, Road(tmp_path, machine) as road:
        road.start()
        told = trial(road, machine, load, patience_s=0.0)
    assert told["account"] == {
        "written": 100, "stored": 100, "lost": 0, "doubled": 0, "strange": 0,
    }  # fmt: skip
    assert set(told["cpu_s_per_million"]) == {"broker", "historian", "agent", "generator"}
