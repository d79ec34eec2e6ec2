"""`refit schema`: JSON Schemas of the site file and of records, for editors and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.sites import WRONG

if TYPE_CHECKING:
    from pydantic import BaseModel

app = typer.Typer()
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@app.command()
def schema(
    what: Annotated[
        str,
        typer.Argument(
            help="site, record, inspection-case, or a kind of station for the data of its records."
        ),
    ] = "site",
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference page of the site file instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of the site file, of a record, or of the records of a kind."""
    import orjson

    from stations import kinds

    if markdown and what == "site":
        from wire.site import reference

        typer.echo(reference.page(), nl=False)
        return
    known_names = ("site", "record", *kinds.names(), "inspection-case")
    if what not in known_names or markdown:
        known = ", ".join(known_names)
        typer.echo(f"no schema of {what!r}: known are {known}; --markdown is for site", err=True)
        raise typer.Exit(WRONG)
    typer.echo(orjson.dumps(schema_of(what), option=orjson.OPT_INDENT_2).decode())


def schema_of(what: str) -> dict[str, Any]:
    """The JSON Schema of `site`, of `record`, or of the data of a kind's records."""
    if what == "site":
        from wire.site.reference import file_schema

        return {"$schema": DIALECT, **file_schema()}
    if what == "record":
        from stations.records import Record

        return {"$schema": DIALECT, **Record.model_json_schema()}
    if what == "inspection-case":
        from stations.inspection.judging.output import case_schema

        return case_schema()
    return _schema_of_kind(what)


def _schema_of_kind(kind: str) -> dict[str, Any]:
    from pydantic.json_schema import models_json_schema

    models = record_data(kind)
    references, definitions = models_json_schema(
        [(model, "serialization") for model in models], title=f"Data of the records of {kind}"
    )
    any_of = [references[(model, "serialization")] for model in models]
    return {"$schema": DIALECT, **definitions, "anyOf": any_of}


def record_data(kind: str) -> list[type[BaseModel]]:
    """The models of the data of a kind's records, in alphabetical order."""
    import importlib
    import pkgutil

    from stations.cycle import CycleData, StateChange

    package = importlib.import_module(f"stations.{kind}")
    found: dict[str, type[BaseModel]] = {"StateChange": StateChange}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for member in vars(module).values():
            if (
                isinstance(member, type)
                and issubclass(member, CycleData)
                and member is not CycleData
            ):
                found[member.__name__] = member
    return [found[name] for name in sorted(found)]
