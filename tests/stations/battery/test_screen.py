"""The pulse screen: exact leave-out errors, intervals that are owed, and when it says nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stations.battery.gaussian import Process, Shape, tuned
from stations.battery.screen import Screen, TooFewCells, columns_of, hierarchical_quantile, screened
from tests import measured

RATED = 10.0


def made(cells: int, rows: int = 4, seed: int = 0, noise: float = 0.0005) -> tuple[np.ndarray, ...]:
    """Volts, state of health and cell of rows at several SOC: resistance grows with wear."""
    draw = np.random.default_rng(seed)
    soh = np.repeat(draw.uniform(60, 100, cells), rows)
    soc = draw.uniform(0.1, 0.6, cells * rows)
    ohm = np.repeat(draw.normal(0, 0.02, cells), rows) + (1 + (100 - soh) / 40) * (1.2 - soc)
    rest = 3.2 + 0.9 * soc
    pulses = np.array([0.02, 0.03, -0.02, -0.03, 0.04, 0.05])
    volts = np.column_stack([rest, rest[:, None] + ohm[:, None] * pulses])
    return volts + draw.normal(0, noise, volts.shape), soh, np.repeat(np.arange(cells), rows)


def learned(cells: int, chemistry: str = "X", **more: float) -> Screen:
    volts, soh, group = made(cells, **more)  # type: ignore[arg-type]
    return Screen.learned(chemistry, volts, soh, group, np.full(len(soh), RATED))


def asked(screen: Screen, volts: np.ndarray, half: float = 5.0, rated: float = RATED) -> list:
    return screen.answers(volts, np.full(len(volts), rated), half)


def test_the_errors_of_left_out_cells_are_those_of_a_fit_without_them() -> None:
    volts, soh, group = made(25)
    columns, shape = columns_of(volts), Shape()
    center, spread, mean, size = columns.mean(0), columns.std(0), soh.mean(), soh.std()
    whole = Process(columns, soh, group, shape)
    residual, deviation = whole.left_out()
    for cell in (0, 7):
        out = group == cell
        rest = (columns[~out] - center) / (spread + 1e-9), (soh[~out] - mean) / size
        fresh = _plain(*rest, group[~out], (columns[out] - center) / (spread + 1e-9), shape)
        assert residual[out] == pytest.approx(soh[out] - mean - size * fresh[0], abs=1e-6)
        assert deviation[out] == pytest.approx(size * fresh[1], rel=1e-6)


def _plain(
    columns: np.ndarray, target: np.ndarray, group: np.ndarray, new: np.ndarray, shape: Shape
) -> tuple[np.ndarray, np.ndarray]:
    """The textbook's formula, written out row by row."""

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        gap = a - b
        apart = gap[0] ** 2 * np.exp(-2 * shape.first)
        apart += (gap[1:] ** 2).mean() * np.exp(-2 * shape.others)
        linear = a[0] * b[0] + (a[1:] * b[1:]).mean()
        smooth = np.exp(2 * shape.smooth) / (1 + apart / 2)
        return float(smooth + np.exp(2 * shape.linear) * linear + 1)

    def table(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.array([[kernel(a, b) for b in right] for a in left])

    own, noise = np.exp(2 * shape.group), np.exp(2 * shape.noise) + 1e-6
    matrix = table(columns, columns) + own * (group[:, None] == group[None])
    matrix += noise * np.eye(len(target))
    across = table(new, columns)
    spread = table(new, new) + own + noise * np.eye(len(new))
    spread -= across @ np.linalg.solve(matrix, across.T)
    return across @ np.linalg.solve(matrix, target), np.sqrt(np.diag(spread))


def test_the_quantile_counts_cells_and_not_rows() -> None:
    scores = np.array([1.0] * 100 + [9.0] + [2.0])
    groups = np.array([0] * 100 + [1, 2])
    assert hierarchical_quantile(scores, groups, 0.25) == 1.0
    assert hierarchical_quantile(scores, groups, 0.5) == 2.0
    assert hierarchical_quantile(scores, groups, 0.75) == 9.0
    assert hierarchical_quantile(scores, groups, 0.76) == float("inf")


def test_new_cells_are_answered_within_their_interval() -> None:
    screen = learned(60)
    volts, soh, _ = made(60, seed=1)
    found = [one for one in zip(asked(screen, volts), soh, strict=True) if not one[0].abstain]
    assert len(found) >= 0.9 * len(soh)
    within = [one.low_pct <= true <= one.high_pct for one, true in found]
    assert np.mean(within) >= 0.9
    assert np.mean([abs(one.soh_pct - true) for one, true in found]) <= 1.5


def test_an_interval_wider_than_asked_is_no_answer() -> None:
    screen = learned(30, noise=0.01)
    volts, _, _ = made(10, seed=1, noise=0.01)
    found = asked(screen, volts, half=0.5)
    assert {one.reason for one in found} == {"interval_too_wide"}
    assert all(one.soh_pct is None and one.low_pct is not None for one in found)
    assert any(one.reason is None for one in asked(screen, volts, half=50.0))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda volts: volts + 0.9, lambda volts: volts * 0.8, lambda volts: volts[:, ::-1],
        lambda volts: volts[:, :1] + 5 * (volts - volts[:, :1]),
        lambda volts: volts[:, :1] - (volts - volts[:, :1]),
    ],
)  # fmt: skip
def test_what_is_unlike_the_training_is_no_answer(spoil) -> None:  # type: ignore[no-untyped-def]
    screen = learned(40)
    volts, _, _ = made(5, seed=3)
    assert {one.reason for one in asked(screen, spoil(volts))} == {"out_of_domain"}
    assert all(one.soh_pct is None for one in asked(screen, spoil(volts)))


def test_another_size_of_cell_and_another_chemistry_are_unlike() -> None:
    screen = learned(40)
    volts, _, _ = made(2, seed=3)
    assert {one.reason for one in asked(screen, volts, rated=21.0)} == {"out_of_domain"}
    rated = np.full(len(volts), RATED)
    names = ["Y", "x", "X", *["X"] * (len(volts) - 3)]
    found = screened({"X": screen}, names, volts, rated, 5.0)
    assert [one.reason for one in found[:3]] == ["out_of_domain", None, None]


def test_a_flat_voltage_does_not_tell_the_state_of_charge() -> None:
    volts, soh, group = made(30)
    flat = volts - volts[:, :1] + 3.3 + 0.01 * (volts[:, :1] - 3.5)
    screen = Screen.learned("X", flat, soh, group, np.full(len(soh), RATED))
    assert screen.is_flat and not learned(30).is_flat and learned(30, "lfp").is_flat
    found = asked(screen, flat[:4], half=50.0)
    assert {one.reason for one in found} == {"soc_not_identifiable"}


@pytest.mark.parametrize(("cells", "refused"), [(19, True), (20, False)])
def test_fewer_than_twenty_cells_are_owed_no_interval(cells: int, refused: bool) -> None:
    if refused:
        with pytest.raises(TooFewCells, match="19 physical cells"):
            learned(cells)
    else:
        assert learned(cells).cells == 20


def test_a_model_is_plain_json_and_answers_the_same() -> None:
    screen = learned(25)
    again = Screen.from_dict(json.loads(json.dumps(screen.as_dict(), allow_nan=False)))
    volts, _, _ = made(5, seed=9)
    for one, other in zip(asked(screen, volts, 50.0), asked(again, volts, 50.0), strict=True):
        assert one.soh_pct == pytest.approx(other.soh_pct) and one.reason == other.reason
        assert one.low_pct == pytest.approx(other.low_pct)


def test_one_learned_twice_is_one() -> None:
    volts, soh, group = made(25)
    shapes = {tuned(columns_of(volts), soh, group) for _ in range(2)}
    assert len(shapes) == 1


@measured.needed
@pytest.mark.parametrize(("chemistry", "answered"), [("LMO", 0.40), ("NMC", 0.85)])
def test_retired_cells_that_were_never_seen(chemistry: str, answered: float) -> None:
    """Two splits by cell; twenty of them are in the benchmark."""
    cells = measured.retired(chemistry)
    count, found = cells.cell.max() + 1, []
    for seed in range(2):
        seen = np.random.default_rng(seed).permutation(count)[: round(0.75 * count)]
        old = np.isin(cells.cell, seen)
        rated = np.full(len(old), cells.rated_ah)
        screen = Screen.learned(
            chemistry, cells.volts[old], cells.soh_pct[old], cells.cell[old], rated[old]
        )
        answers = screen.answers(cells.volts[~old], rated[~old], 5.0)
        found += list(zip(answers, cells.soh_pct[~old], strict=True))
    whole = [(one.low_pct, true, one.high_pct) for one, true in found if one.low_pct is not None]
    said = [(one, true) for one, true in found if not one.abstain]
    assert len(whole) >= 0.97 * len(found)
    assert np.mean([low <= true <= high for low, true, high in whole]) >= 0.90
    assert len(said) / len(found) >= answered
    assert np.mean([abs(one.soh_pct - true) for one, true in said]) <= 1.5
    assert np.mean([one.low_pct <= true <= one.high_pct for one, true in said]) >= 0.93
