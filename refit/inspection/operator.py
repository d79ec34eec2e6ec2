"""`refit inspection operator`: what an inspector decides at the station PC."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer()
COMMAND = "refit inspection operator"
ABOUT = {
    "join": "", "begin": "visit", "take": "step", "repeat": "step", "add": "step", "enter": "step",
    "confirm": "step", "withdraw": "step", "identify": "", "odometer": "km", "visual": "",
    "down": "machine", "finish": "", "abort": "",
}  # fmt: skip
"""What each decision is about."""


@app.command()
def operator(
    station: Annotated[str, typer.Argument(help="The inspection station.", metavar="STATION")],
    decision: Annotated[str, typer.Argument(help=", ".join(ABOUT), metavar="DECISION")],
    about: Annotated[
        str, typer.Argument(help="The part, machine, visit or kilometres.", metavar="ABOUT")
    ] = "",
    by: Annotated[str, typer.Option(help="Who decides: a name of the site file.")] = "",
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")] = Path("site.toml"),
    why: Annotated[
        str, typer.Option(help="The reason: of repeat, add, enter, identify, down, abort.")
    ] = "",
    value: Annotated[
        list[str] | None,
        typer.Option(help='With enter: a value, as "gas.co_idle=0.12 %".', metavar="ITEM=VALUE"),
    ] = None,
    finding: Annotated[
        list[str] | None,
        typer.Option(help='With visual: as "5.2.3.e.3@front left".', metavar="CODE@LOCATION"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lang: Annotated[str, typer.Option(help="Language: fr or en.")] = "en",
) -> None:
    """Decide something in the session that is open.

    `join`, `finish`, `abort`; of a part: `take`, `repeat`, `add`, `enter` by hand, `confirm` and
    `withdraw` what was entered; `identify` by hand, `odometer KM`, `visual` with its findings,
    `down MACHINE`; `begin VISIT` where the lane is silent. Ends with 0 when it is done, 1 when the
    session says why not, 2 when it cannot be understood. Runs on the station PC.
    """
    from refit.inspection.folder import asked, open_folder
    from refit.inspection.words import answer
    from refit.studio.captures import texts_of

    texts = texts_of(lang)
    choice = _choice(decision, about)
    choice |= {"by": by, "why": why, "findings": [_finding(one) for one in finding or ()]}
    choice["values"] = dict(_value(one) for one in value or ())
    if not by:
        _wrong("say who decides: --by NAME")
    _, folder = open_folder(site, station, COMMAND)
    said = asked(folder, COMMAND, choice=choice)
    if as_json:
        typer.echo(said.model_dump_json())
    else:
        typer.echo(answer(texts, said.said, list(said.about)))
    raise typer.Exit(0 if said.said == "ok" else 1)


def _choice(decision: str, about: str) -> dict[str, Any]:
    """The decision and what it is about; ends with 2 when these do not belong together."""
    from refit.inspection.words import STEPS

    if decision not in ABOUT:
        _wrong(f'there is no decision "{decision}": {", ".join(ABOUT)}')
    key = ABOUT[decision]
    if bool(key) != bool(about):
        words = {"": "nothing", "step": "a part", "km": "the kilometres"}.get(key, f"a {key}")
        _wrong(f"{decision} is about {words}")
    if key == "step":
        about = about.replace("-", "_")
        if about not in STEPS:
            _wrong(f'there is no part "{about}": {", ".join(STEPS)}')
    if key == "km" and not (about.isascii() and about.isdecimal()):
        _wrong(f'"{about}" are no kilometres: write a whole number')
    return {"verb": decision, **({key: int(about) if key == "km" else about} if key else {})}


def _value(text: str) -> tuple[str, dict[str, Any]]:
    """`ITEM=VALUE UNIT` as a value; a flag is true or false."""
    item, equals, said = (part.strip() for part in text.partition("="))
    number, _, unit = said.partition(" ")
    if not equals or not item or not number:
        _wrong(f'"{text}" is no value: write it like "gas.co_idle=0.12 %"')
    if number in ("true", "false"):
        return item, {"value": number == "true", "unit": unit.strip()}
    return item, {"value": number.replace(",", "."), "unit": unit.strip()}


def _finding(text: str) -> list[str | None]:
    code, _, where = (part.strip() for part in text.partition("@"))
    return [code, where or None]


def _wrong(why: str) -> NoReturn:
    from refit.sites import WRONG

    typer.echo(f"{COMMAND}: {why}", err=True)
    raise typer.Exit(WRONG)
