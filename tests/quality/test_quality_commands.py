"""`refit quality sample` and `spc` as a person or a program calls them, with bad files too."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from refit.main import app

SAMPLE = ("quality", "sample", "--aql", "1.0", "--lot", "180", "--level", "II")
HEAD = "lot,size,sampled,defective,original\n"


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stdout, result.stderr


def history(folder: Path, text: str) -> Path:
    path = folder / "history.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [None, "", "\n", HEAD])
def test_the_first_lot(tmp_path: Path, text: str | None) -> None:
    more = () if text is None else ("--history", str(history(tmp_path, text)))
    code, out, err = run(*SAMPLE, *more, "--json")
    assert (code, err) == (0, "")
    assert orjson.loads(out) == {
        "state": "normal", "code": "H", "n": 50, "ac": 1, "re": 2, "switching_score": 0,
        "reason": "first_lot",
    }  # fmt: skip


def test_a_history_is_followed(tmp_path: Path) -> None:
    rows = [f"L{n},180,50,{2 if n in (3, 6) else 0},1" for n in range(1, 7)]
    rows.append("L6,180,180,5,0")
    path = history(tmp_path, "\ufeff" + HEAD + "\n".join(rows))
    code, out, err = run(*SAMPLE, "--history", str(path), "--json")
    assert (code, err) == (0, "")
    said = orjson.loads(out)
    assert (said["state"], said["code"], said["n"]) == ("tightened", "J", 80)
    assert (said["switching_score"], said["reason"]) == (0, "two_of_five_not_accepted")


def test_stopped_and_resumed(tmp_path: Path) -> None:
    rows = [f"L{n},180,{50 if n <= 2 else 80},2,1" for n in range(1, 8)]
    path = history(tmp_path, HEAD + "\n".join(rows))
    code, out, _ = run(*SAMPLE, "--history", str(path), "--json")
    said = orjson.loads(out)
    assert (code, said["state"], said["n"], said["ac"]) == (0, "stopped", None, None)
    code, out, _ = run(*SAMPLE, "--history", str(path), "--resumed-after", "L7", "--json")
    assert (code, orjson.loads(out)["state"]) == (0, "tightened")
    code, _, err = run(*SAMPLE, "--history", str(path), "--resumed-after", "L1")
    assert code == 2 and "inspection is normal there, not stopped" in err


def test_reduced_is_only_where_it_is_allowed(tmp_path: Path) -> None:
    path = history(tmp_path, HEAD + "".join(f"L{n},180,50,0,yes\n" for n in range(15)))
    _, out, _ = run(*SAMPLE, "--history", str(path), "--json")
    assert orjson.loads(out)["state"] == "normal"
    _, out, _ = run(*SAMPLE, "--history", str(path), "--reduced-allowed", "--json")
    said = orjson.loads(out)
    assert (said["state"], said["code"], said["n"], said["ac"]) == ("reduced", "J", 32, 1)


def test_a_small_lot_is_inspected_whole_and_a_wrong_sample_is_told(tmp_path: Path) -> None:
    path = history(tmp_path, HEAD + "L1,180,40,0,1\n")
    words = ("quality", "sample", "--aql", "1", "--lot", "9", "--history", str(path))
    code, out, err = run(*words, "--json")
    said = orjson.loads(out)
    assert (code, said["n"], said["reason"]) == (0, 9, "no_switch, full_inspection")
    assert "lot L1: 40 sampled, the normal plan H in force then asks for 50" in err


def test_the_words_are_french_where_asked(tmp_path: Path) -> None:
    code, out, _ = run(*SAMPLE, "--lang", "fr")
    assert code == 0
    assert "contrôle normal" in out and "contrôler 50 sur 180" in out
    code, out, _ = run(*SAMPLE)
    assert "Code letter H: inspect 50 of 180." in out
    code, _, err = run(*SAMPLE, "--lang", "de")
    assert code == 2 and "write en, fr" in err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lot,size\n", "history.csv:1: sampled: the column is missing"),
        (HEAD.replace("lot", "batch"), "history.csv:1: batch: no such column"),
        (HEAD + "L1,180,50,1\n", "history.csv:2: 4 cells, but 5 columns"),
        (HEAD + "L1,180,50,x,1\n", "history.csv:2: defective: 'x' is no whole number"),
        (HEAD + "L1,180,50,-1,1\n", "history.csv:2: defective: '-1' is no whole number"),
        (HEAD + "L1,180,50,51,1\n", "history.csv:2: defective: 51 of 50 that were sampled"),
        (HEAD + "L1,40,50,0,1\n", "history.csv:2: sampled: 50 of a lot of 40"),
        (HEAD + "L1,0,0,0,1\n", "history.csv:2: size: 0 is less than 1"),
        (HEAD + "L1,180,1.5,0,1\n", "history.csv:2: sampled: '1.5' is no whole number"),
        (HEAD + "L1,180,50,0,maybe\n", "history.csv:2: original: 'maybe': write 1 or 0"),
        (HEAD + ",180,50,0,1\n", "history.csv:2: lot: it has no name"),
        (HEAD + "L1,180,50,0,1\nL1,180,50,0,1\n", "history.csv:3: original: 'L1' is original in"),
        (HEAD + 'L1,180,50,0,"1\n', "history.csv"),
        (HEAD + "L1,180,50,0,1\n\x00", "history.csv"),
        (HEAD + f"L1,{10**20},50,0,1\n", "history.csv:2: size:"),
    ],
)
def test_a_wrong_history_is_refused_with_row_and_column(
    tmp_path: Path, text: str, told: str
) -> None:
    code, out, err = run(*SAMPLE, "--history", str(history(tmp_path, text)), "--json")
    assert (code, out) == (2, "")
    assert told in err


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = history(tmp_path, HEAD + "L1,x,50,0,1\nL2,180,y,0,1\nL3,180,50,z,1\n")
    assert len(run(*SAMPLE, "--history", str(path))[2].splitlines()) == 3
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe")
    code, _, err = run(*SAMPLE, "--history", str(tmp_path / "bytes.csv"))
    assert code == 2 and "byte 0 is no UTF-8" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--aql", "1.1"), "AQL 1.1: known are 0.010"),
        (("--aql", "one"), "AQL 'one' is no number"),
        (("--aql", "NaN"), "AQL NaN: known are"),
        (("--level", "IV"), "level 'IV': known are S-1"),
        (("--lot", "0"), "greater than or equal to 1"),
        (("--history", "nowhere.csv"), "nowhere.csv: No such file"),
        (("--resumed-after", "L9"), "no lot is named 'L9'"),
    ],
)
def test_wrong_options_are_told(words: tuple[str, ...], told: str) -> None:
    code, _, err = run(*SAMPLE, *words)
    assert code == 2
    assert told in " ".join(err.replace("│", " ").split())


def test_nonconformities_may_be_more_than_units(tmp_path: Path) -> None:
    path = history(tmp_path, HEAD + "L1,180,32,33,1\n")
    words = ("quality", "sample", "--lot", "180", "--history", str(path))
    assert run(*words, "--aql", "15")[0] == 0
    assert run(*words, "--aql", "10")[0] == 2


def test_a_chart_of_values(tmp_path: Path) -> None:
    path, picture = tmp_path / "flow.csv", tmp_path / "flow.png"
    values = (49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 66.1)
    path.write_text("sample,value\n" + "".join(f"b{n},{v}\n" for n, v in enumerate(values)))
    words = ("quality", "spc", str(path), "--chart", "imr", "--lsl", "40", "--usl", "70")
    code, out, err = run(*words, "--plot", str(picture), "--json")
    assert (code, err) == (0, "")
    said = orjson.loads(out)
    assert said["center"] == pytest.approx(sum(values) / 10)
    assert [line["name"] for line in said["charts"]] == ["i", "mr"]
    assert [len(line["points"]) for line in said["charts"]] == [10, 9]
    assert said["in_control"] is False
    assert {(one["chart"], one["sample"]) for one in said["signals"]} == {("i", "b9"), ("mr", "b9")}
    able = said["capability"]
    assert able["cpk"]["low"] < able["cpk"]["value"] < able["cp"]["value"] < able["cp"]["high"]
    first = picture.read_bytes()
    assert first.startswith(b"\x89PNG")
    run(*words, "--plot", str(picture))
    assert picture.read_bytes() == first
    code, out, _ = run(*words, "--lang", "fr")
    assert code == 0 and "étendues mobiles" in out and "Cpk" in out


@pytest.mark.parametrize(
    ("chart", "rows"),
    [("c", "1,4\n2,6\n"), ("u", "1,4,10\n2,6,12.5\n"), ("p", "1,4,50\n2,6,60\n")],
)
def test_charts_of_counts(tmp_path: Path, chart: str, rows: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(f"sample,value{'' if chart == 'c' else ',size'}\n{rows}")
    words = ("quality", "spc", str(path), "--chart", chart, "--rules", "western-electric")
    code, out, _ = run(*words, "--json", "--plot", str(tmp_path / f"{chart}.png"))
    said = orjson.loads(out)
    assert (code, said["chart"], said["rules"]) == (0, chart, "western-electric")
    assert said["capability"] is None
    assert (said["ucl"] is None) is (chart != "c"), "limits of samples that differ are the points'"


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("sample,value\n", ("imr",), "0 values: a chart needs 2"),
        ("", ("imr",), "0 values: a chart needs 2"),
        ("sample,value\na,1\nb,one\n", ("imr",), "d.csv:3: value: 'one' is no number"),
        ("sample,value\na,1\nb,nan\n", ("imr",), "d.csv:3: value: 'nan' is no number"),
        ("sample,value\na,1\n,2\n", ("imr",), "d.csv:3: sample: it has no name"),
        ("sample,value\na,1\nb,1.5\n", ("c",), "d.csv:3: value: 1.5 is no count"),
        ("sample,value\na,1\nb,2\n", ("u",), "size: a u chart needs a size"),
        ("sample,value,size\na,1,4\nb,5,4\n", ("p",), "d.csv:3: value: 5 of 4 units"),
        ("sample,value,size\na,1,4\nb,5,5\n", ("c",), "size: sizes differ"),
        ("sample,value\na,1\nb,2\n", ("np",), "--chart np: write imr, c, u, p"),
        ("sample,value\na,1\nb,2\n", ("c", "--usl", "4"), "specification limits are of measured"),
        ("sample,value\na,1\nb,2\n", ("imr", "--usl", "4", "--lsl", "5"), "is not below the upper"),
        ("sample,value\na,1\nb,2\n", ("imr", "--rules", "mine"), "no run rules are named 'mine'"),
        ("sample,value\na,1\nb,2\n", ("imr", "--plot", "no/x.png"), "there is no folder no"),
    ],
)
def test_what_makes_no_chart_is_told(
    tmp_path: Path, text: str, words: tuple[str, ...], told: str
) -> None:
    path = tmp_path / "d.csv"
    path.write_text(text)
    code, out, err = run("quality", "spc", str(path), "--json", "--chart", *words)
    assert (code, out) == (2, "")
    assert told in err
