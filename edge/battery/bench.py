"""A station's bench for the driver: the cycler over its own connection, the rest as heard."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edge.battery.cycler import CyclerLost, CyclerRefused, ModbusCycler
from edge.battery.driver import BenchLost, Reading
from stations.battery.interlocks import Sample
from stations.battery.machine import Setpoints
from stations.battery.protocol import CyclerLimits

Number = float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What BMS, isolation tester and safety relay say; None is unread, ages in s.

    `cells_v` are all cells, negative where one is balanced; `is_fresh` says that they are new.
    """

    cells_v: Sequence[float] | None
    is_fresh: bool
    degc: Sequence[float] | None
    isolation_ohm_per_v: Number
    isolation_u95: Number
    hvil_closed: bool | None
    stop_clear: bool | None
    contactors_closed: bool | None
    precharge_done: bool | None
    bms_age_s: Number


class StationBench:
    """One cycler and what is heard of the pack on it."""

    def __init__(self, cycler: ModbusCycler, heard: Callable[[], Heard]) -> None:
        self._cycler, self._heard = cycler, heard

    async def secure(self) -> None:
        """No current, terminal off."""
        with _lost():
            await self._cycler.secure()

    async def take(self, limits: CyclerLimits) -> None:
        """Control, limits read back, terminal on."""
        with _lost():
            await self._cycler.take(limits)

    async def tell(self, setpoints: Setpoints) -> None:
        """Set-points of now."""
        with _lost():
            await self._cycler.tell(setpoints)

    async def read(self, time_s: float) -> Reading:
        """What the cycler shows and what was heard last."""
        with _lost():
            volts, amperes = await self._cycler.read()
        heard = self._heard()
        cells = [abs(one) for one in heard.cells_v or () if one == one]
        warm = [one for one in heard.degc or () if one == one]
        sample = Sample(
            time_s=time_s,
            voltage_v=volts,
            current_a=amperes,
            cell_low_v=min(cells, default=None),
            cell_high_v=max(cells, default=None),
            cold_degc=min(warm, default=None),
            hot_degc=max(warm, default=None),
            isolation_ohm_per_v=heard.isolation_ohm_per_v,
            isolation_u95=heard.isolation_u95,
            hvil_closed=heard.hvil_closed,
            stop_clear=heard.stop_clear,
            contactors_closed=heard.contactors_closed,
            precharge_done=heard.precharge_done,
            bms_age_s=heard.bms_age_s,
            cycler_age_s=0.0,
        )
        fresh = heard.cells_v if heard.is_fresh else None
        return Reading(sample, fresh, sum(warm) / len(warm) if warm else None)


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except (CyclerLost, CyclerRefused) as error:
        raise BenchLost(str(error)) from error
