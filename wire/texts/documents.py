"""What the verification of a printed report says to people."""

from __future__ import annotations

from collections.abc import Mapping

from wire.texts import Texts, phrase

STATUSES = {
    "valid": phrase("valid: record {record}, ledger number {number}"),
    "replaced": phrase("replaced: record {record} was corrected by record {replaced_by}"),
    "altered": phrase("altered: it names record {record}, but it is not what was printed of it"),
    "unknown": phrase("unknown: this ledger knows nothing of it"),
}


def verified_in_words(texts: Texts, status: str, about: Mapping[str, object]) -> str:
    """One line on a status; `about` has record, number and replaced_by."""
    return texts.say(STATUSES[status], **about)
