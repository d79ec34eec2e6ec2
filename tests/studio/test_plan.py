"""Shot plans: those that come with Refit, and mistakes that are told with their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.main import app
from stations.studio.manifest import PictureSet
from stations.studio.plan import PlanWrong, parse
from stations.studio.station import SPIN_ANGLES

HEAD = 'id = "p"\nversion = 1\n'
RING = '[[turn]]\ncamera = "ring"\nstep_deg = 10\n'
WHEEL = '[[shot]]\nset = "wheel"\nindex = 0\ncamera = "floor"\n'
MASK = '[[mask]]\ncamera = "{}"\nangle_deg = {}\npolygons = {}\n'
SQUARE = "[[[0.4, 0.6], [0.6, 0.6], [0.6, 0.7]]]"


def run(*words: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["studio", "plan", *words])
    return ran.exit_code, ran.output


@pytest.mark.parametrize(("name", "spin"), [("full-360", 36), ("full-360-fine", 72)])
def test_a_whole_plan_has_every_set_and_hides_the_vin(name: str, spin: int) -> None:
    code, text = run(name)
    assert code == 0
    job = parse(name, text)
    sets = [shot.set for shot in job.shots]
    assert set(sets) == set(PictureSet) and sets.count(PictureSet.SPIN) == spin
    angles = [shot.angle_deg for shot in job.shots if shot.set is PictureSet.SPIN]
    assert angles == [360 / spin * step for step in range(spin)]
    assert sets.count(PictureSet.HERO) == 8
    assert [shot.set for shot in job.shots if shot.restricted] == [PictureSet.VIN]
    assert {shot.set for shot in job.shots if not shot.required} == {PictureSet.DAMAGE}
    for camera in job.cameras:
        assert not (job.turning(camera) and job.standing(camera)), "one camera does one or other"
        left_out = [not shot.required for shot in job.standing(camera)]
        assert left_out == sorted(left_out), "what may be left out stands last"


def test_the_quick_plan_is_what_the_simulated_controller_triggers() -> None:
    job = parse("full-360", run("full-360")[1])
    assert job.recipe == "full-360@3"
    assert {shot.angle_deg for shot in job.turning("ring")} == set(SPIN_ANGLES)


def test_plans_are_listed_and_a_plan_of_ones_own_is_checked(tmp_path: Path) -> None:
    code, text = run("--list", "--json")
    listed = {row["name"]: row for row in json.loads(text)}
    assert code == 0 and set(listed) == {"full-360", "full-360-fine", "turn-36"}
    assert listed["full-360-fine"]["sets"]["spin"] == 72
    own = tmp_path / "own.toml"
    own.write_text(HEAD + RING + WHEEL)
    assert run("--check", str(own)) == (0, "own.toml  p@1: 36 spin, 1 wheel\n")
    own.write_text(HEAD + RING + MASK.format("floor", 0, "[]"))
    code, text = run("--check", str(own))
    assert code == 2 and "the mask of floor at 0 degrees in own.toml" in text
    for words in (("nothing",), ("--check", str(tmp_path / "none")), ("turn-36", "--list")):
        assert run(*words)[0] == 2
    assert "there are full-360, " in run("nothing")[1]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (
            MASK.format("floor", 0, SQUARE),
            "mask of floor at 0 degrees .* not shoot the turn.* ring",
        ),
        (MASK.format("rings", 5, SQUARE), "mask of rings at 5 degrees"),
        (MASK.format("ring", 0, SQUARE) * 2, "mask of ring at 0 degrees .* twice"),
        (MASK.format("ring", 0, SQUARE) + MASK.format("ring", 360, "[]"), "at 0 .* twice"),
        (MASK.format("ring", 10, "[[[0.4, 0.6], [0.6, 0.6]]]"), "at 10 .* 3 points, number 1"),
        (MASK.format("ring", 10, f"[{SQUARE[1:-1]}, []]"), "at 10 .* 3 points, number 2"),
        (
            MASK.format("ring", 0, "[[[640, 300], [700, 300], [700, 340]]]"),
            r"\[\[mask\]\] 1, polygons, 0, 0, 0: .* and 3 more; .* not in pixels",
        ),
        (MASK.format("ring", 0, "[[[nan, 0], [1, 0], [1, 1]]]"), r"\[\[mask\]\] 1, polygons, 0"),
        (MASK.format("ring", '"front"', SQUARE), r"\[\[mask\]\] 1, angle_deg"),
        (MASK.format("ring", 0, '"all"'), r"\[\[mask\]\] 1, polygons"),
        (MASK.format("ring", 0, "[[1, 2, 3]]"), r"\[\[mask\]\] 1, polygons, 0"),
        ('[[mask]]\ncamera = "ring"\npolygons = []\n', r"\[\[mask\]\] 1, angle_deg: .*required"),
        ('[[mask]]\ncamera = "ring"\nangle_deg = 0\n', r"\[\[mask\]\] 1, polygons: .*required"),
        (MASK.format("ring", 0, "[]") + "colour = 3\n", r"\[\[mask\]\] 1, colour"),
        (MASK.format("ring", 0, "[]").replace("[[mask]]", "[mask]"), r"write \[\[mask\]\]"),
        (MASK.format("ring", 0, "[]").replace("[[mask]]", "[[masks]]"), "has masks"),
        (WHEEL + "mask = [[[0, 0], [1, 1]]]\n", "mask of wheel_000 .* 3 points"),
        (
            WHEEL + "mask = [[[0, 0], [1, 0], [90, 90]]]\n",
            r"\[\[shot\]\] 1, mask, 0, 2, 0: .* not in pixels",
        ),
        (WHEEL + "mask = true\n", r"\[\[shot\]\] 1, mask"),
    ],
)
def test_a_mask_that_cannot_be_is_told_with_its_place(mask: str, words: str) -> None:
    with pytest.raises(PlanWrong, match=words) as told:
        parse("p.toml", HEAD + RING + mask)
    assert "p.toml" in told.value.what and told.value.hint


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (HEAD, "has no shot"),
        (HEAD + RING.replace("10", "7"), r"\[\[turn\]\] 1 .* step_deg = 7; .* multiple"),
        (HEAD + RING.replace("10", "35"), "divides 360"),
        (HEAD + RING.replace("step_deg = 10", "angles_deg = [3]"), "wants 3 degrees"),
        (HEAD + RING + "angles_deg = [0]\n", "both or neither"),
        (HEAD + RING.replace("step_deg = 10", ""), "both or neither"),
        (HEAD + RING + "stride = 1\n", r"\[\[turn\]\] 1, stride"),
        (HEAD + RING.replace("turn", "turns"), "has turns"),
        (HEAD + RING + RING, "spin_000 twice"),
        (HEAD + RING + 'set = "wheel"\n', "has an angle_deg"),
        (HEAD + "tolerance_deg = 0\n" + RING, "tolerance_deg = 0"),
        (HEAD + "tolerance_deg = 30\n" + RING, "tolerance_deg = 30"),
        ('id = "p@2"\nversion = 1\n' + RING, "a name without @"),
        ('id = "p"\nversion = 0\n' + RING, "version 1 or more"),
        (HEAD + WHEEL.replace("index = 0", "index = -1"), "index -1"),
        ("version = 1\n" + RING, "id: Field required"),
        (HEAD + RING + WHEEL.replace("0", '"first"'), r"\[\[shot\]\] 1, index"),
    ],
)
def test_a_plan_that_cannot_be_is_told(plan: str, words: str) -> None:
    with pytest.raises(PlanWrong, match=words):
        parse("p.toml", plan)
