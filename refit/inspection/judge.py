"""`refit inspection judge`: the result and the legal letter of one test."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.inspection.rule_sets import Language, RulesName, ended, rules_of, texts_of

if TYPE_CHECKING:
    from rich.console import Console

    from stations.inspection.judging.judgement import Judgement
    from wire.texts import Texts

app = typer.Typer()


@app.command()
def judge(
    case: Annotated[
        str, typer.Argument(help="A case as JSON; - reads it from the input.", metavar="CASE")
    ],
    rules: RulesName = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    lang: Language = "en",
) -> None:
    """Judge one roadworthiness test: measurements, vehicle data and what the inspector saw.

    Prints the result, the legal letter A, S or R and how long it holds, every finding with its
    limit and source, and what could not be decided. `refit schema inspection-case` describes a
    case. Ends with 0 when it was judged, whatever came out, and with 2 when the case is refused.
    """
    from stations.inspection.judging.case import Wrong
    from stations.inspection.judging.judge import Judge
    from stations.inspection.judging.output import as_json
    from stations.inspection.judging.parsing import parse

    texts, rule_set = texts_of("judge", lang), rules_of("judge", rules)
    try:
        text = sys.stdin.buffer.read() if case == "-" else Path(case).read_bytes()
        found = parse(text)
        judgement = Judge(rule_set).judge(found)
    except Wrong as error:
        raise ended("judge", [f"{case}: {reason}" for reason in error.reasons]) from None
    except OSError as error:
        raise ended("judge", [f"{case}: {error.strerror or error}"]) from None
    if not found.equipment:
        typer.echo(f"refit inspection judge: {case}: no equipment is named: whether its calibration"
                   " holds was not looked at", err=True)  # fmt: skip
    typer.echo(as_json(judgement)) if json else _show(judgement, texts)


def _show(judgement: Judgement, texts: Texts) -> None:
    from rich.console import Console

    from wire.texts.inspection import LETTERS, RESULTS, reason

    say, console = texts.say, Console(highlight=False, soft_wrap=True)
    letter = judgement.letter
    console.print(
        say("Result: {result}", result=say(RESULTS[judgement.result]))
        + (f", {letter}: {say(LETTERS[letter])}" if letter else ""),
        style="bold",
    )
    if judgement.valid_until:
        console.print(say("valid until {day}, that day included", day=judgement.valid_until))
    if judgement.reinspection_until:
        console.print(say("re-inspection until {day}", day=judgement.reinspection_until))
    _findings(judgement, texts, console)
    for open_ in judgement.not_decidable:
        why = reason(texts, open_.reason)
        console.print(say("open: {item}: {reason}", item=open_.item, reason=why), markup=False)
    for one in judgement.decided:
        console.print(
            say("decided by hand: {item}: {outcome}, {inspector}: {reason}", **one.model_dump()),
            markup=False,
        )
    for near in (one for one in judgement.judged if one.near_limit):
        value, limit = _with_unit(near.value, near.unit), _with_unit(near.limit, near.unit)
        console.print(
            say("near its limit: {item}: {value}, limit {limit}", item=near.item, value=value,
                limit=limit), markup=False,
        )  # fmt: skip
    console.print(say("rule set {name}", name=judgement.rule_set), style="dim")


def _findings(judgement: Judgement, texts: Texts, console: Console) -> None:
    from wire.texts.inspection import FOUND_BY, severity, title

    say = texts.say
    for one in judgement.findings:
        place = f", {one.location}" if one.location else ""
        line = f"{severity(texts, one.severity):9} {one.code:11} {title(texts, one.code)}{place}"
        if one.value is not None:
            value, limit = _with_unit(one.value, one.unit), _with_unit(one.limit, one.unit)
            line += f": {say('{value}, limit {limit}', value=value, limit=limit)}"
        console.print(line, markup=False)
        by = "" if one.by == "measured" else f"{say(FOUND_BY[one.by])}; "
        console.print(f"{'':9} {by}{one.source} ({one.mark})", markup=False, style="dim")


def _with_unit(value: str | None, unit: str | None) -> str:
    return "" if value is None else f"{value} {unit or ''}".strip()
