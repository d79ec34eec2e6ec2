"""`refit inspection rules`: the thresholds of a rule set with their sources."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from refit.inspection.rule_sets import Language, RulesName, ended, rules_of, texts_of

if TYPE_CHECKING:
    from stations.inspection.judging.rule_set import Limit, Row, RuleSet
    from wire.texts import Texts

app = typer.Typer()


@app.command()
def rules(
    item: Annotated[
        str | None, typer.Option(help="Only limits of this item, or of those that begin so.")
    ] = None,
    rules: RulesName = None,
    lang: Language = "en",
) -> None:
    """Show every threshold of a rule set: limit, code, for which vehicles, source and its mark.

    A mark of `memory: verify` or `design` is no law yet. Ends with 2 when there is no such rule
    set or no such item.
    """
    texts, found = texts_of("rules", lang), rules_of("rules", rules)
    chosen = [row for row in found.limits if item is None or _is_of(row, item)]
    if not chosen:
        known = ", ".join(sorted({row.item for row in found.limits}))
        raise ended("rules", [f"--item {item}: no limit is of it: known are {known}"])
    _show(found, chosen, texts)
    if item is None:
        _show_figures(found, texts)


def _is_of(row: Limit, item: str) -> bool:
    return any(
        one.startswith(item) or fnmatchcase(item, one) or fnmatchcase(item, f"{one}.*")
        for one in row.item.split(", ")
    )


def _show(found: RuleSet, chosen: list[Limit], texts: Texts) -> None:
    from rich.console import Console

    from wire.texts.inspection import severity, title

    say, console = texts.say, Console(highlight=False, soft_wrap=True)
    console.print(f"{found.name}: {found.title}", markup=False)
    for row in chosen:
        code = row.code or row.override_code
        console.print(
            f"{row.item}  {_limit(row, texts)}  {code}".rstrip(), markup=False, style="bold"
        )
        told = [f"{row.id}: {title(texts, code)}" if code else row.id]
        if row.severity is not None:
            told[0] += f" ({severity(texts, int(row.severity))})"
        if holds_for := _holds_for(row, texts):
            told.append(say("for: {what}", what=holds_for))
        told.append(say("source: {what} ({mark})", what=row.source, mark=row.mark))
        if row.conflict:
            told.append(say("conflict: {what}", what=row.conflict))
        for line in told:
            console.print(f"    {line}", markup=False)


def _limit(row: Limit, texts: Texts) -> str:
    say = texts.say
    signs = {"at least": ">=", "at most": "<=", "magnitude at most": "|x| <="}
    if row.compare == "recorded":
        return say("recorded, no limit")
    if row.compare == "is false":
        return say("must not be")
    if row.compare == "within":
        return (
            f"{row.low} .. {row.high} {row.unit}"
            if row.low is not None
            else say("as on the plate, +-{tolerance}", tolerance=row.tolerance)
        )
    sign = signs[row.compare] if row.boundary == "passes" else signs[row.compare].rstrip("=")
    value = say("{share} of the limit", share=row.share) if row.share is not None else row.value
    return f"{sign} {value} {'' if row.share is not None else row.unit}".strip()


def _holds_for(row: Limit, texts: Texts) -> str:
    say, span = texts.say, row.first_registered
    parts = [*row.categories, *row.fuels]
    if span.from_ is not None:
        parts.append(say("first registered from {day}", day=span.from_))
    if span.to is not None:
        parts.append(say("first registered until {day}", day=span.to))
    if row.euro:
        parts.append("Euro " + "/".join(map(str, row.euro)))
    for word, value in (
        (say("steered axle"), row.steered), (say("catalyst"), row.catalyst), ("turbo", row.turbo),
    ):  # fmt: skip
        if value is not None:
            parts.append(word if value else say("no {thing}", thing=word))
    if row.height_below is not None:
        parts.append(say("lamp lower than {height} mm", height=row.height_below))
    if row.override:
        parts.append(say("unless given: {names}", names=", ".join(row.override)))
    return ", ".join(parts)


def _show_figures(found: RuleSet, texts: Texts) -> None:
    from rich.console import Console

    say, console = texts.say, Console(highlight=False, soft_wrap=True)
    rows: list[tuple[str, str, Row]] = [
        (name, f"{one.value} {one.unit}", one) for name, one in found.figures.items()
    ]
    rows += [(f"mass.{name}", ", ".join(one.order), one) for name, one in found.masses.items()]
    rows += [
        (say("near the limit: {item}", item=one.item), f"{one.value} {one.unit}", one)
        for one in found.uncertainties
    ]
    for name, value, one in rows:
        console.print(f"{name}  {value}", markup=False, style="bold")
        source = say("source: {what} ({mark})", what=one.source, mark=one.mark)
        console.print(f"    {source}", markup=False)
        if one.conflict:
            console.print(f"    {say('conflict: {what}', what=one.conflict)}", markup=False)
    codes = len(found.known_codes)
    console.print(texts.count(codes, "{number} code is known", "{number} codes are known"))
