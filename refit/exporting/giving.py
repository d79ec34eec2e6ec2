"""From what was asked for on the command line to rows in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from plant.stores.store import Store
from refit.exporting.choose import Chosen, choose
from refit.exporting.csv import CsvWriter
from refit.exporting.layout import Batch, Layout, long, long_means, wide, wide_means
from refit.times import duration_ms, text_of, time_ms, zone_of
from stations.status import BAD, UNCERTAIN
from wire.site import Site

FORMATS = ("csv", "parquet")
WIDE_MAX = 1_000
INSTALL = 'Parquet needs pyarrow, which is not installed: pip install "refit[parquet]"'
STATUS_DOC = (
    f"OPC UA StatusCode (OPC 10000-4, 7.39): Good below {UNCERTAIN}, Uncertain below {BAD}, "
    "Bad from there on; the column quality has its name"
)
Progress = Callable[[float], None]  # the share of the work that is done, 0 to 1


class Wrong(ValueError):
    """What was asked for cannot be, and what would be right."""


class Nothing(LookupError):
    """There is no sample in the range."""


class Writer(Protocol):
    """A file in the making."""

    def write(self, batch: Batch) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to have; `every_ms` 0: the samples themselves."""

    start_ms: int
    end_ms: int
    stations: Sequence[str] = ()
    tags: Sequence[str] = ()
    format: str = "csv"
    is_wide: bool = False
    every_ms: int = 0
    measurement: str | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise Wrong(f'no format "{self.format}": known are {", ".join(FORMATS)}')
        if self.start_ms >= self.end_ms:
            first, last = text_of(self.start_ms), text_of(self.end_ms)
            raise Wrong(f"--from {first} is not before --until {last}")

    @property
    def range(self) -> str:
        """The range in words."""
        return f"from {text_of(self.start_ms)} to before {text_of(self.end_ms)}"


def range_of(begin: str, end: str, zone: str, now_ms: int) -> tuple[int, int]:
    """Begin and end as UTC ms; NoTime when one is none."""
    place = zone_of(zone)
    return time_ms(begin, now_ms, place), time_ms(end, now_ms, place)


def window_ms(every: str) -> int:
    """The length of the windows of means, 0 for none; NoTime when it is no duration."""
    return duration_ms(every) if every else 0


def give(store: Store, site: Site, asked: Asked, file: BinaryIO, progress: Progress) -> int:
    """Write what was asked for; how many rows that are. Nothing, before a byte, if there is none.

    Unknown when a station or tag is none, StoreUnavailable when the store cannot be read.
    """
    chosen = choose(site, store.series(), asked.stations, asked.tags, asked.measurement)
    if asked.every_ms:
        chosen = [one for one in chosen if one.is_number]
    if asked.is_wide and len(chosen) > WIDE_MAX:
        told = f"{len(chosen)} tags are too many columns: at most {WIDE_MAX}"
        raise Wrong(f"{told}; choose by --station and --tag")
    if not chosen:
        raise Nothing(f"no {'numbers' if asked.every_ms else 'samples'} {asked.range}")
    layout = _layout(store, chosen, asked, _told(progress, asked, len(chosen)))
    rows, writer = 0, None
    for batch in layout.batches:
        writer = writer or _writer(file, layout, _about(site, asked, chosen), asked.format)
        writer.write(batch)
        rows += len(batch.columns[0])
    if writer is None:
        raise Nothing(f"no {'Good numbers' if asked.every_ms else 'samples'} {asked.range}")
    writer.close()
    return rows


def _told(progress: Progress, asked: Asked, count: int) -> Callable[[int], None]:
    whole, done = (asked.end_ms - asked.start_ms) * count, 0

    def told(more_ms: int) -> None:
        nonlocal done
        done += more_ms
        progress(done / whole)

    return told


def _layout(
    store: Store, chosen: Sequence[Chosen], asked: Asked, told: Callable[[int], None]
) -> Layout:
    span = (asked.start_ms, asked.end_ms)
    if asked.every_ms:
        make = wide_means if asked.is_wide else long_means
        return make(store, chosen, *span, asked.every_ms, told)
    return (wide if asked.is_wide else long)(store, chosen, *span, told)


def _writer(file: BinaryIO, layout: Layout, about: Mapping[str, Any], format: str) -> Writer:
    if format == "csv":
        return CsvWriter(file, layout)
    from refit.exporting.parquet import ParquetWriter

    return ParquetWriter(file, layout, about)


def _about(site: Site, asked: Asked, chosen: Sequence[Chosen]) -> Mapping[str, Any]:
    """What a file that can hold it says of itself."""
    return {
        "site": site.name,
        "from": text_of(asked.start_ms),
        "to": text_of(asked.end_ms),
        "every_ms": asked.every_ms or None,
        "status": STATUS_DOC,
        "tags": {one.name: one.about() for one in chosen},
    }
