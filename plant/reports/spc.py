"""A control chart as a picture: points, centre, limits, and the points that a rule has found."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from plant.reports.extra import need_reports
from stations.quality.charts import Chart, Line
from wire.texts import Texts, phrase

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, LIMIT, MARK = "#1f3a5f", "#b3541e", "#c8321f"
LABELS_MAX = 25  # under the axis, so that they do not run into each other
NAMES = {
    "i": phrase("value"),
    "mr": phrase("moving range"),
    "c": phrase("defects"),
    "u": phrase("defects per unit"),
    "p": phrase("share of defective units"),
}


def picture(found: Chart, samples: Sequence[str], texts: Texts, title: str = "") -> bytes:
    """The PNG of a chart; the same chart makes the same bytes. ReportsMissing without the extra."""
    need_reports()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6 * len(found.lines) + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=13, x=0.01, ha="left", fontweight="bold")
    for place, line in enumerate(found.lines, 1):
        axes = figure.add_subplot(len(found.lines), 1, place)
        _draw(axes, line, samples, texts)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue()


def _draw(axes: Axes, line: Line, samples: Sequence[str], texts: Texts) -> None:
    where = list(range(line.first, line.first + len(line.points)))
    steps = [where[0] - 0.5, *(one + 0.5 for one in where)]
    for limit in (line.lcl, line.ucl):
        axes.stairs(limit, steps, baseline=None, color=LIMIT, linestyle="--", linewidth=1.2)
        _tell(axes, limit[-1], steps[-1])
    axes.hlines(line.centre, steps[0], steps[-1], color=INK, linewidth=1.0, alpha=0.6)
    _tell(axes, line.centre, steps[-1])
    axes.plot(where, line.points, color=INK, marker="o", markersize=4, linewidth=1.1)
    rules: dict[int, list[str]] = {}
    for signal in line.signals:
        rules.setdefault(signal.at, []).append(signal.rule.rpartition("-")[2])
    for at, names in rules.items():
        axes.plot(where[at], line.points[at], "o", color=MARK, markersize=8, zorder=3)
        axes.annotate(
            ", ".join(names), (where[at], line.points[at]), xytext=(0, 8), fontsize=8,
            textcoords="offset points", ha="center", color=MARK,
        )  # fmt: skip
    shown = where[:: max(1, -(-len(where) // LABELS_MAX))]
    axes.set_xticks(shown, [samples[one] for one in shown], fontsize=8)
    axes.set_xlim(-0.7, len(samples) - 0.3)
    axes.margins(y=0.15)
    axes.set_ylabel(texts.say(NAMES[line.name]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)


def _tell(axes: Axes, value: float, right: float) -> None:
    axes.annotate(
        f"{value:.4g}", (right, value), xytext=(4, 0), textcoords="offset points",
        fontsize=8, va="center", annotation_clip=False,
    )  # fmt: skip
