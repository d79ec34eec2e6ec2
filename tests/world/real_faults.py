"""Faults of machines that are servers: by their simulators, and on the bytes of their links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.modbus_unit import Refusal
from tests.world.kinds import KINDS, Kind, Mend, Now
from tests.world.plans import Plan
from tests.world.play import Verdict, play
from tests.world.real import MODBUS_PORT, OPCUA_PORT, RealJudge, RealWorld

REAL: dict[str, Kind] = {}
STEP_S_MAX = 90.0
ACTIVE_S = 12.0
TAGS = {"press-1": ("force", "position"), "meter-1": ("power",)}
REGISTERS = ("speed", "load")


def _world(now: Now) -> RealWorld:
    assert isinstance(now.world, RealWorld)
    return now.world


def _note(name: str, begin: Callable[[Now], Mend | None], *, steps: bool = False) -> None:
    REAL[name] = Kind(name, ("report",), begin, steps)


def _ask(fault: str, which: str, **more: Any) -> Callable[[Now], Mend | None]:
    """A fault that the simulators know. `which`: of a node, of a register, or of a station."""

    def begin(now: Now) -> Mend | None:
        world, station = _world(now), now.rng.choice(list(TAGS))
        asked: dict[str, Any] = {"do": "fault", "fault": fault, **more}
        if which == "register":
            station = "press-1"
            asked["tag"] = now.rng.choice(REGISTERS)
        elif which == "node":
            asked["tag"] = now.rng.choice(TAGS[station])
        asked["station"] = station
        world.keep(world.plant.handle(asked))
        cleared = {"do": "clear", "fault": fault, "station": station}
        return lambda: world.keep(world.plant.handle(cleared))

    return begin


for _fault, _which in (
    ("bad", "node"), ("bad-kept", "node"), ("uncertain", "node"), ("sensor", "node"),
    ("frozen", "node"), ("missing", "node"), ("illegal", "register"), ("bad", "register"),
    ("frozen", "register"), ("stall", "station"), ("drop", "station"), ("reset", "station"),
    ("unsubscribe", "station"),
):  # fmt: skip
    _note(f"{_fault} of a {_which}", _ask(_fault, _which))
for _delay_ms in (200, 900, 3_000):
    _note(f"answers {_delay_ms} ms late", _ask("late", "station", delay_ms=_delay_ms))


def _way(broken: str, port: int) -> Callable[[Now], Mend | None]:
    def begin(now: Now) -> Mend | None:
        net = now.world.net
        net.call_soon(getattr(net, broken), port)
        return lambda: net.restore(port)

    return begin


for _port, _what in ((OPCUA_PORT, "server"), (MODBUS_PORT, "device")):
    _note(f"way to the {_what} cut", _way("cut", _port))
    _note(f"way to the {_what} half-open", _way("stall", _port))
    _note(f"link to the {_what} reset", _way("reset", _port))


def _mangled(change: Callable[[bytes], bytes]) -> Callable[[Now], Mend | None]:
    def begin(now: Now) -> Mend | None:
        mangle = now.world.net.mangle
        mangle[MODBUS_PORT] = change

        def mend() -> None:
            mangle.pop(MODBUS_PORT, None)

        return mend

    return begin


def _other_transaction(answer: bytes) -> bytes:
    return (int.from_bytes(answer[:2]) ^ 0x5555).to_bytes(2) + answer[2:]


def _exception(code: int) -> Callable[[Now], Mend | None]:
    """The device answers with this exception, whatever it is asked."""

    def begin(now: Now) -> Mend | None:
        server, number = _world(now).plant.stations["press-1"].modbus[""]
        codes = server.unit(number).codes
        codes.update({("press-1", tag): Refusal(code) for tag in REGISTERS})

        def mend() -> None:
            for tag in REGISTERS:
                codes.pop(("press-1", tag), None)

        return mend

    return begin


_note("wrong transaction id", _mangled(_other_transaction))
for _code in (2, 4, 5, 6, 8, 10, 11):
    _note(f"exception {_code} to everything", _exception(_code))


def _restart(*, moved: bool) -> Callable[[Now], Mend | None]:
    def begin(now: Now) -> None:
        world = _world(now)
        world.keep(world.restart(moved=moved))

    return begin


_note("server restarted", _restart(moved=False))
_note("server restarted with other namespace indexes", _restart(moved=True))


def _step(now: Now) -> None:
    world = _world(now)
    ahead_s = now.rng.uniform(-STEP_S_MAX, STEP_S_MAX)
    world.keep(world.plant.handle({"do": "clock", "ahead_s": ahead_s}))


_note("clock of the server steps", _step, steps=True)


def real_kinds() -> dict[str, Kind]:
    """Those of these machines, and of all else that the small world can break without a clock."""
    others = {
        name: kind for name, kind in KINDS.items() if "report" not in kind.points and not kind.steps
    }
    return REAL | others


def real_plan(seed: int) -> Plan:
    """The plan that belongs to a seed."""
    return Plan.of(seed, real_kinds(), ACTIVE_S)


def real_play(plan: Plan) -> Verdict:
    """Run a plan with unmodified asyncua and pymodbus."""
    return play(plan, RealWorld, RealJudge)
