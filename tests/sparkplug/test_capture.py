"""A recording goes to a file and comes back, and the command judges it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.conformance.capture import NoCapture, read, written
from refit.conformance.packets import Packet
from refit.main import app
from tests.sparkplug.doubles.edge import HOST, FaultyEdge


def report(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["sparkplug-report", *words])
    return result.exit_code, result.output


def kept(path: Path, log: list[Packet]) -> str:
    path.write_text("\n".join(written(log)), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("fault", ["", "edge id not UTF-8"])
@pytest.mark.parametrize("version", [4, 5])
def test_a_recording_comes_back_as_it_was(fault: str, version: int) -> None:
    log = FaultyEdge(fault, version=version).run()
    assert read(written(log)) == log


def test_a_faultless_recording_is_judged_so(tmp_path: Path) -> None:
    file = kept(tmp_path / "good.jsonl", FaultyEdge(version=5).run())
    code, said = report("--capture", file, "--primary", HOST)
    assert code == 0, said
    assert said.splitlines()[-1].startswith("288 assertions: ")
    assert ", 0 violated, " in said.splitlines()[-1]
    code, said = report("--capture", file, "--verdict", "held", "nbirth-seq-num")
    assert said.startswith("held           tck-id-topics-nbirth-seq-num (MUST): ")


def test_what_is_broken_is_told_with_its_place(tmp_path: Path) -> None:
    file = kept(tmp_path / "bad.jsonl", FaultyEdge("seq from 1").run())
    code, said = report("--capture", file, "--primary", HOST, "--verdict", "violated")
    assert code == 1
    assert "violated       tck-id-topics-nbirth-seq-num" in said
    assert "connection 1, spBv1.0/" in said


GOOD = {"connection": 1, "kind": "PUBLISH"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("no JSON", "Expecting value"),
        ("[1]", "no JSON object"),
        (json.dumps({"kind": "PUBLISH"}), "connection is missing"),
        (json.dumps(GOOD | {"colour": 1}), "colour is not known; known are connection, kind"),
        (json.dumps(GOOD | {"qos": "1"}), 'qos is "1", wanted is int'),
        (json.dumps(GOOD | {"payload": "?"}), "payload is no base64"),
        (json.dumps(GOOD | {"filters": [["a"]]}), "unpack"),
        (json.dumps(GOOD | {"will": 3}), "no JSON object"),
    ],
)
def test_a_line_that_is_no_packet_is_named(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(NoCapture, match="line 2: "):
        read([json.dumps(GOOD), line])
    file = tmp_path / "odd.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n{line}\n")
    code, said = report("--capture", str(file))
    assert (code, why in said) == (2, True), said


def test_an_empty_recording_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert report("--capture", str(tmp_path / "empty.jsonl"))[0] == 2
