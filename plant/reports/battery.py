"""The certificate of a battery as it is handed to a buyer: a PDF of two or three pages."""

from __future__ import annotations

from datetime import date, datetime

from plant.reports.battery_charts import course, health, module_map
from plant.reports.extra import need_reports
from plant.reports.paper import AMBER, GREEN, GREY, RED, SOFT, Cell, Column, Frame, Paper
from stations.battery.record import PackRecord, RuleResult
from stations.battery.results import Gate
from stations.battery.trace import Trace
from wire.texts import Texts
from wire.texts.battery import (
    CATEGORIES,
    GATES,
    GRADES,
    QUANTITIES,
    STATUSES,
    VERDICTS,
    amount,
    named,
    unit_of,
)

COLOURS = {"A": GREEN, "B": GREEN, "C": AMBER, "D": RED, "HOLD": GREY}
VERDICT_COLOURS = {"pass": GREEN, "fail": RED}
PLACES = {"HOLD": "…"}  # what a badge has no room for
BOX_MM = 40.0


def battery_pdf(record: PackRecord, texts: Texts, trace: Trace | None = None) -> bytes:
    """The certificate; the same record and trace make the same bytes. ReportsMissing."""
    need_reports()
    paper = Paper(_frame(record, texts))
    if record.simulated:
        said = texts.say("Simulated: this certificate is of no real battery.")
        paper.words(said, 9.5, RED, bold=True)
    _verdict(paper, record, texts)
    _meaning(paper, record, texts)
    _battery(paper, record, texts)
    _modules(paper, record, texts)
    _results(paper, record, texts)
    _gates(paper, record, texts)
    if trace is not None:
        paper.heading(texts.say("How the test went"), 120)
        paper.picture(course(trace, texts), 176, texts.say("Voltage, current, temperature, spread"))
    _rules(paper, record, texts)
    _budget(paper, record, texts)
    _proof(paper, record, texts)
    return paper.done()


def _frame(record: PackRecord, texts: Texts) -> Frame:
    say = texts.say
    made = datetime.fromisoformat(record.made_at)
    return Frame(
        title=say("Battery certificate"),
        under=say("qualified on {moment}", moment=texts.moment(made)),
        right=(record.pack_model, record.serial, record.station),
        bottom=say("Record {id}", id=record.record_id),
        page=say("page {page} of {pages}", page="{page}", pages="{pages}"),
        made=made,
        language=texts.language,
        keywords=f"refit-record {record.record_id}",
    )


def _verdict(paper: Paper, record: PackRecord, texts: Texts) -> None:
    say = texts.say
    letter = record.grade.grade if record.grade is not None else "HOLD"
    with paper.panel(BOX_MM) as (x, y):
        paper.badge(x + 5, y + 5, 30, PLACES.get(letter, letter), COLOURS[letter])
        lines = [(say(GRADES[letter]), 12.5, True), (_health_line(record, texts), 11.0, False)]
        if record.grade is not None and record.grade.next_test:
            lines.append((say("Next: {what}", what=record.grade.next_test), 8.5, False))
        if letter == "C" and (record.weak_modules or record.joint_modules):
            wanted = sorted({*record.weak_modules, *record.joint_modules})
            told = ", ".join(map(str, wanted))
            lines.append((say("Modules to be worked on: {modules}", modules=told), 9.5, False))
        for place, (text, size, bold) in enumerate(lines):
            paper.at(x + 41, y + 8 + 8.0 * place, text, size, bold=bold)
        paper.qr(x + paper.pdf.epw - 36, y + 3.5, 29, record.record_id)
        paper.at(x + paper.pdf.epw - 36, y + 34.2, say("the record's id"), 6.5, SOFT)


def _health_line(record: PackRecord, texts: Texts) -> str:
    found = record.result("soh_pct")
    if found is None or found.value is None or not found.valid:
        return texts.say("The state of health was not measured.")
    told = amount(texts, found.value, "%", found.u95)
    return texts.say("State of health {value}", value=told)


def _meaning(paper: Paper, record: PackRecord, texts: Texts) -> None:
    """What a buyer should know of the number, and where it lies between the limits."""
    found = record.result("soh_pct")
    if found is None or found.value is None or found.u95 is None or not found.valid:
        return
    say = texts.say
    paper.words(
        say(
            "The state of health is the charge that the battery gives today as a share of what it"
            " gave when it was new. With 95 % confidence the true value lies within the interval"
            " that is drawn in black; dashed lines are the limits of the grades."
        ),
        8.5,
        SOFT,
    )
    rules = record.grade.rules if record.grade is not None else ()
    limits = sorted({one.limit for one in rules if one.quantity == "soh_pct"})
    paper.picture(health(found.value, found.u95, limits, texts), 176, say("State of health"))


def _battery(paper: Paper, record: PackRecord, texts: Texts) -> None:
    say = texts.say
    placed = record.original_placing_on_market_date
    rated = f"{amount(texts, record.rated_ah, 'Ah')}, {texts.number(record.rated_wh / 1000, 1)} kWh"
    status = record.status_after or record.status_before
    degc = record.conditions.get("temperature_mean_degc")
    told = record.bms.soh_pct
    left = [
        (say("Battery"), record.battery_id),
        (say("Model"), record.pack_model),
        (say("Serial number"), record.serial),
        (say("Rated"), rated),
        (say("First on the market"), _day(placed, texts) if placed else say("not told")),
    ]
    right = [
        (say("Category"), named(texts, CATEGORIES, record.category)),
        (say("Status"), named(texts, STATUSES, status) if status else say("not told")),
        (say("Test"), f"{record.protocol.id}, {texts.number(record.protocol.seconds / 3600, 1)} h"),
        (
            say("Temperature"),
            amount(texts, float(degc), "degC") if isinstance(degc, (int, float)) else "-",
        ),
        (
            say("Battery says of itself"),
            say("not told") if told is None else f"{texts.number(told, 1)} %",
        ),
    ]
    paper.heading(say("Battery and test"))
    paper.two_columns(left, right)


def _modules(paper: Paper, record: PackRecord, texts: Texts) -> None:
    if record.modules:
        paper.heading(texts.say("Modules"), 62)
        paper.picture(module_map(record.modules, record.rated_ah, texts), 176, texts.say("Modules"))


def _results(paper: Paper, record: PackRecord, texts: Texts) -> None:
    say = texts.say
    paper.heading(say("Measured"))
    columns = [
        Column(say("Quantity"), 62), Column(say("Value"), 38, "R"), Column(say("Method"), 62),
        Column(say("Remark"), 30),
    ]  # fmt: skip
    rows: list[list[Cell | str]] = []
    for one in record.results:
        value = amount(texts, one.value, one.unit, one.u95)
        shown: Cell | str = value if one.valid else Cell(value, GREY)
        remark = ", ".join(reason.replace("_", " ") for reason in one.reasons)
        rows.append([named(texts, QUANTITIES, one.quantity), shown, Cell(one.method, SOFT), remark])
    paper.grid(columns, rows)


def _gates(paper: Paper, record: PackRecord, texts: Texts) -> None:
    say = texts.say
    if not record.gates:
        return
    paper.heading(say("Safety"))
    columns = [
        Column(say("Gate"), 58), Column(say("Value"), 36, "R"), Column(say("Limit"), 30, "R"),
        Column("", 24), Column(say("Source"), 56),
    ]  # fmt: skip
    paper.grid(columns, [_gate(one, texts) for one in record.gates])


def _gate(one: Gate, texts: Texts) -> list[Cell | str]:
    is_number = one.value is not None or one.low is not None or one.high is not None
    value = amount(texts, one.value, one.unit, one.u95) if is_number else ""
    bounds = [
        f"{sign} {texts.number(limit, 0 if limit >= 20 else 2)}"
        for sign, limit in (("≥", one.low), ("≤", one.high)) if limit is not None
    ]  # fmt: skip
    limit = f"{' '.join(bounds)} {unit_of(one.unit)}" if bounds else ""
    said = named(texts, VERDICTS, one.verdict)
    colour = VERDICT_COLOURS.get(one.verdict, AMBER)
    return [
        named(texts, GATES, one.gate),
        value,
        limit,
        Cell(said, colour, bold=one.verdict == "fail"),
        Cell(one.source, SOFT),
    ]


def _rules(paper: Paper, record: PackRecord, texts: Texts) -> None:
    say = texts.say
    if record.grade is None:
        return
    paper.heading(say("How the grade was found"))
    paper.words(
        say(
            "A limit counts as kept only when the value keeps it with its whole uncertainty. The"
            " grade is the best one of which all rules are kept."
        ),
        8.5,
        SOFT,
    )
    columns = [
        Column(say("Rule"), 38), Column(say("Quantity"), 50), Column(say("Value"), 36, "R"),
        Column(say("Limit"), 24, "R"), Column("", 22), Column(say("Source"), 50),
    ]  # fmt: skip
    paper.grid(columns, [_rule(one, record, texts) for one in record.grade.rules])


def _rule(one: RuleResult, record: PackRecord, texts: Texts) -> list[Cell | str]:
    found = record.result(one.quantity)
    unit = found.unit if found is not None else ""
    sign = "≥" if one.side == "at_least" else "≤"
    limit = texts.number(one.limit, 0 if one.limit == int(one.limit) else 1)
    return [
        one.id,
        named(texts, QUANTITIES, one.quantity),
        amount(texts, one.value, unit, one.u95),
        f"{sign} {limit} {unit_of(unit)}",
        Cell(
            named(texts, VERDICTS, one.verdict),
            VERDICT_COLOURS.get(one.verdict, AMBER),
            bold=one.verdict == "fail",
        ),
        Cell(one.source, SOFT),
    ]


def _budget(paper: Paper, record: PackRecord, texts: Texts) -> None:
    say = texts.say
    if not record.budget:
        return
    paper.heading(say("Uncertainty of the capacity"))
    columns = [Column(say("Term"), 60), Column("u / Ah", 24, "R"), Column(say("Assumption"), 100)]
    rows: list[list[Cell | str]] = [
        [one.term.replace("_", " "), texts.number(one.u_ah, 3), Cell(one.assumption, SOFT)]
        for one in record.budget
    ]
    paper.grid(columns, rows)


def _proof(paper: Paper, record: PackRecord, texts: Texts) -> None:
    say = texts.say
    paper.heading(say("Proof"), 34)
    rows = [
        (say("Record"), record.record_id),
        (say("Protocol"), f"{record.protocol.id}, {record.protocol.sha256[:16]}"),
        (say("Raw data"), record.trace_sha256 or say("not kept")),
        (say("Software"), ", ".join(f"{name} {one}" for name, one in record.software.items())),
    ]
    if record.calibration_ids:
        rows.append((say("Calibrations"), ", ".join(record.calibration_ids)))
    paper.pairs(rows, paper.pdf.epw)


def _day(text: str, texts: Texts) -> str:
    try:
        return texts.day(date.fromisoformat(text))
    except ValueError:
        return text
