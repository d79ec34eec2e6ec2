"""Measures every figure and writes what came out: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import (
    agent,
    dashboards,
    generator,
    influx_lines,
    inspection_judging,
    latency,
    ledger,
    load_csv,
    machine,
    naive,
    profiler,
    report,
    sqlite_store,
    starting,
    studio_hour,
    studio_page,
    studio_renderer,
    throughput,
)
from benchmarks.figure import Context, Figure

FIGURES = (
    throughput.FIGURE, latency.FIGURE, agent.FIGURE, starting.FIGURE, load_csv.FIGURE,
    sqlite_store.FIGURE, influx_lines.FIGURE, profiler.FIGURE, ledger.FIGURE, dashboards.FIGURE,
    studio_page.FIGURE, studio_renderer.FIGURE, inspection_judging.FIGURE, studio_hour.FIGURE,
)  # fmt: skip
RESULTS = Path(__file__).parent / "results"
SHORT_PATIENCE_S = 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for; 1 when a figure could not be taken."""
    given = _parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    if given.list:
        for figure in FIGURES:
            print(f"{figure.name:18}{figure.what}")
        return 0
    if given.page:
        _write_page(console)
        return 0
    chosen = [one for one in FIGURES if not given.only or one.name in given.only]
    out = given.out or (None if given.short else RESULTS)
    _explain(console)
    failed = []
    with tempfile.TemporaryDirectory(prefix="refit-bench-") as folder:
        context = Context(
            Path(folder),
            lambda text: console.print(f"  {text}", markup=False, soft_wrap=True),
            short=given.short,
            repeats=given.repeats or (1 if given.short else 3),
            seconds=given.seconds,
            patience_s=SHORT_PATIENCE_S if given.short else given.patience,
        )
        for number, figure in enumerate(chosen, 1):
            console.print(f"[bold]{number} of {len(chosen)}: {figure.name}[/bold], {figure.what}")
            try:
                _take(figure, context, out, console)
            except (TimeoutError, RuntimeError, OSError) as error:
                console.print(f"  {figure.name} could not be measured: {error}", markup=False)
                failed.append(figure.name)
    if out == RESULTS:
        _write_page(console)
    return 1 if failed else 0


def _write_page(console: Console) -> None:
    report.PAGE.write_text(report.page(RESULTS), encoding="utf-8")
    console.print("docs/performance.md is written from benchmarks/results")


def _take(figure: Figure, context: Context, out: Path | None, console: Console) -> None:
    began, average = time.monotonic(), machine.load_average()
    result = {
        "figure": figure.name,
        "what": figure.what,
        "machine": machine.about(),
        "versions": machine.versions(),
        "load_average_before": average,
    } | figure.measure(context)
    took_s = time.monotonic() - began
    if out is None:
        print(json.dumps(result, indent=1))
    else:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{figure.name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        console.print(f"  {path.name} after {took_s:.0f} s")


def _explain(console: Console) -> None:
    """Say at once what is missing for the full figures."""
    if generator.fast() is None:
        console.print(
            f"{generator.VARIABLE} names no fast OPC UA generator: our own server in Python is"
            " used, which reaches only small rates."
        )
    if why := naive.missing():
        console.print(f"The plain chain is not measured: {why}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the speed and the memory of the whole road from machine to store.",
        epilog=f"Environment: {generator.VARIABLE} = program of the fast OPC UA generator;"
        f" {naive.CHAIN} = folder of the plain chain; {naive.STORE} = its influxd;"
        f" {profiler.VARIABLE} = the sampling profiler py-spy, unless it is in the PATH.",
    )
    parser.add_argument(
        "--page", action="store_true", help="only write docs/performance.md anew from the results"
    )
    names = [figure.name for figure in FIGURES]
    parser.add_argument("--list", action="store_true", help="list the figures and end")
    parser.add_argument(
        "--only", action="append", metavar="NAME", choices=names,
        help=f"only this figure, may be given several times: {', '.join(names)}",
    )  # fmt: skip
    parser.add_argument(
        "--short", action="store_true",
        help="seconds instead of an hour, small rates: shows that everything works; prints JSON"
        " and changes no file unless --out is given",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=0, help="default 3, with --short 1")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a load, default 10")
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="SECONDS",
        help="how long to wait before each load until nobody else computes, default 30",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the JSON files go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
