"""Shot plans, and the cameras that they want."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.studio.plans import parse, read_job
from wire.site import SiteError, load
from wire.site.problems import Wrong

SHOT = '[[shot]]\nset = "{}"\nindex = {}\ncamera = "{}"\n'
SPIN = SHOT.format("spin", 0, "ring") + "angle_deg = 0\n"
WHEEL = SHOT.format("wheel", 0, "floor")
HEAD = 'id = "p"\nversion = 1\n'
SITE = """
[site]
name = "s"
[[agent]]
name = "pc"
[[station]]
name = "studio-1"
kind = "studio"
agent = "pc"
opcua = {{ url = "opc.tcp://127.0.0.1:4840"{writes} }}
modbus = {{ url = "tcp://127.0.0.1:502" }}
{rest}
"""
CAPTURE = '[station.capture]\nplan = "plan.toml"\noriginals = "7 d"\n'
RING = '[station.cameras.ring]\nfolder = "card"\n'
FLOOR = '[station.cameras.floor]\nurl = "http://127.0.0.1:8080/still"\n'


def site(tmp_path: Path, rest: str, writes: str = "", plan: str = HEAD + SPIN + WHEEL) -> Path:
    (tmp_path / "plan.toml").write_text(plan)
    path = tmp_path / "site.toml"
    path.write_text(SITE.format(rest=rest, writes=writes))
    return path


def test_a_plan_and_its_cameras(tmp_path: Path) -> None:
    loaded = load(site(tmp_path, CAPTURE + RING + FLOOR, ', writes = ["start", "release"]'))
    job = read_job(loaded.station("studio-1"))
    assert job.recipe == "p@1" and job.asked == ("floor",) and job.cameras == ("ring", "floor")
    capture = loaded.station("studio-1").capture
    assert capture is not None and capture.originals_ms == 7 * 86_400_000


@pytest.mark.parametrize(
    ("rest", "writes", "key"),
    [
        (CAPTURE, "", "cameras"),
        (RING, "", "capture"),
        (CAPTURE + '[station.cameras.ring]\nfolder = "a"\nurl = "http://h/x"\n', "", "ring"),
        (CAPTURE + "[station.cameras.ring]\n", "", "ring"),
        (CAPTURE + '[station.cameras.ring]\nfolder = "a"\npattern = "ring"\n', "", "pattern"),
        (CAPTURE + '[station.cameras.ring]\nfolder = "a"\npattern = "("\n', "", "pattern"),
        (CAPTURE + '[station.cameras.ring]\nurl = "ftp://h/x"\n', "", "url"),
        (CAPTURE + RING + RING.replace("ring", "wall"), "", "folder"),
        (CAPTURE.replace("plan.toml", "other.toml") + RING, "", "plan"),
        (CAPTURE + RING, ', writes = ["speed_set"]', "writes"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, rest: str, writes: str, key: str) -> None:
    with pytest.raises(SiteError) as told:
        load(site(tmp_path, rest, writes))
    assert any(key in problem.key for problem in told.value.problems), told.value


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (HEAD + SPIN, ""),
        (HEAD + SHOT.format("wheel", 0, "rings"), "rings"),
        (HEAD + SPIN + SPIN, "twice"),
        (HEAD + SHOT.format("spin", 0, "ring"), "angle_deg"),
        (HEAD + WHEEL + "angle_deg = 3\n", "angle_deg"),
        (HEAD + SPIN + SHOT.format("wheel", 0, "ring"), "turning table and more"),
        (HEAD + SHOT.format("wings", 0, "ring"), "no shot plan"),
        ("id = ", "no shot plan"),
        (HEAD + "shots = 3", "has shots"),
        (HEAD + SPIN.replace("= 0\nc", "= 1\nc").replace("deg = 0", "deg = 7"), "wants 7 degrees"),
    ],
)
def test_a_plan_that_cannot_be_is_told(tmp_path: Path, plan: str, words: str) -> None:
    loaded = load(site(tmp_path, CAPTURE + RING + FLOOR, plan=plan))
    if words:
        with pytest.raises(Wrong, match=words):
            read_job(loaded.station("studio-1"))
    else:
        assert parse(tmp_path / "plan.toml", plan).shots[0].angle_deg == 0
