"""What the measured items of an inspection, and places on a vehicle, are called by people."""

from __future__ import annotations

from wire.texts import Texts, phrase

QUANTITIES = {
    "rbt.weight": phrase("wheel load"),
    "rbt.drag": phrase("drag force"),
    "rbt.force_max": phrase("braking force"),
    "rbt.force_larger": phrase("larger braking force"),
    "rbt.imbalance": phrase("difference of braking forces"),
    "rbt.ovality": phrase("fluctuation of braking force"),
    "rbt.slip_stop": phrase("stopped by slip"),
    "rbt.service_eff": phrase("efficiency of the service brake"),
    "rbt.park_eff": phrase("efficiency of the parking brake"),
    "rbt.park_imbalance": phrase("difference of parking brake forces"),
    "rbt.park_force": phrase("parking brake force"),
    "slip.slip": phrase("side slip"),
    "susp.eff": phrase("suspension efficiency"),
    "susp.asym": phrase("difference of suspension"),
    "susp.freq": phrase("resonance frequency"),
    "susp.weight": phrase("wheel load on the suspension bench"),
    "tyre.tread": phrase("tread depth"),
    "tyre.tread_inner": phrase("tread depth, inner"),
    "tyre.tread_mid": phrase("tread depth, middle"),
    "tyre.tread_outer": phrase("tread depth, outer"),
    "tyre.pressure": phrase("tyre pressure"),
    "tyre.dot_week": phrase("tyre: week of production"),
    "tyre.brand": phrase("tyre: brand"),
    "lamp.dip": phrase("dip of the cut-off"),
    "lamp.target_dip": phrase("dip on the plate"),
    "lamp.lateral": phrase("lateral aim"),
    "lamp.height": phrase("lamp height"),
    "lamp.intensity": phrase("light intensity"),
    "lamp.cutoff_ok": phrase("cut-off in order"),
    "gas.co_idle": phrase("CO at idle"),
    "gas.co_fast": phrase("CO at fast idle"),
    "gas.co2": phrase("CO\N{SUBSCRIPT TWO}"),
    "gas.o2": phrase("O\N{SUBSCRIPT TWO}"),
    "gas.hc": phrase("HC"),
    "gas.lambda": phrase("lambda"),
    "gas.rpm_idle": phrase("engine speed at idle"),
    "gas.rpm_fast": phrase("engine speed at fast idle"),
    "gas.oil_temp": phrase("oil temperature"),
    "opac.k_result": phrase("opacity k, result"),
    "opac.band": phrase("opacity, band of the accelerations"),
    "opac.rpm_idle": phrase("engine speed at idle, smoke test"),
    "opac.rpm_cutoff": phrase("engine speed at cut-off"),
    "obd.mil": phrase("malfunction lamp"),
    "obd.abs_fault": phrase("fault of the anti-lock braking"),
    "obd.ecall_ok": phrase("eCall in order"),
    "obd.dtc": phrase("fault codes"),
    "obd.dtc_count": phrase("number of fault codes"),
    "obd.readiness": phrase("readiness"),
    "obd.ready": phrase("diagnosis ready"),
    "obd.pids": phrase("diagnostic values"),
    "obd.vin_readback": phrase("VIN read from the vehicle"),
    "ev.ground_continuity": phrase("ground continuity"),
    "ev.isolation": phrase("isolation resistance"),
    "ev.soc": phrase("state of charge"),
    "ev.soh": phrase("state of health"),
    "ev.inlet_ok": phrase("charge inlet in order"),
    "noise.level": phrase("noise level"),
    "vehicle.gvm_kg": phrase("maximum authorised mass"),
    "vehicle.recall_stop_drive": phrase("recall enquiry"),
    "vehicle.first_registration": phrase("first registration"),
}
PLACES = {
    "axle1": phrase("front axle"),
    "axle2": phrase("rear axle"),
    "l": phrase("left"),
    "r": phrase("right"),
    "left": phrase("left"),
    "right": phrase("right"),
    "fl": phrase("front left"),
    "fr": phrase("front right"),
    "rl": phrase("rear left"),
    "rr": phrase("rear right"),
    "front left": phrase("front left"),
    "front right": phrase("front right"),
    "rear left": phrase("rear left"),
    "rear right": phrase("rear right"),
}
LAMPS = {
    "dip": phrase("dipped beam"),
    "main": phrase("main beam"),
    "fog": phrase("fog lamp"),
}
BENCHES = {
    "roller_brake_tester": phrase("roller brake tester"),
    "side_slip_plate": phrase("side-slip plate"),
    "suspension_bench": phrase("suspension bench"),
    "headlamp_tester": phrase("headlamp tester"),
    "gas_analyser": phrase("four-gas analyser"),
    "opacimeter": phrase("opacimeter"),
    "obd_reader": phrase("OBD reader"),
    "tread_scanner": phrase("tread scanner"),
    "noise_meter": phrase("noise meter"),
    "continuity_tester": phrase("ground continuity tester"),
}
FUELS = {
    "petrol": phrase("petrol"),
    "diesel": phrase("diesel"),
    "electric": phrase("electric"),
    "hybrid": phrase("hybrid"),
    "lpg": phrase("LPG"),
    "cng": phrase("natural gas"),
    "gas": phrase("gas"),
    "hydrogen": phrase("hydrogen"),
}
WORDS = {
    "true": phrase("yes"),
    "false": phrase("no"),
}


# Items that have no place.
WHOLE = {"visual": phrase("What the inspector sees")}


def item_name(texts: Texts, item: str) -> str:
    """What an item is called, with its place: `Braking force, front axle, left`."""
    if "." not in item:
        return texts.say(WHOLE[item]) if item in WHOLE else item.replace("_", " ")
    bench, *between, last = item.split(".")
    quantity, side = _sided(last)
    key = f"{bench}.{quantity}" if f"{bench}.{quantity}" in QUANTITIES else f"{bench}.{last}"
    if bench == "opac" and quantity.startswith("k") and quantity[1:].isdigit():
        name = texts.say("opacity k, acceleration {number}", number=quantity[1:])
    elif key not in QUANTITIES:
        return item
    else:
        name = texts.say(QUANTITIES[key])
    places = [_middle(texts, bench, one) for one in between]
    if key == f"{bench}.{quantity}" and side:
        places.append(texts.say(PLACES[side]))
    said = ", ".join([name, *places])
    return said[:1].upper() + said[1:]


def place_name(texts: Texts, place: str) -> str:
    """A place on the vehicle; what is not known is left as it is."""
    parts = [place] if place in PLACES else place.split(".")
    return ", ".join(texts.say(PLACES[one]) if one in PLACES else one for one in parts)


def bench_name(texts: Texts, kind: str) -> str:
    """What a kind of machine is called; a kind that is not known as it is."""
    return texts.say(BENCHES[kind]) if kind in BENCHES else kind


def fuel_name(texts: Texts, fuel: str) -> str:
    """What a fuel is called; one that is not known as it is."""
    return texts.say(FUELS[fuel]) if fuel in FUELS else fuel


def value_words(texts: Texts, value: str) -> str:
    """A value as people read it: yes and no, a decimal comma where the language has one."""
    if value in WORDS:
        return texts.say(WORDS[value])
    if texts.language == "fr":
        return value.replace(".", ",") if _is_number(value) else value
    return value


def limit_words(texts: Texts, limit: str) -> str:
    """A limit such as `<= 30` or `0.7 .. 1.7`, with the signs of print."""
    words = [value_words(texts, one) for one in limit.split()]
    signs = {"<=": "\N{LESS-THAN OR EQUAL TO}", ">=": "\N{GREATER-THAN OR EQUAL TO}", "..": "…"}
    said = " ".join(signs.get(one, one) for one in words)
    return said.replace("+-", "\N{PLUS-MINUS SIGN}")


def _sided(last: str) -> tuple[str, str]:
    stem, _, side = last.rpartition("_")
    return (stem, side) if side in ("l", "r") and stem else (last, "")


def _middle(texts: Texts, bench: str, part: str) -> str:
    if bench == "lamp":
        lamp, side = _sided(part)
        if lamp in LAMPS:
            return ", ".join([texts.say(LAMPS[lamp]), *([texts.say(PLACES[side])] if side else [])])
    return place_name(texts, part)


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
