"""The reference page of the historian's own measurements."""

from __future__ import annotations

from plant.historian import HEARTBEAT_S
from plant.kpi.measurements import MEASUREMENTS, Measurement
from plant.stores.store import EDGE_HEALTH
from refit.reference.markdown import HEAD, code, table
from stations import kinds
from stations.declare import Phase, Type

INTRODUCTION = f"""\
# The historian's own measurements

{HEAD}
Beside the samples of the stations (measurement = kind, field = tag) the store has what the
historian itself says. All have the tags `site`, `line` and `station`, and times in ms UTC. A field
is absent where it has no value: never 0, never NaN. How the numbers are made:
[OEE](../explanations/oee.md).
The health of the agents is the measurement `{EDGE_HEALTH}`, see [metrics](metrics.md).

## The phases

What the states of the different kinds have in common; each state declares its own. A station that
is not there is said every {HEARTBEAT_S:g} s like all others.

"""
PHASES = {
    Phase.OFFLINE: ("its agent or its link is down", "unknown"),
    Phase.IDLE: ("no vehicle is here", "ADOT, starved"),
    Phase.WORKING: ("a vehicle is worked on", "APT"),
    Phase.DONE: ("the work is over, the vehicle still here or on its way out", "ADOT, blocked"),
    Phase.STOPPED: ("stopped, held or failed", "ADET"),
    Phase.UNKNOWN: ("online, but its state is Bad or was never heard", "unknown"),
}
WORDS = {
    Type.BOOL: "true or false", Type.INT: "whole number", Type.FLOAT: "number", Type.TEXT: "text",
}  # fmt: skip


def page() -> str:
    """The whole page as Markdown."""
    rows = [
        (str(int(phase)), phase.name, *PHASES[phase], _states(phase) or "(said by none)")
        for phase in Phase
    ]
    heads = ("phase", "name", "what it means", "ISO 22400-2", "states")
    return INTRODUCTION + table(heads, rows) + "".join(map(_section, MEASUREMENTS))


def _states(phase: Phase) -> str:
    found = []
    for name in kinds.names():
        scheme = kinds.find(name).scheme
        states = None if scheme is None else scheme.state.states
        told = [state.name for state in states or () if state.phase is phase]
        if told and phase is not Phase.WORKING:
            found.append(f"{name}: {', '.join(map(code, told))}")
        elif told:
            found.append(f"{name}: {len(told)} states")
    return "; ".join(found)


def _section(one: Measurement) -> str:
    rows = [
        (code(field.name), WORDS[field.type], field.unit, "yes" if field.always else "", field.doc)
        for field in one.fields
    ]
    heads = ("field", "type", "unit", "always", "what it is")
    return f"\n## `{one.name}`\n\n{one.doc} Written {one.when}.\n\n" + table(heads, rows)
