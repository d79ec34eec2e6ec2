"""Looking through a Modbus device: what answers becomes the rows of a tags CSV.

It is asked gently and never written to. What was refused, what answered nothing and what was not
asked for is in `Found.skipped` with a reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from edge.browse import sunspec
from edge.browse.found import Found, Progress, Skipped, unheard
from edge.browse.modbus_asker import GATEWAY, Asker, Enough, Manners
from edge.browse.modbus_rows import Reading, rows_of
from edge.browse.modbus_scan import Image, Scan, Span, joined
from edge.sources.fault import MachineFault
from edge.sources.modbus_line import Line, Refusal
from wire.site.connections import ModbusConfig
from wire.site.problems import Wrong, closest
from wire.site.values import duration_ms

SETTINGS = ("unit", "timeout")
OBJECTS = ("vendor", "product", "revision", "url", "name", "model", "application")


@dataclass(frozen=True, slots=True)
class Options:
    """What to look at and how; `units`: look which unit identifiers answer, before all else."""

    spans: tuple[Span, ...]
    readings: tuple[Reading, ...] = ()
    units: tuple[int, int] | None = None
    manners: Manners = field(default_factory=Manners)


def config_of(url: str) -> ModbusConfig:
    """`modbus://HOST:PORT?unit=1`, or `tcp:` or `rtu:DEVICE?baud=9600&unit=1` as in a site file."""
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query, keep_blank_values=True))
    said = {key: settings.pop(key) for key in SETTINGS if key in settings}
    if parts.scheme == "rtu":
        query = "&".join(f"{key}={value}" for key, value in settings.items())
        plain = url.partition("?")[0] + (f"?{query}" if query else "")
    elif settings:
        (unknown, *_) = settings
        raise Wrong(f'"{unknown}" is no setting', closest(unknown, SETTINGS))
    else:
        plain = f"tcp://{parts.netloc}"
    given: dict[str, object] = {"url": plain}
    if "unit" in said:
        if not said["unit"].isdigit():
            raise Wrong(f'the unit must not be "{said["unit"]}"', "write a number from 0 to 255")
        given["unit"] = int(said["unit"])
    if "timeout" in said:
        given["timeout_ms"] = duration_ms(said["timeout"])
    return ModbusConfig.model_validate(given)


async def browse(
    config: ModbusConfig,
    options: Options,
    progress: Progress = unheard,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Found:
    """Ask for everything in the spans, or for what there is time until `is_stopped`.

    MachineFault when the device cannot be reached at all.
    """
    notes = []
    if options.units is not None:
        notes.append(await _units(config, options.units, options.manners, progress))
    units = list(notes)
    line = Line(config)
    try:
        await line.connect()
        return await _look(Asker(line, options.manners, is_stopped), options, progress, notes)
    except MachineFault as fault:
        if not units:
            raise
        raise MachineFault(f"{units[0]}; asked was unit {config.unit}: {fault}") from fault
    finally:
        line.close()


async def _look(asker: Asker, options: Options, progress: Progress, notes: list[str]) -> Found:
    await asker.greet((span.table, span.first) for span in options.spans)
    try:
        chain = await sunspec.find(asker)
    except Enough:
        chain = None  # the scan is told the same, and says what was not asked for
    spans = joined([*options.spans, *([chain.span] if chain else [])])
    total = sum(span.last - span.first + 1 for span in spans)

    def done(count: int) -> None:
        progress("registers", count, total)

    scan = Scan(asker, options.manners.registers_max, done)
    image = await scan.run(spans)
    identity = {} if image.stopped else await _identity(asker)
    told = [f"it says that it is: {identity}"] if identity else []
    notes += [*told, *(chain.notes if chain else []), *image.notes]
    notes.append(f"{asker.requests} requests")
    return Found(rows_of(image, options.readings, chain), _skipped(image), notes)


async def _identity(asker: Asker) -> str:
    try:
        told = await asker.identify()
    except Enough:
        return ""
    named = [(name, told.get(number, "").strip()) for number, name in enumerate(OBJECTS)]
    return ", ".join(f"{name} {text}" for name, text in named if text)


def _skipped(image: Image) -> list[Skipped]:
    # A stretch is one entry, so its reason says how long it is.
    return [
        Skipped(span.text, span.text, why if span.first == span.last else f"{span.text}: {why}")
        for span, why in image.unread
    ]


async def _units(
    config: ModbusConfig, units: tuple[int, int], manners: Manners, progress: Progress
) -> str:
    """Which of these units answer, if only by refusing what they are asked for."""
    first, last = units
    found = []
    for unit in range(first, last + 1):
        line = Line(config.model_copy(update={"unit": unit}))
        try:
            await line.connect()
            await asyncio.sleep(manners.pause_ms / 1000)
            if await _is_there(line):
                found.append(str(unit))
        finally:
            line.close()
        progress("units", unit - first + 1, last - first + 1)
    return f"units that answer: {', '.join(found) or 'none'} of {first} to {last}"


async def _is_there(line: Line) -> bool:
    try:
        await line.read("holding", 0, 1)
    except Refusal as refusal:
        return refusal.code not in GATEWAY
    except MachineFault:
        return False
    return True
