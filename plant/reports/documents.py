"""Reports that are printed from the ledger, and whether a report is true: by its file or on paper.

A report is true when the ledger says so: the SHA-256 of its file stands in a record
`inspection.document`, or the record's id and the hash that the chain gave it stand on the paper. A
correction is a new record that names the one it corrects; what was printed of that is replaced.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import orjson

from plant.ledger import Entry, Ledger
from plant.ledger.chain import beginning, link
from plant.making import REPORTS, plant_record
from plant.reports.inspection import MARK, inspection_pdf
from plant.reports.inspection_facts import KIND, NotPrintable, Printed
from stations.inspection.document import Document
from stations.records import Record
from wire.texts import Texts

DOCUMENT = "inspection.document"
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MARKED = re.compile(rf"{MARK} ({ID})".encode())
PAGE = 1000
CORRECTIONS_MAX = 1000


class Status(StrEnum):
    """What became of a report: it holds, a correction stands, nobody knows it, it was changed."""

    VALID = "valid"
    REPLACED = "replaced"
    UNKNOWN = "unknown"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class Verified:
    """The status of a report, its record where that is known, and what replaces it."""

    status: Status
    record: str | None = None
    number: int | None = None
    document: str | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A printed report and the record of it, which is in the ledger; `is_new`: it was not yet."""

    pdf: bytes
    document: Record
    is_new: bool


def issue(ledger: Ledger, id: str, texts: Texts, time_ms: int) -> Issued:
    """Print a record `inspection.report`, and put the hash of the file into the ledger.

    The same report again is the same file and no second record. NotPrintable when there is no such
    record, or it is another kind.
    """
    entry = ledger.get(id)
    if entry is None:
        raise NotPrintable(f"{id}: the ledger has no record of this id")
    pdf = inspection_pdf(printed(ledger, entry), texts)
    digest = hashlib.sha256(pdf).hexdigest()
    for known in _documents(ledger, entry):
        if known.data["sha256"] == digest:
            return Issued(pdf, known, is_new=False)
    data = Document(
        record=id, number=entry.number, chain=entry.hash.hex(), sha256=digest, bytes=len(pdf),
        language=texts.language,
    )  # fmt: skip
    record = plant_record(DOCUMENT, entry.site, entry.line, REPORTS, entry.visit, time_ms, data)
    ledger.append([record])
    return Issued(pdf, record, is_new=True)


def printed(ledger: Ledger, entry: Entry) -> Printed:
    """An entry with what only the ledger knows: its place, the VIN, and whether it is replaced."""
    vin = ledger.vin(entry.visit) if entry.visit is not None else None
    record = Record.model_validate_json(entry.body)
    return Printed(record, entry.number, entry.hash.hex(), vin, replaced_by(ledger, entry))


def replaced_by(ledger: Ledger, entry: Entry) -> str | None:
    """The id of the record that corrects this one, the last one in a row of corrections."""
    found, corrected = None, {entry.id}
    later = ledger.find(
        visit=entry.visit, station=None if entry.visit else entry.station, kind=KIND,
        limit=CORRECTIONS_MAX,
    )  # fmt: skip
    for one in sorted(later, key=lambda one: one.number):
        corrects = orjson.loads(one.body)["data"].get("corrects")
        if isinstance(corrects, dict) and corrects.get("record") in corrected:
            corrected.add(one.id)
            found = one.id
    return found


def verify_file(ledger: Ledger, pdf: bytes) -> Verified:
    """Whether a file is one that was printed from this ledger.

    Altered: it names a record that is there, but no such file was printed of it.
    """
    digest = hashlib.sha256(pdf).hexdigest()
    claimed = None
    if (marked := MARKED.search(pdf)) is not None:
        claimed = ledger.get(marked[1].decode())
    known = list(_documents(ledger, claimed)) if claimed is not None else []
    for record in [*known, *_all_documents(ledger, digest)]:
        if record.data["sha256"] == digest:
            entry = ledger.get(record.data["record"])
            if entry is None:
                return Verified(Status.UNKNOWN, document=record.id)
            return _standing(ledger, entry, record.data["chain"], record.id)
    if claimed is not None and claimed.kind == KIND:
        return Verified(Status.ALTERED, claimed.id, claimed.number)
    return Verified(Status.UNKNOWN)


def verify_paper(ledger: Ledger, id: str, chain: str) -> Verified:
    """Whether a paper with this record's id and hash is true; spaces in the hash do not matter."""
    entry = ledger.get(id.strip().lower())
    if entry is None or entry.kind != KIND:
        return Verified(Status.UNKNOWN)
    return _standing(ledger, entry, "".join(chain.split()).lower(), None)


def _standing(ledger: Ledger, entry: Entry, chain: str, document: str | None) -> Verified:
    """What an entry says of a paper that shows `chain` as its hash."""
    if entry.hash.hex() != chain or not _links(ledger, entry):
        return Verified(Status.ALTERED, entry.id, entry.number, document)
    replaced = replaced_by(ledger, entry)
    status = Status.VALID if replaced is None else Status.REPLACED
    return Verified(status, entry.id, entry.number, document, replaced)


def _links(ledger: Ledger, entry: Entry) -> bool:
    """Whether the entry is the one that its hash was made of."""
    before = ledger.find(before=entry.number, limit=1)
    previous = before[0].hash if before else beginning(ledger.identity)
    return link(previous, entry.number, entry.recorded_ms, entry.body) == entry.hash


def _documents(ledger: Ledger, entry: Entry) -> Iterator[Record]:
    """The documents of a record, the latest first."""
    for one in ledger.find(visit=entry.visit, station=REPORTS, kind=DOCUMENT):
        record = Record.model_validate_json(one.body)
        if record.data["record"] == entry.id:
            yield record


def _all_documents(ledger: Ledger, digest: str) -> Iterator[Record]:
    """The documents that name a hash, wherever they are: all are looked through."""
    before, wanted = None, digest.encode()
    while entries := ledger.find(kind=DOCUMENT, before=before, limit=PAGE):
        for one in entries:
            if wanted in one.body:
                yield Record.model_validate_json(one.body)
        before = entries[-1].number
