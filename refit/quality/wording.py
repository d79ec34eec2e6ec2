"""What the quality control says to people, in their language; rules give codes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from stations.quality.sampling import Reason, State
from wire.texts import Texts, UnknownLanguage, phrase

if TYPE_CHECKING:
    from stations.quality.sampling import Ruling, Scheme
    from stations.quality.tables import Tables

STATES = {
    State.NORMAL: phrase("normal inspection"),
    State.TIGHTENED: phrase("tightened inspection"),
    State.REDUCED: phrase("reduced inspection"),
    State.STOPPED: phrase("sampling inspection is stopped"),
}
REASONS = {
    Reason.FIRST_LOT: phrase("the first lot"),
    Reason.NO_SWITCH: phrase("no rule has asked for another inspection"),
    Reason.TWO_OF_FIVE: phrase("2 of 5 or fewer consecutive lots were not accepted"),
    Reason.FIVE_ACCEPTED: phrase("5 consecutive lots were accepted"),
    Reason.SCORE_REACHED: phrase("the switching score has reached 30"),
    Reason.SCORE_REACHED_NOT_ALLOWED: phrase(
        "the switching score has reached 30, but reduced inspection was not allowed"
    ),
    Reason.LOT_NOT_ACCEPTED: phrase("a lot was not accepted on reduced inspection"),
    Reason.FIVE_NOT_ACCEPTED: phrase("5 lots were not accepted on tightened inspection"),
    Reason.RESUMED: phrase("corrective action was agreed"),
}


def texts_of(language: str) -> Texts:
    """The texts of a language; a command ends with 2 when there are none."""
    try:
        return Texts(language)
    except UnknownLanguage as error:
        raise typer.BadParameter(str(error), param_hint="--lang") from error


def ruling_in_words(found: Ruling, scheme: Scheme, lot: int, tables: Tables, texts: Texts) -> str:
    """What to do with the next lot, in a few lines."""
    now, plan = found.switching, found.plan
    why = texts.say(REASONS[now.reason])
    lines = [
        f"{tables.title}, AQL {scheme.aql}, {texts.say('level')} {scheme.level}",
        f"{texts.say(STATES[now.state])}: {why}",
        texts.say("switching score: {score}", score=now.score),
    ]
    if plan is None:
        lines.append(texts.say("Inspect nothing by sample before corrective action is agreed."))
    elif found.full:
        lines.append(texts.say("Inspect all {lot} units: the sample would be the lot.", lot=lot))
    else:
        asked = texts.say(
            "Code letter {code}: inspect {n} of {lot}.", code=plan.code, n=plan.n, lot=lot
        )
        lines.append(asked)
    if plan is not None:
        lines.append(
            texts.say(
                "Accept with {ac} or fewer, do not accept with {re} or more.",
                ac=plan.ac,
                re=plan.re,
            )
        )
    return "\n".join(lines)


CHARTS = {
    "i": phrase("individuals"),
    "mr": phrase("moving ranges"),
    "c": phrase("counts"),
    "u": phrase("counts per unit"),
    "p": phrase("shares"),
}
HEADS = (
    phrase("chart"),
    phrase("points"),
    phrase("centre"),
    phrase("lower limit"),
    phrase("upper limit"),
)


def chart_name(name: str, texts: Texts) -> str:
    """A chart by its name, in words."""
    return texts.say(CHARTS[name])


NO_CAPABILITY = {
    "no_spread": phrase("no capability: the values do not vary"),
    "too_few_values": phrase("no capability: there are too few values"),
}


def no_capability(reason: str, texts: Texts) -> str:
    """Why there is no index, by its code, in words."""
    return texts.say(NO_CAPABILITY[reason])
