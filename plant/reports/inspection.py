"""The inspection report as it is handed to a customer: a PDF of two or three pages."""

from __future__ import annotations

from datetime import date, datetime

from plant.reports.brakes import diagram
from plant.reports.extra import need_reports
from plant.reports.inspection_facts import Machine, Printed, Told, forces, told
from plant.reports.paper import AMBER, GREEN, GREY, RED, SOFT, Cell, Column, Frame, Paper
from stations.inspection.judging.judgement import Finding, Judgement
from wire.texts import Texts
from wire.texts.inspection import FOUND_BY, LETTERS, RESULTS, note, reason, severity, title
from wire.texts.inspection_items import (
    bench_name,
    fuel_name,
    item_name,
    limit_words,
    place_name,
    value_words,
)

COLOURS = {"A": GREEN, "S": AMBER, "R": RED}
SEVERITY_COLOURS = {1: GREY, 2: AMBER, 3: RED}
MARK = "refit-record"  # in the PDF's keywords, before the record's id
BOX_MM = 40.0


def code_text(record_id: str, chain: str) -> str:
    """What the QR code says: enough to ask a ledger whether the paper is true."""
    return f"refit {record_id} {chain}"


def inspection_pdf(printed: Printed, texts: Texts) -> bytes:
    """The report of a record; the same record in the same ledger makes the same bytes.

    NotPrintable for another kind of record, ReportsMissing without the extra.
    """
    need_reports()
    facts = told(printed.record)
    paper = Paper(_frame(printed, texts))
    _replaced(paper, printed, facts, texts)
    _verdict(paper, printed, facts, texts)
    _vehicle(paper, printed, facts, texts)
    if facts.judgement is not None:
        _findings(paper, facts.judgement, texts)
        _open(paper, facts.judgement, texts)
    _brakes(paper, facts, texts)
    if facts.judgement is not None:
        _judged(paper, facts.judgement, facts, texts)
        _recorded(paper, facts.judgement, texts)
    else:
        _values(paper, facts, texts)
    _equipment(paper, facts.machines, texts)
    _proof(paper, printed, facts, texts)
    return paper.done()


def _frame(printed: Printed, texts: Texts) -> Frame:
    record, say = printed.record, texts.say
    made = _moment(record.time)
    return Frame(
        title=say("Technical inspection report"),
        under=say("made on {moment}", moment=texts.moment(made)),
        right=(record.site, record.station, record.visit or ""),
        bottom=say("Record {id}, ledger number {number}", id=record.id, number=printed.number),
        page=say("page {page} of {pages}", page="{page}", pages="{pages}"),
        made=made,
        language=texts.language,
        keywords=f"{MARK} {record.id}",
    )


def _replaced(paper: Paper, printed: Printed, facts: Told, texts: Texts) -> None:
    if printed.replaced_by is not None:
        said = texts.say(
            "This report was replaced by a correction: record {id}.", id=printed.replaced_by
        )
        paper.words(said, 9.5, RED, bold=True)
    if facts.corrects:
        why = texts.say(
            "This report corrects the record {record}: {why}",
            record=facts.corrects.get("record", ""), why=facts.corrects.get("why", ""),
        )  # fmt: skip
        paper.words(why, 9.5, AMBER, bold=True)


def _verdict(paper: Paper, printed: Printed, facts: Told, texts: Texts) -> None:
    say, found = texts.say, facts.judgement
    letter = found.letter if found is not None else None
    with paper.panel(BOX_MM) as (x, y):
        paper.badge(x + 5, y + 5, 30, letter or "?", COLOURS.get(letter or "", GREY))
        lines = _verdict_lines(found, texts)
        for place, (text, size, bold) in enumerate(lines):
            top = y + 7 + (0 if place == 0 else 2.5 + 6.2 * place)
            paper.at(x + 41, top, text, size, bold=bold)
        paper.qr(x + paper.pdf.epw - 36, y + 3.5, 29, code_text(printed.record.id, printed.chain))
        paper.at(x + paper.pdf.epw - 36, y + 34.2, say("to verify this paper"), 6.5, SOFT)


def _verdict_lines(found: Judgement | None, texts: Texts) -> list[tuple[str, float, bool]]:
    say = texts.say
    if found is None:
        return [
            (say("Not judged"), 15, True),
            (say("The record has measured values only."), 9, False),
        ]
    if found.letter is None:
        lines = [(_upper(say(RESULTS[found.result])), 15.0, True)]
        lines.append((say("There is no legal result before what is open is decided."), 9.0, False))
    else:
        lines = [(_upper(say(LETTERS[found.letter]).partition(",")[0]), 15.0, True)]
        rest = say(LETTERS[found.letter]).partition(", ")[2]
        lines.append((_upper(rest) if rest else _upper(say(RESULTS[found.result])), 9.5, False))
    if found.valid_until:
        day = _day(found.valid_until, texts)
        lines.append((say("valid until {day}, that day included", day=day), 9.5, True))
    if found.reinspection_until:
        day = _day(found.reinspection_until, texts)
        lines.append((say("re-inspection until {day}", day=day), 9.5, False))
    return lines


def _vehicle(paper: Paper, printed: Printed, facts: Told, texts: Texts) -> None:
    say, vehicle, session = texts.say, facts.vehicle, facts.session
    kind = session.get("kind") or (facts.judgement.test_kind if facts.judgement else "")
    kinds = {"full": say("full test"), "re-inspection": say("re-inspection")}
    odometer = session.get("odometer_km")
    first = vehicle.get("first_registration")
    left = [
        (say("VIN"), printed.vin or say("not known or erased")),
        (say("Category"), str(vehicle.get("category") or "-")),
        (say("First registration"), _day(str(first), texts) if first else "-"),
        (say("Fuel"), fuel_name(texts, str(vehicle.get("fuel") or "-"))),
        (say("Odometer"), f"{texts.number(odometer)} km" if odometer is not None else "-"),
    ]
    inspectors = session.get("inspectors") or {}
    named = [f"{name} ({number})" if number else name for name, number in inspectors.items()]
    right = [
        (say("Visit"), printed.record.visit or "-"),
        (say("Kind of test"), kinds.get(str(kind), "-")),
        (say("Inspector"), ", ".join(named) or "-"),
        (say("Centre"), str(session.get("centre") or "-")),
        (say("Station"), printed.record.station),
    ]
    paper.heading(say("Vehicle and test"))
    paper.two_columns(left, right)


def _findings(paper: Paper, found: Judgement, texts: Texts) -> None:
    say = texts.say
    paper.heading(say("Findings"))
    if not found.findings:
        judged = say("No deficiency was found in what could be judged.")
        paper.words(judged if found.not_decidable else say("No deficiency was found."))
        return
    columns = [
        Column(say("Severity"), 18), Column(say("Code"), 21), Column(say("Deficiency"), 46),
        Column(say("Place"), 19), Column(say("Value"), 18, "R"), Column(say("Limit"), 18, "R"),
        Column(say("Source"), 42),
    ]  # fmt: skip
    paper.grid(columns, [_finding(one, texts) for one in found.findings])


def _finding(one: Finding, texts: Texts) -> list[Cell | str]:
    colour = SEVERITY_COLOURS.get(one.severity, GREY)
    said = title(texts, one.code)
    if one.by != "measured":
        said += f" ({texts.say(FOUND_BY[one.by])})"
    if one.near_limit:
        said += f" ({texts.say('within the uncertainty of the bench')})"
    return [
        Cell(severity(texts, one.severity), colour, bold=True),
        one.code,
        said,
        place_name(texts, one.location) if one.location else "",
        _amount(one.value, one.unit, texts),
        _amount(one.limit, one.unit, texts),
        Cell(f"{one.source} [{one.mark}]", SOFT),
    ]


def _open(paper: Paper, found: Judgement, texts: Texts) -> None:
    say = texts.say
    if found.not_decidable:
        paper.heading(say("Not decided"))
        columns = [Column(say("Item"), 60), Column(say("Reason"), 70), Column(say("Could be"), 24)]
        rows: list[list[Cell | str]] = [
            [
                item_name(texts, one.item),
                reason(texts, one.reason),
                severity(texts, one.severity_max),
            ]
            for one in found.not_decidable
        ]
        paper.grid(columns, rows)
    if found.decided:
        paper.heading(say("Decided by the inspector by hand"))
        columns = [
            Column(say("Item"), 50), Column(say("Outcome"), 24), Column(say("Inspector"), 24),
            Column(say("Reason"), 60),
        ]  # fmt: skip
        outcomes = {"pass": say("passes"), "fail": say("fails")}
        rows = [
            [item_name(texts, one.item), outcomes.get(one.outcome, one.outcome), one.inspector,
             one.reason] for one in found.decided
        ]  # fmt: skip
        paper.grid(columns, rows)


def _brakes(paper: Paper, facts: Told, texts: Texts) -> None:
    rows = forces(facts, texts)
    if rows:
        paper.heading(texts.say("Braking forces"), 60)
        paper.picture(diagram(rows, texts), 150, texts.say("Braking forces of the wheels"))


def _judged(paper: Paper, found: Judgement, facts: Told, texts: Texts) -> None:
    say = texts.say
    if not found.judged:
        return
    paper.heading(say("Measured values against their limits"))
    columns = [
        Column(say("Item"), 72), Column(say("Value"), 22, "R"), Column(say("Limit"), 24, "R"),
        Column("", 26), Column(say("Remark"), 34),
    ]  # fmt: skip
    rows: list[list[Cell | str]] = []
    for one in found.judged:
        remarks = [say("entered by hand")] if one.item in facts.manual else []
        if one.near_limit:
            remarks.append(say("within the uncertainty of the bench"))
        passes = Cell(say("in order"), GREEN) if one.passes else Cell(say("fails"), RED, bold=True)
        limit = " ".join([limit_words(texts, one.limit), _unit(one.unit)]).strip()
        value = _amount(one.value, one.unit, texts)
        rows.append([item_name(texts, one.item), value, limit, passes, ", ".join(remarks)])
    paper.grid(columns, rows)


def _recorded(paper: Paper, found: Judgement, texts: Texts) -> None:
    say = texts.say
    kept = [one for one in found.recorded if one.note != "judged"]
    if not kept:
        return
    paper.heading(say("Recorded without a limit"))
    columns = [Column(say("Item"), 90), Column(say("Value"), 30, "R"), Column(say("Remark"), 54)]
    rows: list[list[Cell | str]] = [
        [item_name(texts, one.item), _amount(one.value, one.unit, texts), note(texts, one.note)]
        for one in kept
    ]
    paper.grid(columns, rows)


def _values(paper: Paper, facts: Told, texts: Texts) -> None:
    say = texts.say
    paper.heading(say("Measured values"))
    columns = [Column(say("Item"), 110), Column(say("Value"), 60, "R")]
    rows: list[list[Cell | str]] = [
        [item_name(texts, item), _amount(value, unit, texts)]
        for item, (value, unit) in sorted(facts.values.items())
    ]
    paper.grid(columns, rows)


def _equipment(paper: Paper, machines: tuple[Machine, ...], texts: Texts) -> None:
    if not machines:
        return
    say = texts.say
    paper.heading(say("Equipment"))
    columns = [
        Column(say("Machine"), 44), Column(say("Kind"), 36), Column(say("Serial number"), 26),
        Column(say("Calibrated"), 23), Column(say("Due"), 23), Column(say("State"), 28),
    ]  # fmt: skip
    rows: list[list[Cell | str]] = []
    for one in machines:
        name = f"{one.name} {one.model}".strip()
        state = Cell(say("in order"), GREEN) if one.state == "ok" else reason(texts, one.state)
        days = [_day(day, texts, short=True) for day in (one.calibrated, one.due)]
        rows.append([name, bench_name(texts, one.kind), one.serial, *days, state])
    paper.grid(columns, rows)


def _proof(paper: Paper, printed: Printed, facts: Told, texts: Texts) -> None:
    say, found = texts.say, facts.judgement
    paper.heading(say("Where this stands"), 44)
    rows = [(say("Record"), printed.record.id), (say("Ledger number"), str(printed.number))]
    if found is not None:
        rows += [(say("Rule set"), found.rule_set), ("SHA-256", found.rule_set_sha256)]
    paper.pairs(rows, paper.pdf.epw)
    paper.pairs([(say("Chain hash"), " ".join(_groups(printed.chain)))], paper.pdf.epw)
    paper.pdf.ln(2)
    paper.words(
        say("Who may ask the ledger can verify this report: the file with `refit inspection verify"
            " REPORT.pdf`, paper with `refit inspection verify --id RECORD --hash HASH`; both stand"
            " above and in the code on the first page."), 7.5, SOFT,
    )  # fmt: skip


def _amount(value: str | None, unit: str | None, texts: Texts) -> str:
    return "" if value is None else f"{value_words(texts, value)} {_unit(unit)}".strip()


def _unit(unit: str | None) -> str:
    return {"1": "", "degC": "°C", "mOhm": "mΩ", "MOhm": "MΩ"}.get(unit or "", unit or "")


def _groups(text: str) -> list[str]:
    return [text[start : start + 8] for start in range(0, len(text), 8)]


def _day(text: str, texts: Texts, *, short: bool = False) -> str:
    try:
        return texts.day(date.fromisoformat(text), short=short)
    except ValueError:
        return text


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
