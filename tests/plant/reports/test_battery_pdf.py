"""The certificate of a battery: what stands in it, in two languages, always the same bytes."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from plant.reports.battery import battery_pdf
from refit.battery import app
from stations.battery.record import PackRecord
from stations.battery.trace import Trace
from wire.texts import Texts
from wire.texts.battery import amount

MODULES = [
    {"module": one, "q_ah": 118.2 if one == 7 else 129.0, "below_pct": 0.1, "u95_pct": 0.1,
     "r10_mohm": 3.8, "is_weak": one == 7, "joint_suspected": False}
    for one in range(1, 13)
]  # fmt: skip
RULE = {"id": "A1-soh", "grade": "A", "quantity": "soh_pct", "verdict": "pass", "side": "at_least",
        "limit": 80.0, "value": 88.7, "u95": 0.9, "source": "practice"}  # fmt: skip
RECORD: dict[str, Any] = {
    "record_id": "0198f0aa-0000-7000-8000-000000000001", "battery_id": "pack-1",
    "pack_model": "ZOE ZE40", "serial": "S-17", "station": "battery-1", "simulated": False,
    "made_at": "2026-11-25T10:00:00Z", "rated_ah": 131.2, "rated_wh": 45300.0, "nominal_v": 345.6,
    "series": 96, "original_placing_on_market_date": "2017-05-01", "status_after": "Reused",
    "software": {"refit": "0.1.0"},
    "protocol": {"id": "full/1", "sha256": "ab" * 32, "complete": True, "seconds": 36000.0,
                 "stopped_by": []},
    "conditions": {"temperature_mean_degc": 25.2},
    "gates": [{"gate": "isolation_dc", "unit": "Ohm/V", "low": 100.0, "high": None,
               "source": "UN R100, 5.1.3", "value": 5604.2, "u95": 28.0, "verdict": "pass"}],
    "budget": [{"term": "gain", "u_ah": 0.0677, "assumption": "+-0.1 %"}],
    "modules": MODULES, "cells": [], "weak_modules": [7], "joint_modules": [],
    "bms": {"soh_pct": 91.0, "soc_pct": 48.0, "soh_difference": 2.3},
    "results": [
        {"quantity": "capacity_ah", "value": 116.347, "unit": "Ah", "u95": 1.21, "method": "C/3"},
        {"quantity": "soh_pct", "value": 88.679, "unit": "%", "u95": 0.922, "method": "C/3"},
        {"quantity": "energy_wh", "value": None, "unit": "Wh", "u95": None, "method": "C/3",
         "valid": False, "reasons": ["not_measured"]},
    ],
    "grade": {"grade": "C", "name": "repair", "reasons": [], "next_test": None, "rules": [RULE],
              "gates_failed": [], "gates_undecided": []},
}  # fmt: skip


def record(**changes: Any) -> PackRecord:
    return PackRecord.model_validate_json(json.dumps({**RECORD, **changes}))


def text_of(pdf: bytes) -> str:
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def trace() -> Trace:
    time_s = np.arange(0.0, 3600.0, 1.0)
    cells = np.full((3600, 96), np.nan)
    cells[::10] = 3.7
    cells[::10, 5] = -3.71  # it is balanced
    return Trace(time_s, np.full(3600, 355.0), np.zeros(3600), 96, None, time_s * 0 + 25.0, cells)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Battery certificate", "To be repaired by exchange of modules", "88.68 ± 0.92 %",
                "Modules to be worked on: 7", "1 May 2017", "5,604 ± 28 Ω/V", "116.3 ± 1.2 Ah",
                "91.0 %", "A1-soh", "≥ 80 %", RECORD["record_id"], "not measured", "0.068")),
        ("fr", ("Certificat de batterie", "À réparer par échange de modules", "88,68 ± 0,92 %",
                "1 mai 2017", "Isolement par rapport à la masse", "réemployée")),
    ],
)  # fmt: skip
def test_what_a_buyer_is_told(language: str, words: tuple[str, ...]) -> None:
    text = text_of(battery_pdf(record(), Texts(language)))
    assert [one for one in words if one not in text] == []


def test_the_curves_make_it_longer_and_the_same_makes_the_same_bytes() -> None:
    plain = battery_pdf(record(), Texts("en"))
    drawn = battery_pdf(record(), Texts("en"), trace())
    assert "How the test went" in text_of(drawn) and "How the test went" not in text_of(plain)
    assert drawn == battery_pdf(record(), Texts("en"), trace())


def test_a_simulated_battery_is_never_taken_for_a_real_one() -> None:
    assert "of no real battery" not in text_of(battery_pdf(record(), Texts("en")))
    assert "of no real battery" in text_of(battery_pdf(record(simulated=True), Texts("en")))


@pytest.mark.parametrize("letter", ["A", "B", "C", "D", "HOLD"])
def test_every_grade_has_its_words(letter: str) -> None:
    made = battery_pdf(record(grade={**RECORD["grade"], "grade": letter}), Texts("fr"))
    assert len(text_of(made)) > 500


def test_little_is_known() -> None:
    bare = record(results=[], modules=[], gates=[], grade=None, budget=[], status_after=None)
    text = text_of(battery_pdf(bare, Texts("en")))
    assert "The state of health was not measured." in text
    assert "On hold" in text


def test_digits_follow_the_uncertainty() -> None:
    texts = Texts("en")
    assert amount(texts, 116.347, "Ah", 1.21) == "116.3 ± 1.2 Ah"
    assert amount(texts, 43_200.8, "Wh", 444.0) == "43,201 ± 444 Wh"
    assert amount(texts, None, "Wh") == "not known"


def run(folder: Path, given: Any, *words: str) -> Any:
    (folder / "record.json").write_text(json.dumps(given))
    out = folder / "certificate.pdf"
    asked = ["certificate", str(folder / "record.json"), "--out", str(out), *words]
    return CliRunner().invoke(app, asked), out


def test_the_command(tmp_path: Path) -> None:
    done, out = run(tmp_path, RECORD, "--lang", "fr")
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("given", "words", "said"),
    [
        ({**RECORD, "trace_sha256": "0" * 64}, ["--trace", "record.json"], "another trace"),
        (RECORD, ["--lang", "de"], "write en, fr"),
        ({"kind": "x"}, [], "no battery.qualification"),
        (RECORD, ["--trace", "none.csv"], "none.csv"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done, out = run(tmp_path, given, *words)
    assert done.exit_code == 2
    assert said in done.output.replace("\n", "")
    assert not out.exists()
