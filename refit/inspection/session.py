"""`refit inspection session`: the inspection that is under way, and orders of the next ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()
NOTHING = 1
COMMAND = "refit inspection session"


@app.command()
def session(
    station: Annotated[str, typer.Argument(help="The inspection station.", metavar="STATION")],
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")] = Path("site.toml"),
    order: Annotated[
        Path | None, typer.Option(help="Give the agent an order (JSON).", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lang: Annotated[str, typer.Option(help="Language: fr or en.")] = "en",
) -> None:
    """Show the session that is open: its parts, what is missing, its machines, live values.

    Runs on the station PC, where the agent has its folder. An order is {"visit", "vin", "kind",
    "vehicle": {"category", "first_registration", "fuel"}, "earlier", "earlier_date"}; of the VIN a
    hash by the site's key is kept, nothing else. Ends with 1 when no session is open.
    """
    import orjson

    from refit.inspection.folder import asked, open_folder
    from refit.inspection.words import answer
    from refit.sites import WRONG
    from refit.studio.captures import texts_of

    texts = texts_of(lang)
    loaded, folder = open_folder(site, station, COMMAND)
    if order is not None:
        given = _order(order, loaded.station(station))
        said = asked(folder, COMMAND, order=given)
        if as_json:
            typer.echo(said.model_dump_json())
        else:
            typer.echo(f"{given.visit}: {answer(texts, said.said, list(said.about))}")
        raise typer.Exit(0 if said.said == "ok" else 1)
    from edge.inspection.operator import shown

    try:
        found = shown(folder)
    except (FileNotFoundError, ValueError) as error:
        typer.echo(f"{COMMAND}: the agent shows nothing yet: {error}", err=True)
        raise typer.Exit(WRONG) from error
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in _lines(found, texts):
            typer.echo(line)
    raise typer.Exit(0 if found["session"] else NOTHING)


def _order(path: Path, station: Any) -> Any:
    """The order in a file, its VIN as a hash; ends with 2 when it is none."""
    import json

    from edge.inspection.making import vin_key
    from edge.inspection.operator import order_of
    from refit.sites import WRONG
    from stations.inspection.identity import vin_hash, vin_of

    try:
        said = json.loads(path.read_bytes())
        if not isinstance(said, dict):
            raise ValueError("it is no object")
        hashed = None
        if said.get("vin") is not None:
            vin = vin_of(str(said["vin"]))
            key = vin_key(station.inspection.vin_key_file)
            if vin is None:
                raise ValueError("vin is none: 17 letters and digits without I, O and Q")
            if key is None:
                raise ValueError("a VIN needs vin_key_file in [station.inspection]")
            hashed = vin_hash(key, vin)
        return order_of(said, hashed)
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())
        typer.echo(f"{COMMAND}: {path} is no order: {words}", err=True)
        raise typer.Exit(WRONG) from error


def _lines(found: dict[str, Any], texts: Any) -> list[str]:
    """The session in words."""
    from refit.inspection.words import IDENTITY, MACHINE_STATUS, STEPS

    said = []
    one = found["session"]
    if one is None:
        said.append(texts.say("no session is open"))
        if found["lane"]:
            said.append(texts.say("in the lane: {visit}", visit=found["lane"]))
        if found["orders"]:
            said.append(texts.say("orders: {visits}", visits=", ".join(found["orders"])))
    else:
        identity = texts.say(IDENTITY[one["identity"]])
        said.append(f"{one['id']}  {one['visit']}  {identity}  {', '.join(one['inspectors'])}")
        for name, step in one["steps"].items():
            said.append(f"  {'x' if step['done'] else ' '} {texts.say(STEPS[name]):24}"
                        f" {_state(step, texts)}".rstrip())  # fmt: skip
        for refused in one["refused"]:
            reasons = ", ".join(refused["reasons"])
            said.append("  " + texts.say("refused: {machine}: {reasons}",
                                         machine=refused["machine"], reasons=reasons))  # fmt: skip
    for name, machine in found["machines"].items():
        status = texts.say(MACHINE_STATUS[machine["status"]])
        why = f": {machine['fault']}" if machine["fault"] else ""
        said.append(f"  {name:24}   {status}{why}")
    live = [f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in found["live"].items()]  # fmt: skip
    if live:
        said.append("  " + ", ".join(live))
    return said


def _state(step: dict[str, Any], texts: Any) -> str:
    waits = step["waits_for_second_person"]
    if waits is not None:
        return str(texts.say("entered by {by}, waits for the second person", by=waits["by"]))
    if step["done"]:
        return str(step["by"])
    if step["values"]:
        return str(texts.say("missing: {items}", items=", ".join(step["missing"])))
    return str(step["by"])
