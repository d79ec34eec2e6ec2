"""`refit quality spc`: a control chart of a file, its limits, what stands out, and capability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stations.quality.capability import Capability
    from stations.quality.charts import Chart, Kind, Line
    from wire.texts import Texts

app = typer.Typer()
WRONG = 2
NEEDED = ("sample", "value")


@app.command()
def spc(
    data: Annotated[
        Path, typer.Argument(help="A CSV with the columns sample,value[,size].", metavar="DATA.csv")
    ],
    chart: Annotated[
        str, typer.Option(help="imr: values; c: counts; u: counts per unit; p: share of units.")
    ],
    rules: Annotated[str, typer.Option(help="Run rules: nelson or western-electric.")] = "nelson",
    lsl: Annotated[float | None, typer.Option(help="Lower specification limit (imr).")] = None,
    usl: Annotated[float | None, typer.Option(help="Upper specification limit (imr).")] = None,
    confidence: Annotated[
        float, typer.Option(help="Of the intervals, between 0.5 and 0.999.", min=0.5, max=0.999)
    ] = 0.95,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the chart there as well.", metavar="FILE.png")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the words: fr or en.")] = "en",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a control chart of the samples of a file, in their order (ISO 7870-2).

    imr takes measured values: individuals and their moving ranges. c takes counts of defects in
    samples of one size; u counts in samples of differing size; p numbers of defective units. Limits
    are three standard deviations off the centre. With --lsl or --usl it gives Cp and Cpk (spread
    within, from the moving ranges) and Pp and Ppk (spread of all values), with their intervals.

    Ends with 0 also when rules have found something, with 2 when the file or an option is wrong.
    """
    import orjson

    from plant.quality import run_rules
    from plant.reports.extra import ReportsMissing
    from refit.quality.rows import RowsRefused
    from refit.quality.wording import texts_of
    from stations.quality.capability import capability

    texts, kind = texts_of(lang), _kind(chart)
    if kind.value != "imr" and (lsl is not None or usl is not None):
        raise _refused(["--lsl, --usl: specification limits are of measured values, chart imr"])
    try:
        ruled = run_rules(rules)
        samples, values, found = _charted(data, kind, ruled.rules)
        able = None
        if lsl is not None or usl is not None:
            assert found.sigma_within is not None
            able = capability(values, found.sigma_within, lsl, usl, confidence)
        if plot is not None:
            _drawn(plot, found, samples, texts, data.name)
    except RowsRefused as error:
        raise _refused(error.problems) from error
    except LookupError as error:
        raise _refused([f"--rules: {error.args[0]}"]) from error
    except (ValueError, ReportsMissing) as error:
        raise _refused([str(error)]) from error
    except FileNotFoundError as error:
        told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise _refused([told]) from error
    said = _said(found, samples, able) | {"rules": ruled.name}
    if json:
        typer.echo(orjson.dumps(said).decode())
        return
    _show(said, texts)


def _kind(name: str) -> Kind:
    from stations.quality.charts import Kind

    if name not in list(Kind):
        raise _refused([f"--chart {name}: write {', '.join(Kind)}"])
    return Kind(name)


def _charted(path: Path, kind: Kind, rules: Sequence[Any]) -> tuple[list[str], list[float], Chart]:
    """Samples and values of a file, and their chart. RowsRefused with every mistake."""
    from refit.quality.rows import RowsRefused, Sheet
    from stations.quality.charts import ChartRefused, chart

    sheet = Sheet(path, NEEDED, ("size",))
    rows = sheet.rows()
    values = [sheet.number(row, "value") for row in rows]
    has_size = bool(rows) and "size" in rows[0].cells
    sizes = [sheet.number(row, "size") for row in rows] if has_size else None
    for row in rows:
        if not row.cells["sample"]:
            sheet.wrong(row, "sample", "it has no name")
    sheet.refuse_if_wrong()
    try:
        if kind.value == "c" and sizes is not None and len(set(sizes)) > 1:
            raise ChartRefused("sizes differ: a c chart is of one size, take u", None, "size")
        found = chart(kind, values, sizes, rules)
    except ChartRefused as error:
        place = f"{path}" if error.at is None else f"{path}:{rows[error.at].line}"
        raise RowsRefused([f"{place}: {error.column}: {error}"]) from error
    return [row.cells["sample"] for row in rows], values, found


def _drawn(path: Path, found: Chart, samples: Sequence[str], texts: Texts, title: str) -> None:
    from plant.reports.spc import picture
    from refit.exporting.files import whole_file

    drawn = picture(found, samples, texts, title)
    with whole_file(path) as file:
        file.write(drawn)


def _said(found: Chart, samples: Sequence[str], able: Capability | None) -> dict[str, Any]:
    first = found.lines[0]
    return {
        "chart": found.kind.value,
        "samples": len(samples),
        "center": first.centre,
        "lcl": _one(first.lcl),
        "ucl": _one(first.ucl),
        "sigma": found.sigma_within if found.sigma_within is not None else _one(first.sigma),
        "in_control": not any(line.signals for line in found.lines),
        "signals": [one for line in found.lines for one in _signals(line, samples)],
        "charts": [_line(line, samples) for line in found.lines],
        "capability": None if able is None else _able(able),
    }


def _one(values: Sequence[float]) -> float | None:
    """The value of all points; None where they differ."""
    return values[0] if len(set(values)) == 1 else None


def _signals(line: Line, samples: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "rule": one.rule,
            "chart": line.name,
            "sample": samples[line.first + one.at],
            "index": line.first + one.at,
            "from": samples[line.first + one.first],
        }
        for one in line.signals
    ]


def _line(line: Line, samples: Sequence[str]) -> dict[str, Any]:
    rows = zip(line.points, line.lcl, line.ucl, strict=True)
    points = [
        {"sample": samples[line.first + at], "value": value, "lcl": low, "ucl": high}
        for at, (value, low, high) in enumerate(rows)
    ]
    limits = {"center": line.centre, "lcl": _one(line.lcl), "ucl": _one(line.ucl)}
    return {"name": line.name, **limits, "points": points}


def _able(able: Capability) -> dict[str, Any]:
    return {**asdict(able), "reason": able.reason or None}


def _show(said: dict[str, Any], texts: Texts) -> None:
    from rich.console import Console
    from rich.table import Table

    from refit.quality.wording import HEADS, chart_name, no_capability

    console = Console(highlight=False)
    table = Table(box=None)
    for place, head in enumerate(HEADS):
        table.add_column(texts.say(head), justify="right" if place else "left")
    for line in said["charts"]:
        limits = [_short(line[name]) for name in ("center", "lcl", "ucl")]
        table.add_row(chart_name(line["name"], texts), str(len(line["points"])), *limits)
    console.print(table)
    for one in said["signals"]:
        console.print(
            f"{one['chart']}: {one['rule']}: {one['from']} .. {one['sample']}", markup=False
        )
    if said["in_control"]:
        console.print(texts.say("no rule has found anything"))
    if (able := said["capability"]) is not None:
        for name in ("cp", "cpk", "pp", "ppk"):
            if able[name] is not None:
                console.print(f"{name.capitalize():<4}{_interval(able[name])}")
        if able["reason"]:
            console.print(no_capability(able["reason"], texts))


def _interval(index: Any) -> str:
    return f"{index['value']:.3f} ({index['low']:.3f} .. {index['high']:.3f})"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _refused(problems: Sequence[str]) -> typer.Exit:
    for one in problems:
        typer.echo(f"refit quality spc: {one}", err=True)
    return typer.Exit(WRONG)
