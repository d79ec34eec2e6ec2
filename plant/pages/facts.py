"""What a page says about a capture in words: its facts, its flaws, the names of things."""

from __future__ import annotations

import re
from collections import Counter

from plant.pages.capture import Capture
from stations.studio.manifest import Picture, PictureSet, Reason, Verdict
from wire.texts import Texts, phrase

# Each text stands with a capital: they are titles.
SETS = {
    PictureSet.SPIN: phrase("Exterior"),
    PictureSet.HERO: phrase("View"),
    PictureSet.INTERIOR: phrase("Interior"),
    PictureSet.DETAIL: phrase("Detail"),
    PictureSet.WHEEL: phrase("Wheel"),
    PictureSet.TREAD: phrase("Tread"),
    PictureSet.UNDERBODY: phrase("Underbody"),
    PictureSet.ENGINE: phrase("Engine"),
    PictureSet.BOOT: phrase("Boot"),
    PictureSet.DAMAGE: phrase("Damage"),
}
REASONS = {
    Reason.BLURRED: phrase("blurred"),
    Reason.CLIPPED: phrase("over-exposed"),
    Reason.DARK: phrase("too dark"),
    Reason.REPEATED: phrase("repeated"),
    Reason.OFF_ANGLE: phrase("off its angle"),
    Reason.CROPPED: phrase("cropped"),
    Reason.CORRUPT: phrase("damaged file"),
}
# Why a capture is not complete, as the studio tells it; what follows a dot is {name}.
CAUSES = {
    "unmasked": phrase(
        "Number plates could not be masked everywhere: such pictures are kept back."
    ),
    "light_curtain": phrase("The light curtain was broken while the vehicle turned."),
    "clock_set": phrase("The clock of the studio's computer was set meanwhile."),
    "wrong_vehicle": phrase("Another vehicle than expected stood on the table."),
    "out_of_focus": phrase("All pictures of camera {name} are out of focus."),
    "count_differs": phrase(
        "Camera {name} delivered another number of frames than it was triggered."
    ),
}
# As the vehicle is seen, in steps of 45 degrees, when it turns clockwise seen from above.
SIDES = (
    phrase("front"), phrase("front left"), phrase("left"), phrase("rear left"),
    phrase("rear"), phrase("rear right"), phrase("right"), phrase("front right"),
)  # fmt: skip
# Titles and damages that plans and simulated cameras use; any other stays as somebody wrote it.
KNOWN = {
    text.lower(): text
    for text in (
        phrase("Front left"), phrase("Front right"), phrase("Rear left"), phrase("Rear right"),
        phrase("Left headlamp"), phrase("Right headlamp"),
        phrase("Left tail lamp"), phrase("Right tail lamp"),
        phrase("Left mirror"), phrase("Right mirror"),
        phrase("Left door handle"), phrase("Right door handle"),
        phrase("Grille"), phrase("Tailgate"), phrase("Bonnet"), phrase("Roof"),
        phrase("Underbody"), phrase("Interior"), phrase("Engine"), phrase("Boot"),
        phrase("Scratch"), phrase("Dent"), phrase("Lamp"),
        phrase("Scratch, front left door"), phrase("Dent, front left door"),
        phrase("Scratch, front right door"), phrase("Dent, front right door"),
        phrase("Scratch, rear left door"), phrase("Dent, rear left door"),
        phrase("Scratch, rear right door"), phrase("Dent, rear right door"),
        phrase("Scratch, left wing"), phrase("Dent, left wing"),
        phrase("Scratch, right wing"), phrase("Dent, right wing"),
        phrase("Broken left headlamp"), phrase("Broken right headlamp"),
        phrase("Simulated"), phrase("Inspection"), phrase("Studio"),
    )
}  # fmt: skip
NAME = re.compile(r"([a-z]+)_(\d+)\Z")


def side(texts: Texts, angle: float, rotation: int) -> str:
    """From where the vehicle is seen at an angle of the table: "30° front left"."""
    eighth = round(angle * rotation / 45) % 8
    return f"{texts.number(angle)}° {texts.say(SIDES[eighth])}"


def known(texts: Texts, text: str) -> str:
    """A text of a plan or a camera in the page's language where it is a usual one."""
    usual = KNOWN.get(text.lower())
    return text if usual is None else texts.say(usual)


def title(texts: Texts, picture: Picture, number: int, of: int, rotation: int = 1) -> str:
    """What a picture is called: its own title, else from where it is seen, or set and number."""
    if picture.title:
        return known(texts, picture.title)
    if picture.set is PictureSet.HERO and picture.angle_deg is not None:
        return side(texts, picture.angle_deg, rotation)
    name = texts.say(SETS[picture.set])
    return f"{name} {number}" if of > 1 else name


def flaw(texts: Texts, picture: Picture) -> str:
    """What the checks found against a picture; empty when nothing."""
    if picture.verdict is Verdict.GOOD:
        return ""
    return ", ".join(texts.say(REASONS[one]) for one in picture.reasons) or texts.say("not good")


def badges(texts: Texts, capture: Capture) -> tuple[list[str], list[str]]:
    """The few words beside the title: plain ones, and those that warn."""
    manifest, number = capture.manifest, len(capture.pictures)
    signed = sum(one.signed for one in capture.pictures)
    plain = [texts.count(number, "{number} picture", "{number} pictures")]
    if not signed:
        plain.append(texts.say("Not signed"))
    else:
        plain.append(texts.say("Signed") if signed == number else texts.say("Partly signed"))
    warning = []
    if manifest.simulated:
        warning.append(texts.say("Simulated"))
    if not manifest.complete:
        warning.append(texts.say("Incomplete"))
    return plain, warning


def notices(texts: Texts, capture: Capture) -> list[tuple[str, list[str]]]:
    """What must be known before the pictures are looked at: a sentence, and lines below it."""
    found: list[tuple[str, list[str]]] = []
    if capture.manifest.simulated:
        said = texts.say("Simulated: these pictures were computed, no camera has taken them.")
        found.append((said, []))
    if not capture.manifest.complete:
        said = texts.say("Incomplete: not all that was planned is here.")
        found.append((said, incomplete(texts, capture)))
    return found


def rows(texts: Texts, capture: Capture) -> list[tuple[str, str]]:
    """The facts of a capture, name and value."""
    manifest = capture.manifest
    found = [
        (texts.say("Taken"), texts.moment(manifest.started)),
        (texts.say("Pictures"), texts.number(len(capture.pictures))),
        (
            texts.say("Plan"),
            f"{manifest.recipe.id}, {texts.say('version')} {manifest.recipe.version}",
        ),
        (texts.say("Complete"), texts.say("yes") if manifest.complete else texts.say("no")),
        (texts.say("Signed"), signed(texts, capture)),
        (
            texts.say("Source"),
            texts.say("simulator") if manifest.simulated else texts.say("cameras of the studio"),
        ),
    ]
    bad = [one for one in capture.pictures if one.verdict is Verdict.BAD]
    if bad:
        said = texts.count(
            len(bad), "{number} picture did not pass", "{number} pictures did not pass"
        )
        why = ", ".join(dict.fromkeys(flaw(texts, one) for one in bad))
        found.append((texts.say("Checks"), f"{said}: {why}"))
    if capture.unreadable:
        left = texts.count(
            capture.unreadable,
            "{number} picture could not be read",
            "{number} pictures could not be read",
        )
        found.append((texts.say("Left out"), left))
    if capture.withheld:
        kept = texts.count(
            capture.withheld,
            "{number} picture, for privacy",
            "{number} pictures, for privacy",
        )
        found.append((texts.say("Not shown"), kept))
    return [
        *found,
        (texts.say("Station"), manifest.station),
        (texts.say("Software"), manifest.software),
        (texts.say("Capture"), manifest.capture),
    ]


def signed(texts: Texts, capture: Capture) -> str:
    """How many of the pictures are signed."""
    number, of = sum(one.signed for one in capture.pictures), len(capture.pictures)
    if not number:
        return texts.say("no")
    if number == of:
        return texts.say("yes, every picture (C2PA)")
    return texts.say("{number} of {of} pictures (C2PA)", number=number, of=of)


def incomplete(texts: Texts, capture: Capture) -> list[str]:
    """Why a capture is not complete, in lines."""
    lines = [line for one in capture.manifest.reasons if (line := _cause(texts, one))]
    gone: Counter[PictureSet] = Counter()
    for name in capture.manifest.missing:
        match = NAME.match(name)
        if match is not None and match[1] in SETS:
            gone[PictureSet(match[1])] += 1
        else:
            lines.append(texts.say("missing: {name}", name=name))
    for one, number in gone.items():
        of = texts.say(SETS[one])
        lines.append(
            texts.count(
                number, "{number} picture missing: {of}", "{number} pictures missing: {of}", of=of
            )
        )
    return lines


def _cause(texts: Texts, reason: str) -> str:
    """A reason of the manifest in words; what an operator wrote stays as it is."""
    code, _, name = reason.partition(".")
    if code == "missing" and NAME.match(name):
        return ""  # counted among those that are missing
    if code in CAUSES:
        return texts.say(CAUSES[code], name=name)
    if code in REASONS and NAME.match(name):
        return f"{name}: {texts.say(REASONS[Reason(code)])}"
    return reason
