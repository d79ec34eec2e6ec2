"""The ledger: every record of the plant, for ever, in a chain that shows every change."""

from plant.ledger.chain import Head, HeadFile
from plant.ledger.facts import (
    Appended,
    Entry,
    LedgerDamaged,
    LedgerError,
    LedgerUnavailable,
    LedgerUnusable,
    Refusal,
)
from plant.ledger.ledger import Ledger
from plant.ledger.opening import open_ledger
from plant.ledger.verify import Fault, Verdict

__all__ = [
    "Appended",
    "Entry",
    "Fault",
    "Head",
    "HeadFile",
    "Ledger",
    "LedgerDamaged",
    "LedgerError",
    "LedgerUnavailable",
    "LedgerUnusable",
    "Refusal",
    "Verdict",
    "open_ledger",
]
