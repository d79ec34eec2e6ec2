"""Charts of a battery's certificate: health with its interval, modules, and how the test went."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from plant.reports.extra import need_reports
from stations.battery.record import ModuleResult
from stations.battery.trace import Trace
from wire.texts import Texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, LEAD, GOOD, BAD = "#1a2026", "#606973", "#1f3a5f", "#18794e", "#b8261e"
SECOND = "#b06700"
DPI = 200
POINTS = 1500  # of a curve: more cannot be seen


def health(value: float, u95: float, limits: Sequence[float], texts: Texts) -> bytes:
    """The PNG of a state of health in %, its interval, and the limits of the grades."""
    figure = _figure(7.4, 1.25)
    axes = figure.add_axes((0.04, 0.38, 0.92, 0.40))
    low, high = min(50.0, value - u95 - 5, *limits), max(105.0, value + u95 + 3)
    axes.barh(0, high - low, left=low, height=1.0, color="#e9edf1")
    axes.barh(0, value - low, left=low, height=1.0, color=LEAD)
    axes.errorbar(value, 0, xerr=u95, color=INK, capsize=7, linewidth=2.2, capthick=2.2)
    for limit in limits:
        axes.axvline(limit, color=SECOND, linewidth=1.4, linestyle=(0, (4, 2)))
        axes.annotate(
            f"{texts.number(limit)} %", (limit, 0.5), xytext=(0, 4), textcoords="offset points",
            ha="center", fontsize=8, color=SECOND,
        )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(-0.5, 0.5), yticks=[])
    ticks = [tick for tick in range(int(low) // 10 * 10, 111, 10) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick} %" for tick in ticks], fontsize=8, color=SOFT)
    _bare(axes)
    return _png(figure)


def module_map(modules: Sequence[ModuleResult], rated_ah: float, texts: Texts) -> bytes:
    """The PNG of the modules in their places: charge of each, the ones to be worked on in red."""
    columns = max((len(modules) + 1) // 2, 1)
    figure = _figure(7.4, 2.1)
    axes = figure.add_axes((0.01, 0.02, 0.98, 0.96))
    from matplotlib.patches import FancyBboxPatch

    for place, one in enumerate(modules):
        row, column = divmod(place, columns)
        marked = one.is_weak or one.joint_suspected
        x, y = column + 0.05, 1.05 - row
        style = "round,pad=0,rounding_size=0.06"
        colour = "#fbe9e7" if marked else "#e7f2ec"
        axes.add_patch(
            FancyBboxPatch((x, y), 0.9, 0.9, boxstyle=style, facecolor=colour,
                           edgecolor=BAD if marked else GOOD, linewidth=2.0 if marked else 0.8)
        )  # fmt: skip
        known = one.q_ah is not None
        share = f"{texts.number(100 * (one.q_ah or 0.0) / rated_ah, 1)} %" if known else "?"
        charge = f"{texts.number(one.q_ah or 0.0, 1)} Ah" if known else texts.say("not known")
        why = texts.say("weak") if one.is_weak else ""
        why = why or (texts.say("joint") if one.joint_suspected else "")
        for text, up, size, ink in (
            (str(one.module), 0.74, 8.5, SOFT),
            (share, 0.47, 10.5, BAD if marked else INK),
            (charge, 0.25, 7.5, SOFT),
            (why, 0.09, 7.5, BAD),
        ):
            axes.text(x + 0.45, y + up, text, ha="center", va="center", fontsize=size, color=ink)
    axes.set(xlim=(0, columns), ylim=(0, 2), xticks=[], yticks=[])
    _bare(axes)
    return _png(figure)


def course(trace: Trace, texts: Texts) -> bytes:
    """The PNG of the whole test over hours: voltage, current, temperature, spread of the cells."""
    hours = trace.time_s / 3600.0
    kept = np.unique(np.linspace(0, len(hours) - 1, min(POINTS, len(hours))).astype(int))
    curves: list[tuple[str, Any, str]] = [
        (texts.say("Voltage in V"), trace.voltage_v[kept], LEAD),
        (texts.say("Current in A"), trace.current_a[kept], INK),
    ]
    if trace.temperature_degc is not None and np.isfinite(trace.temperature_degc).any():
        curves.append((texts.say("Temperature in °C"), trace.temperature_degc[kept], SECOND))
    spread = _spread_mv(trace)
    times = [hours[kept]] * len(curves)
    if spread is not None:
        curves.append((texts.say("Spread of the cells in mV"), spread[1], GOOD))
        times.append(spread[0] / 3600.0)
    figure = _figure(7.4, 1.32 * len(curves) + 0.35)
    plots = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    for axes, when, (name, values, colour) in zip(plots, times, curves, strict=True):
        axes.plot(when, values, color=colour, linewidth=0.9)
        axes.set_title(name, fontsize=8.5, loc="left", color=SOFT, pad=2)
        axes.grid(alpha=0.25)
        axes.tick_params(labelsize=7.5)
        axes.spines[["top", "right"]].set_visible(False)
    plots[-1].set_xlabel(texts.say("hours"), fontsize=8, color=SOFT)
    figure.subplots_adjust(left=0.07, right=0.99, top=0.95, bottom=0.09, hspace=0.42)
    return _png(figure)


def _spread_mv(trace: Trace) -> tuple[Any, Any] | None:
    """Highest minus lowest cell where cells were sampled; a balancing cell is told as negative."""
    if trace.cells_v is None:
        return None
    rows = np.flatnonzero(np.isfinite(trace.cells_v).any(axis=1))
    if not len(rows):
        return None
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(POINTS, len(rows))).astype(int))]
    cells = np.abs(trace.cells_v[rows])
    return trace.time_s[rows], 1000.0 * (np.nanmax(cells, axis=1) - np.nanmin(cells, axis=1))


def _figure(width: float, height: float) -> Figure:
    need_reports()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def _bare(axes: Axes) -> None:
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _png(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
