"""A report is printed from the ledger and verified against it, by its file and on paper."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from plant.ledger import open_ledger
from plant.reports.extra import NEEDED, ReportsMissing, need_reports
from refit.main import app
from tests.plant.ledgers import FilePlace
from tests.plant.records import HandClock, record
from tests.plant.reports.reports import VIN, VISIT, case_of, report_of
from wire.site import load

FULL = report_of("worst_severity_wins")
# Without tables and a diagram a page is set faster: what is asked here is which file it is.
SHORT = FULL.data["judgement"] | {"judged": [], "recorded": []}
REPORT = report_of("worst_severity_wins", judgement=SHORT, measurements={}, case={})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site whose ledger has an inspection between other records."""
    file = tmp_path / "site.toml"
    file.write_text('[site]\nname = "flins-vo"\n')
    with open_ledger(load(file).ledger, HandClock()) as ledger:
        ledger.append([record(1), REPORT, record(2)])
        ledger.name_vehicle(VISIT, VIN)
    return file


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["inspection", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def printed(site: Path, name: str = "x.pdf", lang: str = "en", id: str = REPORT.id) -> Any:
    out = site.parent / name
    words = ("report", id, "--site", site, "--out", out, "--lang", lang, "--json")
    code, told, err = run(*words)
    assert code == 0, err
    return orjson.loads(told)


def verified(site: Path, *words: object) -> tuple[int, dict[str, Any]]:
    url = f"sqlite:{load(site).ledger.url.removeprefix('sqlite:')}"
    code, told, err = run("verify", *words, "--ledger", url, "--json")
    assert told, err
    return code, orjson.loads(told)


def test_a_printed_report_is_valid_by_its_file_and_on_paper(site: Path) -> None:
    said = printed(site)
    out = site.parent / "x.pdf"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert (said["record"], said["number"], said["new"]) == (REPORT.id, 2, True)
    code, found = verified(site, out)
    assert (code, found["status"], found["record"]) == (0, "valid", REPORT.id)
    assert found["document"] == said["document"]
    code, found = verified(site, "--id", REPORT.id, "--hash", said["chain"])
    assert (code, found["status"], found["number"]) == (0, "valid", 2)
    spaced = " ".join(said["chain"][n : n + 8] for n in range(0, 64, 8)).upper()
    assert verified(site, "--id", REPORT.id.upper(), "--hash", spaced)[0] == 0
    assert run("verify", out, "--site", site)[1].startswith(f"valid: record {REPORT.id}")
    assert run("verify", out, "--site", site, "--lang", "fr")[1].startswith("valable : ")


def test_the_same_report_again_is_the_same_file_and_no_second_record(site: Path) -> None:
    first, again = printed(site), printed(site, "y.pdf")
    assert (site.parent / "x.pdf").read_bytes() == (site.parent / "y.pdf").read_bytes()
    assert again["document"] == first["document"] and not again["new"]
    french = printed(site, "z.pdf", "fr")
    assert french["new"] and french["sha256"] != first["sha256"]
    assert verified(site, site.parent / "x.pdf")[0] == verified(site, site.parent / "z.pdf")[0] == 0


def test_one_byte_that_is_changed_is_found(site: Path) -> None:
    printed(site)
    whole = (site.parent / "x.pdf").read_bytes()
    for place in (len(whole) // 3, len(whole) - 3):
        forged = site.parent / "forged.pdf"
        forged.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        code, found = verified(site, forged)
        assert (code, found["status"], found["record"]) == (1, "altered", REPORT.id)
    code, found = verified(site, "--id", REPORT.id, "--hash", "0" * 64)
    assert (code, found["status"]) == (1, "altered")


def test_what_the_ledger_does_not_know_is_unknown(site: Path, tmp_path: Path) -> None:
    (tmp_path / "other.pdf").write_bytes(b"%PDF-1.4 something else")
    assert verified(site, tmp_path / "other.pdf") == (4, {
        "status": "unknown", "record": None, "number": None, "document": None, "replaced_by": None,
    })  # fmt: skip
    assert verified(site, "--id", "nothing", "--hash", "0" * 64)[0] == 4
    assert verified(site, "--id", record(1).id, "--hash", "0" * 64)[0] == 4
    # Without the record's id in the file it is looked for among all documents, and still found.
    said = printed(site)
    other = tmp_path / "ledger"
    other.mkdir()
    elsewhere = other / "site.toml"
    elsewhere.write_text('[site]\nname = "b"\n')
    with open_ledger(load(elsewhere).ledger, HandClock()) as ledger:
        ledger.append([record(1)])
    assert verified(elsewhere, site.parent / "x.pdf")[0] == 4
    assert verified(elsewhere, "--id", REPORT.id, "--hash", said["chain"])[0] == 4


def test_a_correction_is_a_new_record_and_replaces_what_was_printed(site: Path) -> None:
    said = printed(site)
    case = case_of("worst_severity_wins")
    case["measurements"]["rbt.axle1.force_max_l"]["value"] = 2300
    file = site.parent / "case.json"
    file.write_bytes(orjson.dumps(case))
    words = ("correct", REPORT.id, file, "--why", "wheels were swapped", "--by", "ins-8")
    code, told, err = run(*words, "--site", site, "--json")
    assert code == 0, err
    corrected = orjson.loads(told)
    assert (corrected["corrects"], corrected["letter"]) == (REPORT.id, "S")
    code, found = verified(site, site.parent / "x.pdf")
    assert (code, found["status"]) == (3, "replaced")
    assert found["replaced_by"] == corrected["record"]
    assert verified(site, "--id", REPORT.id, "--hash", said["chain"])[0] == 3
    assert "was corrected by record" in run("verify", site.parent / "x.pdf", "--site", site)[1]
    new = printed(site, "new.pdf", id=corrected["record"])
    assert verified(site, site.parent / "new.pdf")[1]["status"] == "valid"
    assert verified(site, "--id", corrected["record"], "--hash", new["chain"])[0] == 0
    code, _, err = run(*words, "--site", site)
    assert code == 2 and f"was corrected by {corrected['record']}: correct that" in err
    # The correction of the correction replaces both.
    again = ("correct", corrected["record"], file, "--why", "again", "--by", "ins-8")
    last = orjson.loads(run(*again, "--site", site, "--json")[1])["record"]
    for name in ("x.pdf", "new.pdf"):
        assert verified(site, site.parent / name)[1]["replaced_by"] == last


def test_an_entry_that_was_changed_in_the_database_is_altered(site: Path) -> None:
    said = printed(site)
    body = orjson.dumps(REPORT.model_dump(mode="json") | {"station": "inspection-2"})
    change = "UPDATE entry SET body = ? WHERE id = ?"
    FilePlace(site.parent).change(change, body, REPORT.id)
    assert verified(site, "--id", REPORT.id, "--hash", said["chain"])[1]["status"] == "altered"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name REPORT.pdf, or give both --id and --hash"),
        (("--id", "x"), "name REPORT.pdf, or give both"),
        (("x.pdf", "--id", "x", "--hash", "y"), "name REPORT.pdf, or give both"),
        (("nowhere.pdf", "--ledger", "sqlite:nowhere.db"), "nowhere.db: there is no ledger"),
        (("nowhere.pdf", "--ledger", "mysql:x"), "is no ledger: write"),
        (("--id", "x", "--hash", "y"), "say which ledger"),
        (("x.pdf", "--ledger", "sqlite:a", "--site", "b"), "say which ledger"),
        (("x.pdf", "--ledger", "sqlite:a", "--lang", "de"), "write en, fr"),
    ],
)
def test_what_cannot_be_asked_is_told(words: tuple[str, ...], told: str) -> None:
    code, _, err = run("verify", *words)
    assert code == 2
    assert told in err


def test_what_cannot_be_printed_or_corrected_is_told(site: Path, tmp_path: Path) -> None:
    out, case = ("--site", site, "--out", tmp_path / "x.pdf"), tmp_path / "case.json"
    code, _, err = run("report", "no-such-id", *out)
    assert code == 2 and "no-such-id: the ledger has no record of this id" in err
    code, _, err = run("report", record(1).id, *out)
    assert code == 2 and "is a record studio.session: name one inspection.report" in err
    code, _, err = run("report", REPORT.id, "--site", site, "--out", tmp_path / "no" / "x.pdf")
    assert code == 2 and "there is no folder" in err
    assert verified(site, "--id", REPORT.id, "--hash", "0" * 64)[1]["document"] is None
    assert not (tmp_path / "x.pdf").exists()
    case.write_text("{}")
    words = ("--why", "w", "--by", "b", "--site", site)
    code, _, err = run("correct", REPORT.id, case, *words)
    assert code == 2 and "refit inspection correct: " in err
    assert run("correct", "no-such-id", case, *words)[0] == 2
    assert run("correct", REPORT.id, tmp_path / "none.json", *words)[0] == 2
    code, _, err = run("correct", REPORT.id, case, "--why", " ", "--by", "b", "--site", site)
    assert code == 2 and "say why" in err


def test_a_missing_extra_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    need_reports()
    monkeypatch.setattr("plant.reports.extra.find_spec", lambda name: None)
    with pytest.raises(ReportsMissing, match=rf"{', '.join(NEEDED)} missing\): pip install"):
        need_reports()
