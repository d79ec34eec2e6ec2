"""The correction of an inspection: the case as it should have been, judged, as a new record."""

from __future__ import annotations

from typing import Any

import orjson

from plant.ledger import Ledger
from plant.reports.documents import replaced_by
from plant.reports.inspection_facts import KIND, NotPrintable, told
from stations.cycle import utc_text
from stations.inspection.document import Correction
from stations.inspection.judging.case import Wrong
from stations.inspection.judging.judge import Judge
from stations.inspection.judging.judgement import Judgement
from stations.inspection.judging.parsing import parse
from stations.records import AgentInfo, Record, record_id
from wire.rule_sets import NEWEST, UnknownRuleSet, rule_set


class CannotCorrect(ValueError):
    """A correction that cannot be made; `problems` says why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def correction(ledger: Ledger, id: str, case: bytes, why: str, by: str, time_ms: int) -> Record:
    """The record that corrects another, not yet in the ledger. CannotCorrect.

    Only what stands can be corrected: of a record that was corrected, the correction is named.
    """
    if not why.strip() or not by.strip():
        raise CannotCorrect(["say why, and who corrects it"])
    entry = ledger.get(id)
    if entry is None or entry.kind != KIND:
        raise CannotCorrect([f"{id}: the ledger has no record {KIND} of this id"])
    if (later := replaced_by(ledger, entry)) is not None:
        raise CannotCorrect([f"{id} was corrected by {later}: correct that"])
    old = Record.model_validate_json(entry.body)
    judgement = _judged(old, case)
    corrects = Correction(record=id, why=why.strip(), by=by.strip())
    data = old.data | {
        "case": orjson.loads(case),
        "judgement": judgement.model_dump(mode="json"),
        "measurements": _measurements(orjson.loads(case)),
        "not_decidable": [one.item for one in judgement.not_decidable],
        "corrects": corrects.model_dump(mode="json"),
    }
    body = orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode()
    return old.model_copy(
        update={
            "id": record_id(time_ms, old.site, old.station, KIND, old.visit or "", body),
            "time": utc_text(time_ms),
            "agent": AgentInfo(name="plant", version=old.agent.version),
            "data": data,
            "files": (),
        }
    )


def _judged(old: Record, case: bytes) -> Judgement:
    """The judgement of a case by the rule set of the record that it corrects."""
    try:
        before = told(old).judgement
        rules = rule_set(NEWEST if before is None else before.rule_set)
        return Judge(rules).judge(parse(case))
    except (NotPrintable, UnknownRuleSet) as error:
        raise CannotCorrect([str(error)]) from error
    except Wrong as error:
        raise CannotCorrect(list(error.reasons)) from error


def _measurements(case: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a case in the form of a record."""
    found = {}
    for item, one in case.get("measurements", {}).items():
        value = one.get("value")
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[item] = {
                "value": float(value), "unit": one.get("unit", ""), "result": "Undefined",
                "reason": None,
            }  # fmt: skip
    return found
