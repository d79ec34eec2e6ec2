"""The brake force diagram: what each wheel braked with, left and right of a line, axle by axle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from plant.reports.extra import need_reports
from wire.texts import Texts

LEFT, RIGHT, WORSE = "#1f3a5f", "#4f7cac", "#b8261e"
ROOM = 1.32  # of the longest bar, for the numbers beside it
DPI = 220


@dataclass(frozen=True, slots=True)
class Forces:
    """The two forces of an axle or of the parking brake, in N; `passes` None: not judged."""

    name: str
    left: float | None
    right: float | None
    imbalance: str | None = None
    limit: str | None = None
    passes: bool | None = None


def diagram(rows: Sequence[Forces], texts: Texts) -> bytes:
    """The PNG of a diagram, the front axle at the top; the same forces make the same bytes."""
    need_reports()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 0.62 * len(rows) + 0.75))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.23, 0.24 if len(rows) > 2 else 0.3, 0.60, 0.62))
    longest = max((force for row in rows for force in (row.left, row.right) if force), default=1.0)
    for place, row in enumerate(rows):
        _bars(axes, row, -place, longest, texts)
    axes.axvline(0, color="#1a2026", linewidth=1.0)
    axes.set_xlim(-ROOM * longest, ROOM * longest)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_yticks([-place for place in range(len(rows))], [row.name for row in rows], fontsize=9)
    ticks = axes.get_xticks()
    shown = [tick for tick in ticks if abs(tick) <= longest * 1.02]
    axes.set_xticks(shown, [texts.number(abs(tick)) for tick in shown], fontsize=7.5)
    axes.set_xlabel("N", fontsize=8, loc="right")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25)
    for side, x in ((texts.say("left"), 0.38), (texts.say("right"), 0.68)):
        figure.text(x, 0.93, side, ha="center", va="center", fontsize=9, color="#606973")
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def _bars(axes: object, row: Forces, y: float, longest: float, texts: Texts) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    for side, force, colour in ((-1, row.left, LEFT), (1, row.right, RIGHT)):
        told = texts.say("no value") if force is None else texts.number(force)
        axes.barh(y, side * (force or 0.0), height=0.52, color=colour)
        axes.annotate(
            told, (side * (force or 0.0), y), xytext=(side * 4, 0), textcoords="offset points",
            ha="right" if side < 0 else "left", va="center", fontsize=8.5,
        )  # fmt: skip
    if row.imbalance is not None:
        beyond = row.passes is False
        told = f"\N{GREEK CAPITAL LETTER DELTA} {row.imbalance} %"
        axes.annotate(
            told + (f"\n({row.limit})" if row.limit else ""), (1.02, y),
            xycoords=("axes fraction", "data"), ha="left", va="center", fontsize=8,
            color=WORSE if beyond else "#1a2026", fontweight="bold" if beyond else "normal",
            annotation_clip=False,
        )  # fmt: skip
