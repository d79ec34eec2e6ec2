"""What reason codes and codes of deficiencies of the inspection say to people."""

from __future__ import annotations

from wire.texts import Texts, phrase

POINTS = {
    "0.1.1": phrase("Registration plates"),
    "0.2.1": phrase("Vehicle identification number"),
    "0.3.1": phrase("Maker's plate"),
    "0.6.1": phrase("Further identification documents"),
    "1.1.10": phrase("Brake servo and master cylinder"),
    "1.1.11": phrase("Rigid brake pipes"),
    "1.1.12": phrase("Brake hoses"),
    "1.1.13": phrase("Brake linings or pads"),
    "1.1.14": phrase("Brake drums or discs"),
    "1.2.1": phrase("Working of the service brake"),
    "1.2.2": phrase("Efficiency of the service brake"),
    "1.4.1": phrase("Working of the parking brake"),
    "1.4.2": phrase("Efficiency of the parking brake"),
    "1.6.1": phrase("Anti-lock braking"),
    "1.8.1": phrase("Brake fluid"),
    "2.1.1": phrase("Steering gear"),
    "2.1.3": phrase("Steering linkage"),
    "2.7.1": phrase("Side slip"),
    "3.2.1": phrase("Glazing"),
    "3.3.1": phrase("Mirrors"),
    "3.4.1": phrase("Wipers"),
    "3.5.1": phrase("Washers"),
    "4.1.1": phrase("Headlamps: state and working"),
    "4.1.2": phrase("Headlamps: aim"),
    "4.3.1": phrase("Stop lamps"),
    "4.4.1": phrase("Direction indicators"),
    "5.1.1": phrase("Axles"),
    "5.2.3": phrase("Tyres"),
    "5.3.2": phrase("Shock absorbers"),
    "6.1.1": phrase("General state of the chassis"),
    "6.1.2": phrase("Exhaust pipes and silencers"),
    "6.2.3": phrase("Doors and handles"),
    "7.1.2": phrase("Seat belts and buckles"),
    "7.1.5": phrase("Airbags"),
    "7.7.1": phrase("Horn"),
    "7.11.1": phrase("Odometer"),
    "8.1.1": phrase("Noise"),
    "8.2.12": phrase("Exhaust gases of petrol engines"),
    "8.2.22": phrase("Smoke of diesel engines"),
    "8.4.1": phrase("Leaks of fluids"),
}
DEFICIENCIES = {
    "1.2.1.a.2": phrase("Braking force inadequate on a wheel"),
    "1.2.1.a.3": phrase("No braking force on a wheel"),
    "1.2.1.b.2": phrase("Braking forces differ between left and right"),
    "1.2.1.b.3": phrase("Braking forces of a steered axle differ gravely between left and right"),
    "1.2.2.a.2": phrase("Service brake not efficient enough"),
    "1.2.2.a.3": phrase("Service brake below half of the required efficiency"),
    "1.4.1.a.2": phrase("Parking brake does not work on one side"),
    "1.4.2.a.2": phrase("Parking brake not efficient enough"),
    "1.4.2.a.3": phrase("Parking brake below half of the required efficiency"),
    "1.6.1.f.2": phrase("Anti-lock braking reports a fault by its interface"),
    "2.7.1.a.1": phrase("Side slip too large"),
    "4.1.2.a.2": phrase("Dipped beam aimed wrongly"),
    "5.2.3.e.2": phrase("Wear indicator of a tyre reached"),
    "5.2.3.e.3": phrase("Tread depth of a tyre not as required"),
    "5.3.2.d.1": phrase("Suspension differs between left and right"),
    "7.1.5.z.3": phrase("Open recall of which the maker says: do not drive"),
    "7.11.1.a.1": phrase("Odometer shows less than at an earlier test"),
    "7.11.1.b.2": phrase("Odometer does not work"),
    "8.2.12.a.2": phrase("Exhaust gases above the maker's value"),
    "8.2.12.b.2": phrase("Exhaust gases above the limit"),
    "8.2.12.c.2": phrase("Lambda out of its range"),
    "8.2.12.d.2": phrase("The petrol engine's diagnosis reports a serious malfunction"),
    "8.2.12.f.2": phrase("Exhaust gases cannot be tested"),
    "8.2.22.a.2": phrase("Smoke above the value on the plate"),
    "8.2.22.b.2": phrase("Smoke above the limit"),
    "8.2.22.c.2": phrase("The diesel engine's diagnosis reports a serious malfunction"),
}
REASONS = {
    "missing": phrase("not measured"),
    "out_of_range": phrase("the value cannot be true"),
    "no_number": phrase("the value is no number"),
    "not_believable": phrase("the values cannot be true together"),
    "weight_too_small": phrase("the scales have not weighed"),
    "calibration_expired": phrase("the calibration of the machine has expired"),
    "calibration_unknown": phrase("the calibration of the machine is not known"),
    "calibration_in_future": phrase("the machine's calibration lies in the future"),
    "zero_not_confirmed": phrase("the machine has not confirmed its zero"),
    "equipment_fault": phrase("the machine reports a fault"),
    "first_registration_unknown": phrase("the first registration is not known"),
    "turbo_unknown": phrase("whether the engine has a turbo is not known"),
    "catalyst_unknown": phrase("whether there is a catalyst is not known"),
    "target_dip_and_height_unknown": phrase(
        "neither the dip on the plate nor the lamp's height is known"
    ),
    "no_limit_for_height": phrase("there is no limit for a lamp so high"),
    "recall_unknown": phrase("whether a recall is open was not asked"),
    "test_aborted": phrase("the test was given up before"),
}
NOTES = {
    "judged": phrase("judged"),
    "no_limit": phrase("recorded, there is no limit"),
    "not_listed": phrase("recorded, not part of this re-inspection"),
    "excellent": phrase("class: excellent"),
    "good": phrase("class: good"),
    "fair": phrase("class: fair"),
    "bad": phrase("class: bad"),
}
SEVERITIES = {
    "1": phrase("minor"),
    "2": phrase("major"),
    "3": phrase("critical"),
}
RESULTS = {
    "undefined": phrase("not determined"),
    "ok": phrase("in order"),
    "not_ok": phrase("not in order"),
    "not_decidable": phrase("not decidable"),
}
LETTERS = {
    "A": phrase("favourable"),
    "S": phrase("unfavourable, major deficiencies"),
    "R": phrase("unfavourable, critical deficiencies"),
}
FOUND_BY = {
    "measured": phrase("measured"),
    "visual": phrase("seen by the inspector"),
    "earlier": phrase("stands from the earlier test"),
    "inspector": phrase("decided by the inspector"),
    "recall": phrase("recall enquiry"),
}
HOLDS = {
    "critical_finding": phrase("a critical deficiency: it must not leave the hall"),
    "stop_drive_recall": phrase("an open recall: it must not be driven"),
    "recall_unknown": phrase("whether a recall is open was not asked"),
    "repair_only": phrase("major deficiencies: to repair only"),
    "not_decided": phrase("not decided yet"),
    "result_and_letter_disagree": phrase("result and letter do not fit together"),
}


def title(texts: Texts, code: str) -> str:
    """What a code is about: its own words, else those of its point, else the code itself."""
    known = DEFICIENCIES.get(code) or POINTS.get(code.rsplit(".", 2)[0])
    return code if known is None else texts.say(known)


def reason(texts: Texts, code: str) -> str:
    """A reason why an item could not be judged."""
    return texts.say(REASONS.get(code, code))


def note(texts: Texts, code: str) -> str:
    """Why a value was only recorded."""
    return texts.say(NOTES.get(code) or REASONS.get(code, code))


def severity(texts: Texts, number: int) -> str:
    """The word for a severity."""
    return texts.say(SEVERITIES[str(number)])
