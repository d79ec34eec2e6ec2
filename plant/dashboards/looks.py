"""What things look like: one colour and one word for each phase, state and quality.

Four situations must never look alike: a value that does not change (the colour of its phase goes
on), bad quality, no data, and an agent or a machine that is away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stations.declare import Phase, State

Json = dict[str, Any]

GREEN, BLUE, YELLOW, RED = "dark-green", "semi-dark-blue", "semi-dark-yellow", "semi-dark-red"
PURPLE, PALE, BLACK, GREY = "semi-dark-purple", "#9fa7b3", "#2f2f35", "#6e6e6e"
PHASES: dict[Phase, tuple[str, str]] = {
    Phase.OFFLINE: ("offline", BLACK),
    Phase.IDLE: ("waits for a vehicle", BLUE),
    Phase.WORKING: ("works", GREEN),
    Phase.DONE: ("done", YELLOW),
    Phase.STOPPED: ("stopped", RED),
    Phase.UNKNOWN: ("unknown", PURPLE),
}
# What the historian says instead of a state; small letters, which no state has.
SITUATIONS = {"offline": BLACK, "bad quality": PURPLE, "no data": PALE}
# Severities of an OPC UA StatusCode; 2^32 is added to one that came without a value.
QUALITIES = (
    (0, (1 << 30) - 1, "good", GREEN),
    (1 << 30, (1 << 31) - 1, "uncertain", YELLOW),
    (1 << 31, (1 << 32) - 1, "bad", PURPLE),
    (1 << 32, 1 << 33, "no value", "dark-purple"),
)


def words(name: str) -> str:
    """A name of a tag or a state as a person reads it."""
    return name.replace("_", " ").lower()


def colour_of(state: State) -> str:
    """The colour of a state: that of its phase, else by the words that all machines use."""
    if state.phase is not None:
        return PHASES[state.phase][1]
    if any(word in state.name for word in ("FAULT", "TRIPPED", "STOP")):
        return RED
    return GREY if state.name in ("NONE", "OFF", "NO_FAILURE") else BLUE


def values(mapping: dict[str, tuple[str, str]]) -> list[Json]:
    """A value mapping: the value as text to the word and the colour that stand for it."""
    options = {
        value: {"index": index, "text": text, "color": colour}
        for index, (value, (text, colour)) in enumerate(mapping.items())
    }
    return [{"type": "value", "options": options}]


def numbers(states: Iterable[State]) -> list[Json]:
    """The mapping of a state's number."""
    return values({str(one.value): (words(one.name), colour_of(one)) for one in states})


def state_names(states: Iterable[State]) -> list[Json]:
    """The mapping of `state_name`: all states, and what the historian says without one.

    A number that is not declared comes as `unknown_42`.
    """
    known = {one.name: (words(one.name), colour_of(one)) for one in states}
    known |= {name: (name, colour) for name, colour in SITUATIONS.items()}
    unknown = {
        "type": "regex",
        "options": {
            "pattern": "unknown_(.*)",
            "result": {"index": len(known), "text": "unknown state $1", "color": PURPLE},
        },
    }
    return [*values(known), unknown]


def switch() -> list[Json]:
    """The mapping of a switch."""
    return values({"true": ("yes", GREEN), "false": ("no", GREY)})


def online() -> list[Json]:
    """The mapping of `online`."""
    return values({"true": ("online", GREEN), "false": ("offline", BLACK)})


def quality() -> list[Json]:
    """The mapping of a StatusCode to its severity."""
    return [
        {
            "type": "range",
            "options": {"from": low, "to": high, "result": {"index": i, "text": t, "color": c}},
        }
        for i, (low, high, t, c) in enumerate(QUALITIES)
    ]


def thresholds(*steps: tuple[float, str], base: str = GREEN) -> Json:
    """Absolute thresholds: the colour below the first, then from each value on."""
    rest = [{"color": colour, "value": value} for value, colour in steps]
    return {"mode": "absolute", "steps": [{"color": base, "value": None}, *rest]}


def effectiveness() -> Json:
    """How good an OEE is, for a person's eye: red, yellow, and green from 75 %."""
    return thresholds((0.6, YELLOW), (0.75, GREEN), base=RED)


def limits(low: float | None, high: float | None) -> Json:
    """The limits of a believable value as thresholds."""
    steps = ([] if low is None else [(low, GREEN)]) + ([] if high is None else [(high, RED)])
    return thresholds(*steps, base=GREEN if low is None else RED)
