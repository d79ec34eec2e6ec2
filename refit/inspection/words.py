"""The codes of a session in words for people."""

from __future__ import annotations

from wire.texts import Texts, phrase

STEPS = {
    "identify": phrase("identification"),
    "odometer": phrase("odometer"),
    "side_slip": phrase("side slip"),
    "suspension": phrase("suspension"),
    "brakes": phrase("service brake"),
    "parking_brake": phrase("parking brake"),
    "headlamps": phrase("headlamps"),
    "gas": phrase("exhaust gas"),
    "opacity": phrase("smoke opacity"),
    "obd": phrase("on-board diagnosis"),
    "continuity": phrase("ground continuity"),
    "tread": phrase("tyre tread"),
    "noise": phrase("noise"),
    "visual": phrase("visual inspection"),
}
ANSWERS = {
    "ok": phrase("done"),
    "unknown_inspector": phrase("the site file knows no such inspector; known are: {about}"),
    "why_missing": phrase("a reason is needed: --why"),
    "no_session": phrase("no session is open"),
    "in_session": phrase("a session is open already: {about}"),
    "lane_says": phrase("the lane itself says which vehicle is there: {about}"),
    "no_order": phrase("there is no order of this vehicle; there are: {about}"),
    "step_missing": phrase("say which part"),
    "not_required": phrase("this part is not required; add makes it so"),
    "no_machine_does_it": phrase("no machine does this part"),
    "already_required": phrase("this part is required already"),
    "already_done": phrase("this part is done; repeat begins it anew"),
    "already_measured": phrase("there is a value already: {about}; repeat begins it anew"),
    "nothing_to_repeat": phrase("this part has brought nothing yet"),
    "too_many_repeats": phrase("this part was repeated too many times"),
    "unknown_machine": phrase("there is no such machine; there are: {about}"),
    "machine_is_up": phrase("the machine works: {about}; down says that it does not"),
    "waits_for_confirmation": phrase("an entry waits for the second person"),
    "bad_value": phrase("these values cannot be: {about}"),
    "nothing_to_confirm": phrase("nothing waits for a second person here"),
    "second_person_needed": phrase("another person than the one who entered has to confirm"),
    "not_done": phrase("not done yet: {about}"),
    "not_readable": phrase("the agent cannot read this: {about}"),
}
MACHINE_STATUS = {
    "ready": phrase("ready"),
    "in_session": phrase("in session"),
    "down": phrase("down"),
}
IDENTITY = {
    "open": phrase("not identified"),
    "match": phrase("identified by its VIN"),
    "mismatch": phrase("another vehicle than ordered"),
    "by_hand": phrase("identified by two persons"),
}


def answer(texts: Texts, code: str, about: list[str]) -> str:
    """What the agent has answered; a code without words stays a code."""
    named = [texts.say(STEPS[one]) if one in STEPS else one for one in about]
    said = ANSWERS.get(code)
    return " ".join((code, *about)) if said is None else texts.say(said, about=", ".join(named))
