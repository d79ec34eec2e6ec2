"""The report of an inspection: what stands in it, in both languages, and that it stays the same."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from io import BytesIO

import pytest
import segno
from pypdf import PdfReader

from plant.reports.inspection import code_text, inspection_pdf
from plant.reports.inspection_facts import NotPrintable, Printed, told
from stations.inspection.judging.items import ITEMS
from tests.plant.records import record as any_record
from tests.plant.reports.reports import VIN, report_of
from wire.texts import Texts
from wire.texts.inspection_items import item_name

CHAIN = "0123456789abcdef" * 4
AGAIN = """
import hashlib, sys
from plant.reports.inspection import inspection_pdf
from plant.reports.inspection_facts import Printed
from tests.plant.reports.reports import VIN, report_of
from wire.texts import Texts
made = inspection_pdf(Printed(report_of(sys.argv[1]), 17, "0123456789abcdef" * 4, VIN), Texts("fr"))
print(hashlib.sha256(made).hexdigest())
"""


def printed(name: str = "worst_severity_wins", **changes: object) -> Printed:
    return Printed(report_of(name, **changes), 17, CHAIN, VIN)


@cache
def made(language: str) -> bytes:
    """The report of a car with many findings."""
    return inspection_pdf(printed(), Texts(language))


def text_of(pdf: bytes) -> str:
    """All that can be read, with single spaces."""
    pages = PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_everything_that_a_report_needs_stands_in_it() -> None:
    text = text_of(made("en"))
    for words in (
        "Technical inspection report", "made on 25 November 2026, 08:14 UTC", "R Unfavourable",
        "Critical deficiencies", "valid until 25 November 2026, that day included",
        "re-inspection until 25 January 2027", VIN, "M1", "4 May 2018", "84,210 km",
        "ins-7 (024A1234)", "S024T001", "1.2.1.b.3", "54.17 % 50 %", "DVSA MOT inspection manual",
        "Headlamps: state and working (seen by the inspector)", "[memory: verify]",
        "Efficiency of the service brake 50.58 % ≥ 58 % fails", "Side slip, front axle",
        "Lambda 1 0.97 … 1.03 in order entered by hand", "Suspension efficiency, front axle, left",
        "rbt-1 BM 4.2 roller brake tester S-0000 1 Mar 2026 1 Mar 2027 in order",
        "fr-2026-01", "Record 01", "ledger number 17", "Ledger number 17", "page 3 of 3",
        " ".join(CHAIN[n : n + 8] for n in range(0, 64, 8)),
    ):  # fmt: skip
        assert words in text, words


def test_it_speaks_french() -> None:
    text = text_of(made("fr"))
    for words in (
        "Rapport de contrôle technique", "établi le 25 novembre 2026", "Défavorable",
        "Défaillances critiques", "54,17 % 50 %", "Déséquilibre de freinage, essieu avant",
        "essence", "freinomètre à rouleaux", "saisi à la main", "page 1 sur 3", "1 mars 2027",
    ):  # fmt: skip
        assert words in text, words


def test_open_items_and_decisions_by_hand_are_told() -> None:
    text = text_of(inspection_pdf(printed("missing_is_not_zero"), Texts("en")))
    assert "? Not decidable" in text and "There is no legal result before" in text
    assert "Not decided Item Reason Could be Lambda not measured" in text
    text = text_of(inspection_pdf(printed("decided_by_hand"), Texts("en")))
    assert "A Favourable" in text and "Decided by the inspector by hand" in text
    assert "No deficiency was found." in text


def test_a_record_without_a_judgement_shows_values_and_judges_nothing() -> None:
    text = text_of(inspection_pdf(printed(judgement=None, session=None), Texts("en")))
    assert "? Not judged The record has measured values only." in text
    assert "Braking force, front axle, left 1100 N" in text
    assert "in order" not in text


def test_a_vin_that_is_erased_and_a_correction_are_said() -> None:
    one = replace(printed(), vin=None, replaced_by="another-id")
    text = text_of(inspection_pdf(one, Texts("en")))
    assert "not known or erased" in text
    assert "This report was replaced by a correction: record another-id." in text
    corrects = {"record": "that-one", "why": "the wrong wheel", "by": "ins-8"}
    text = text_of(inspection_pdf(printed(corrects=corrects), Texts("en")))
    assert "This report corrects the record that-one: the wrong wheel" in text


def test_the_bytes_depend_on_nothing_but_the_record() -> None:
    here = hashlib.sha256(made("fr")).hexdigest()
    elsewhere = subprocess.run(
        [sys.executable, "-c", AGAIN, "worst_severity_wins"], check=True, timeout=60, text=True,
        capture_output=True,
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "77", "LC_ALL": "C"},
    )  # fmt: skip
    assert elsewhere.stdout.strip() == here


def test_the_code_says_the_record_and_its_hash() -> None:
    one = printed()
    page = PdfReader(BytesIO(made("en"))).pages[0]
    content = page.get_contents()
    assert content is not None
    wanted = segno.make(code_text(one.record.id, CHAIN), error="m", micro=False).matrix
    drawn = re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) -?([\d.]+) re\s+f", content.get_data())
    squares = [tuple(map(float, one)) for one in drawn]
    step = min(height for *_, height in squares if height < 2)
    code = [one for one in squares if one[3] == pytest.approx(step, abs=0.02)]
    left, top = min(one[0] for one in code), max(one[1] for one in code)
    pitch = 29 * 72 / 25.4 / len(wanted)
    dark = set()
    for x, y, width, _ in code:
        row, column = round((top - y) / pitch), round((x - left) / pitch)
        dark |= {(row, column + n) for n in range(round(width / pitch))}
    assert dark == {(r, c) for r, row in enumerate(wanted) for c, one in enumerate(row) if one}
    assert one.record.id in code_text(one.record.id, CHAIN) and CHAIN in code_text("", CHAIN)


def test_what_is_no_inspection_is_not_printed() -> None:
    with pytest.raises(NotPrintable, match=r"is a record studio\.session: name one inspection"):
        told(any_record(1))
    broken = report_of("petrol_in_order", judgement={"result": "fine"})
    with pytest.raises(NotPrintable, match=r"judgement\.result: Input should be 'undefined'"):
        told(broken)


def test_every_item_of_a_case_has_a_name_in_both_languages() -> None:
    english, french = Texts("en"), Texts("fr")
    for item in ITEMS:
        assert item_name(english, item) != item, item
        assert item_name(french, item) != item, item
    assert len({item_name(english, item) for item in ITEMS}) == len(ITEMS)
    assert (
        item_name(french, "lamp.dip_r.dip")
        == "Rabattement de la coupure, feu de croisement, droite"
    )
    assert item_name(english, "new.thing") == "new.thing"


def test_an_item_without_a_place_is_called_by_its_words() -> None:
    assert item_name(Texts("fr"), "visual") == "Ce que voit le contrôleur"
    assert item_name(Texts("fr"), "never_named") == "never named"
