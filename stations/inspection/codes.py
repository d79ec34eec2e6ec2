"""What each kind of machine may say: codes of OTC-LAN-like records, their items, units and ranges.

The manner is that of OTC-LAN (two letters, the axle with the front as 1 and 0 for the vehicle, two
digits; a value that was not measured is not sent); the letters and numbers but SMX01 are our own,
since the wire format is not published. A range is what such a machine can show at all: outside of
it a value is a fault of the machine, whatever the vehicle. All ranges are design figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class MachineKind(StrEnum):
    """The machines of a roadworthiness station."""

    BRAKES = "roller_brake_tester"
    SLIP = "side_slip_plate"
    SUSPENSION = "suspension_bench"
    LAMPS = "headlamp_tester"
    GAS = "gas_analyser"
    OPACITY = "opacimeter"
    OBD = "obd_reader"
    TREAD = "tread_scanner"
    NOISE = "noise_meter"
    CONTINUITY = "continuity_tester"


@dataclass(frozen=True, slots=True)
class Code:
    """One code: which item of the inspection it gives, in which unit, within which range."""

    code: str
    item: str
    unit: str = ""
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    form: Literal["number", "flag", "list", "vin"] = "number"

    def holds(self, value: Decimal) -> bool:
        """Whether such a machine can show this value."""
        return self.low <= value <= self.high


VIN_ITEM = "obd.vin_readback"

_Row = tuple[str, str, str, str, str]

_AXLE_ROWS: dict[MachineKind, tuple[_Row, ...]] = {
    MachineKind.BRAKES: (
        ("FR{axle}01", "rbt.axle{axle}.force_max_l", "N", "0", "20000"),
        ("FR{axle}02", "rbt.axle{axle}.force_max_r", "N", "0", "20000"),
        ("FR{axle}03", "rbt.axle{axle}.weight_l", "kg", "50", "3000"),
        ("FR{axle}04", "rbt.axle{axle}.weight_r", "kg", "50", "3000"),
        ("FR{axle}05", "rbt.axle{axle}.drag_l", "N", "0", "3000"),
        ("FR{axle}06", "rbt.axle{axle}.drag_r", "N", "0", "3000"),
        ("FR{axle}07", "rbt.axle{axle}.ovality_l", "%", "0", "100"),
        ("FR{axle}08", "rbt.axle{axle}.ovality_r", "%", "0", "100"),
    ),
    MachineKind.SLIP: (("SL{axle}01", "slip.axle{axle}.slip", "m/km", "-50", "50"),),
    MachineKind.SUSPENSION: (
        ("SM{axle}01", "susp.axle{axle}.eff_l", "%", "0", "100"),
        ("SM{axle}02", "susp.axle{axle}.eff_r", "%", "0", "100"),
        ("SM{axle}03", "susp.axle{axle}.weight_l", "kg", "50", "3000"),
        ("SM{axle}04", "susp.axle{axle}.weight_r", "kg", "50", "3000"),
    ),
}
_TYRES = (
    ("TY{axle}0{first}", "tyre.{left}.tread_inner", "mm", "0", "20"),
    ("TY{axle}0{second}", "tyre.{left}.tread_mid", "mm", "0", "20"),
    ("TY{axle}0{third}", "tyre.{left}.tread_outer", "mm", "0", "20"),
)
_VEHICLE_ROWS: dict[MachineKind, tuple[_Row, ...]] = {
    MachineKind.BRAKES: (
        ("FR001", "rbt.park_force_l", "N", "0", "20000"),
        ("FR002", "rbt.park_force_r", "N", "0", "20000"),
    ),
    MachineKind.LAMPS: (
        ("LP001", "lamp.dip_l.dip", "%", "-10", "10"),
        ("LP002", "lamp.dip_r.dip", "%", "-10", "10"),
        ("LP003", "lamp.dip_l.target_dip", "%", "0", "5"),
        ("LP004", "lamp.dip_r.target_dip", "%", "0", "5"),
        ("LP005", "lamp.dip_l.height", "mm", "200", "1600"),
        ("LP006", "lamp.dip_r.height", "mm", "200", "1600"),
        ("LP007", "lamp.main_l.intensity", "kcd", "0", "500"),
        ("LP008", "lamp.main_r.intensity", "kcd", "0", "500"),
    ),
    MachineKind.GAS: (
        ("GZ001", "gas.co_idle", "%", "0", "15"),
        ("GZ002", "gas.co_fast", "%", "0", "15"),
        ("GZ003", "gas.co2", "%", "0", "20"),
        ("GZ004", "gas.o2", "%", "0", "25"),
        ("GZ005", "gas.hc", "ppm", "0", "20000"),
        ("GZ006", "gas.lambda", "", "0", "5"),
        ("GZ007", "gas.rpm_idle", "1/min", "0", "9000"),
        ("GZ008", "gas.rpm_fast", "1/min", "0", "9000"),
        ("GZ009", "gas.oil_temp", "degC", "-40", "200"),
    ),
    MachineKind.OPACITY: (
        ("OP001", "opac.k1", "1/m", "0", "10"),
        ("OP002", "opac.k2", "1/m", "0", "10"),
        ("OP003", "opac.k3", "1/m", "0", "10"),
        ("OP010", "opac.k_result", "1/m", "0", "10"),
        ("OP011", "opac.rpm_idle", "1/min", "0", "9000"),
        ("OP012", "opac.rpm_cutoff", "1/min", "0", "9000"),
    ),
    MachineKind.NOISE: (("NZ001", "noise.level", "dB(A)", "30", "140"),),
    MachineKind.CONTINUITY: (("EL001", "ev.ground_continuity", "mOhm", "0", "100000"),),
}
_OBD = (
    Code("OB001", "obd.mil", form="flag"),
    Code("OB002", "obd.dtc", form="list"),
    Code("OB003", "obd.ready", form="flag"),
    Code("OB004", VIN_ITEM, form="vin"),
    Code("OB005", "obd.ecall_ok", form="flag"),
    Code("OB006", "obd.dtc_count", "", Decimal(0), Decimal(127)),
)


def _codes(kind: MachineKind) -> Iterator[Code]:
    for axle in (1, 2):
        for row in _AXLE_ROWS.get(kind, ()):
            yield _code(row, axle=axle)
    for row in _VEHICLE_ROWS.get(kind, ()):
        yield _code(row)
    if kind is MachineKind.OBD:
        yield from _OBD
    if kind is MachineKind.TREAD:
        for axle, wheels in ((1, ("fl", "fr")), (2, ("rl", "rr"))):
            for number, wheel in enumerate(wheels):
                at = {"first": number * 3 + 1, "second": number * 3 + 2, "third": number * 3 + 3}
                for row in _TYRES:
                    yield _code(row, axle=axle, left=wheel, **at)


def _code(row: _Row, **words: object) -> Code:
    code, item, unit, low, high = row
    return Code(code.format(**words), item.format(**words), unit, Decimal(low), Decimal(high))


CODES: dict[MachineKind, dict[str, Code]] = {
    kind: {one.code: one for one in _codes(kind)} for kind in MachineKind
}
"""The codes of each kind of machine, by code."""

ITEMS: dict[MachineKind, dict[str, Code]] = {
    kind: {one.item: one for one in codes.values()} for kind, codes in CODES.items()
}
"""The same by item, as a JSON webhook names them."""
