"""Which way a vehicle may leave the hall after its inspection: for the controller of the line."""

from __future__ import annotations

from enum import StrEnum

from stations.inspection.judging.judgement import Letter, ResultWord


class Way(StrEnum):
    """Where the exit of the inspection leads."""

    ONWARD = "onward"  # the rest of the line, and the customer
    REPAIR = "repair"


class Hold(StrEnum):
    """Why a vehicle must stay where it is."""

    CRITICAL = "critical_finding"
    RECALL = "stop_drive_recall"
    RECALL_UNKNOWN = "recall_unknown"
    REPAIR_ONLY = "repair_only"
    NOT_DECIDED = "not_decided"
    CONTRADICTION = "result_and_letter_disagree"


_LETTERS: dict[ResultWord, tuple[Letter | None, ...]] = {
    "ok": ("A",), "not_ok": ("S", "R", None), "not_decidable": (None,), "undefined": (None,),
}  # fmt: skip


def held(
    way: Way, result: ResultWord, letter: Letter | None, recall_stop_drive: bool | None
) -> Hold | None:
    """Why a vehicle must not go this way; None when it may.

    R never leaves the hall, S leaves only towards repair, without a letter nothing leaves. An open
    stop-drive recall holds as R does, whatever the letter says; one that was not asked about holds
    too. Whatever else does not fit together holds: in doubt the gate stays shut.
    """
    if letter == "R":
        return Hold.CRITICAL
    if recall_stop_drive is None:
        return Hold.RECALL_UNKNOWN
    if recall_stop_drive:
        return Hold.RECALL
    if letter not in _LETTERS.get(result, ()):
        return Hold.CONTRADICTION
    if letter == "A":
        return None
    if letter == "S":
        return None if way is Way.REPAIR else Hold.REPAIR_ONLY
    return Hold.NOT_DECIDED
