"""Records that the plant's side makes itself: of what is decided or printed there, not measured."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import orjson

from stations.cycle import utc_text
from stations.records import AgentInfo, File, Record, record_id

if TYPE_CHECKING:
    from pydantic import BaseModel

PLANT = "plant"  # in place of an agent
REPORTS, QUALITY, REPAIRS = "reports", "quality-control", "repairs"
PLACES = (REPORTS, QUALITY, REPAIRS)  # in place of a station


def plant_record(
    kind: str, site: str, line: str, station: str, visit: str | None, time_ms: int,
    data: BaseModel, files: tuple[File, ...] = (),
) -> Record:  # fmt: skip
    """The record of a fact: the same fact at the same time is the same record."""
    said = data.model_dump(mode="json")
    body = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    return Record(
        id=record_id(time_ms, site, station, kind, visit or "", body),
        kind=kind,
        version=1,
        site=site,
        line=line,
        station=station,
        visit=visit,
        time=utc_text(time_ms),
        agent=AgentInfo(name=PLANT, version=version("refit")),
        data=said,
        files=files,
    )
