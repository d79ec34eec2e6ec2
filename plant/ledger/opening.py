"""The ledger of a site, as its site file says."""

from __future__ import annotations

from plant.ledger.ledger import Ledger
from plant.ledger.projection import Progress, silent
from wire.clock import Clock
from wire.site import LedgerConfig


def open_ledger(
    config: LedgerConfig,
    clock: Clock,
    *,
    create: bool = True,
    migrate: bool | None = None,
    later: bool = False,
    progress: Progress = silent,
) -> Ledger:
    """Open the ledger of a site. What may be said and what may go wrong stand at `Ledger`."""
    return Ledger(
        config.url,
        clock,
        head=config.head,
        create=create,
        migrate=migrate,
        later=later,
        password=config.password,
        tls=config.tls,
        progress=progress,
    )
