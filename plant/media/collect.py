"""Removing files that no record names. Never one that is on its way into the ledger.

An agent keeps its copy until the ledger has the record and the store has said within a day that the
file is there; who is asked that begins the file's grace anew. So a file older than the grace that
no record named when the ledger was read is needed by nobody, or will be sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from plant.ledger import Ledger
from plant.media.store import MediaStore, Stored
from plant.media.wanted import Wanted


def collect(
    store: MediaStore,
    ledger: Ledger,
    wanted: Wanted,
    before_ms: int,
    *,
    delete: bool,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Stored]:
    """The orphans from before a time; with `delete` they are removed as they are given out.

    The files are listed before the ledger is read, not after. Uploads that nobody has gone on with
    since are thrown away with them.
    """
    old = [one for one in store.stored() if one.since_ms < before_ms]
    wanted.refresh(ledger, store, progress)
    for one in wanted.orphans(old, before_ms):
        if not delete or store.delete(one.sha256, before_ms):
            yield one
    if delete:
        for partial in list(store.partials()):
            store.abandon(partial.sha256, partial.total, before_ms)
