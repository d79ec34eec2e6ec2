"""The inspector's commands at the station PC, and what the site file may say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.inspection import operator
from edge.inspection.shelf import Shelf
from edge.inspection.view import view
from refit.main import app
from stations.inspection.facts import Memory
from stations.inspection.identity import vin_hash
from tests.inspection.session_case import PLAN, Played
from wire.site import examine

RUN = CliRunner()
SITE = """
[site]
name = "hall"
[[agent]]
name = "pc"
[[station]]
name = "inspection-1"
kind = "inspection"
agent = "pc"
opcua = { url = "opc.tcp://127.0.0.1:4840" }
modbus.slip = { url = "tcp://127.0.0.1:5021" }
modbus.suspension = { url = "tcp://127.0.0.1:5022" }
modbus.brakes = { url = "tcp://127.0.0.1:5023" }
"""
INSPECTION = """
[station.inspection]
centre = "S075Z123"
inspectors = { anna = "075Z1001", bea = "075Z1002" }
vin_key_file = "vin.key"
"""
GAS = """
[station.machines.gas]
kind = "gas_analyser"
serial = "GA-1"
tcp = 7001
"""
VIN = "VF1AAAAAA12345678"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE + INSPECTION + GAS)
    (tmp_path / "vin.key").write_text("a key for this test alone")
    return Shelf(tmp_path / "var/pc.inspection/inspection-1").operator


def run(folder: Path, command: str, *words: str) -> tuple[int, str]:
    site = folder.parents[3] / "site.toml"
    words = ("inspection", command, "inspection-1", *words, "--site", str(site))
    ran = RUN.invoke(app, words)
    return ran.exit_code, ran.output


def show(folder: Path, memory: Memory) -> None:
    (folder / operator.SESSION).write_text(json.dumps(view(PLAN, memory)))
    (folder / operator.LIVE).write_text('{"force_left": 1250.0, "state": "BRAKES_FRONT"}')


def test_a_session_is_shown_in_two_languages(folder: Path) -> None:
    assert run(folder, "session")[0] == 2
    show(folder, Memory(visit="v-1"))
    assert run(folder, "session") == (
        1, "no session is open\nin the lane: v-1\n  force_left 1250, state BRAKES_FRONT\n"
    )  # fmt: skip
    played = Played(
        {
            "timeline": [
                {"s": 0, "order": "v-1", "fuel": "electric"},
                {"s": 1, "lane": "v-1"},
                {"s": 2, "part": "brakes", "axle": 1},
                {"s": 3, "part": "headlamps"},
                {"s": 4, "part": "tread", "serial": "?"},
                {"s": 5, "by": "anna", "verb": "identify", "why": "no interface"},
            ]
        }
    )
    played.play()
    show(folder, played.memory)
    code, said = run(folder, "session", "--lang", "fr")
    assert code == 0 and "continuité de masse" in said
    assert "saisi par anna, attend la seconde personne" in said
    assert "x feux de croisement" in said
    assert "manque : rbt.axle2.force_max_l" in said and "refusé : tread : wrong_serial" in said
    code, said = run(folder, "session", "--json")
    found = json.loads(said)
    assert found["session"]["steps"]["brakes"]["values"]["rbt.axle1.weight_l"] == [350, "kg"]
    assert found["live"]["force_left"] == 1250.0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("dance", "--by", "anna"), "there is no decision"),
        (("finish",), "--by NAME"),
        (("repeat", "--by", "anna"), "repeat is about a part"),
        (("repeat", "wings", "--by", "anna"), "there is no part"),
        (("finish", "gas", "--by", "anna"), "finish is about nothing"),
        (("odometer", "-5", "--by", "anna"), ""),
        (("odometer", "far", "--by", "anna"), "no kilometres"),
        (("enter", "gas", "--by", "anna", "--value", "gas.co_idle"), "is no value"),
        (("enter", "gas", "--by", "anna", "--value", "gas.co_idle=much %"), "values"),
    ],
)
def test_what_cannot_be_understood_ends_with_2(
    folder: Path, words: tuple[str, ...], why: str
) -> None:
    code, said = run(folder, "operator", *words)
    assert code == 2 and why in said
    assert not list((folder / "choices").iterdir())


def test_an_agent_that_does_not_answer_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("refit.inspection.folder.ANSWER_S", 0.0)
    code, said = run(folder, "operator", "finish", "--by", "anna")
    assert code == 1 and "does not answer" in said
    ((_, wish),) = operator.wishes(folder / "choices")
    assert wish is not None and wish.choice is not None and wish.choice["verb"] == "finish"


def test_an_order_has_the_hash_of_its_vin_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("refit.inspection.folder.ANSWER_S", 0.0)
    vehicle = {"category": "M1", "first_registration": "2018-05-04", "fuel": "diesel"}
    file, right = tmp_path / "order.json", {"visit": "v-1", "vin": VIN, "vehicle": vehicle}
    file.write_text(json.dumps(right))
    assert run(folder, "session", "--order", str(file))[0] == 1
    ((path, wish),) = operator.wishes(folder / "choices")
    assert wish is not None and wish.order is not None and VIN not in path.read_text()
    assert wish.order.vin_hash == vin_hash(b"a key for this test alone", VIN)
    for wrong in (
        {**right, "vin": "VF1"}, {**right, "vehicle": None}, {**right, "colour": "red"}, [],
        {**right, "vehicle": {**vehicle, "vin": VIN}}, {**right, "earlier_date": "soon"},
        {**right, "vehicle": {**vehicle, "first_registration": "then"}},
    ):  # fmt: skip
        file.write_text(json.dumps(wrong))
        code, said = run(folder, "session", "--order", str(file))
        assert code == 2 and "is no order" in said and VIN not in said, wrong


def problems(folder: Path, text: str) -> str:
    """What is wrong with a site."""
    site = folder / "site.toml"
    site.write_text(text)
    found = examine(site)
    return "\n".join(f"{one.key}: {one.what}: {one.hint}" for one in found.problems)


def test_errors_of_the_site_file_say_what_would_be_right(tmp_path: Path) -> None:
    assert problems(tmp_path, SITE + INSPECTION + GAS) == ""
    assert "write [station.inspection]" in problems(tmp_path, SITE + GAS)
    assert "write [station.machines.NAME]" in problems(tmp_path, SITE + INSPECTION)
    for machine, said in (
        (GAS.replace("gas_analyser", "gas_analyzer"), "did you mean gas_analyser"),
        (GAS + 'folder = "drop"', "has folder and tcp for its results"),
        (GAS.replace("tcp = 7001", ""), "has no way for its results"),
        (GAS.replace("tcp = 7001", "webhook = true"), "token_file"),
        (GAS + 'calibration_every = "36 h"', "whole days"),
        (GAS + GAS.replace(".gas]", ".gas2]"), "gas has this port too"),
        (GAS.replace(".gas]", '."g s"]'), "no name of a machine"),
        (
            GAS.replace("tcp = 7001", "tags = true").replace("gas_analyser", "noise_meter"),
            "no tags",
        ),
        (GAS.replace("tcp = 7001", 'webhook = true\ntoken_file = "t"'), "write port = 8090"),
        (GAS + 'zone = "Mars"', "no time zone"),
    ):
        assert said in problems(tmp_path, SITE + INSPECTION + machine), machine
    studio = SITE.replace('kind = "inspection"', 'kind = "battery"') + INSPECTION + GAS
    assert "a battery has no machines" in problems(tmp_path, studio)
