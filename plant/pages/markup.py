"""The HTML of a vehicle page. Whatever comes from a capture is escaped here, and only here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from wire.texts import Texts

WEB = Path(__file__).parent / "web"
SCRIPTS = ("spin.js", "panorama.js", "strip.js", "start.js")
ICONS = {
    "play": '<path d="M7 5v14l11-7z"/>',
    "plus": '<circle cx="11" cy="11" r="6"/><path d="m20 20-4.5-4.5M11 8.5v5M8.5 11h5"/>',
    "minus": '<circle cx="11" cy="11" r="6"/><path d="m20 20-4.5-4.5M8.5 11h5"/>',
    "screen": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
    "left": '<path d="m15 5-7 7 7 7"/>',
    "right": '<path d="m9 5 7 7-7 7"/>',
    "find": '<circle cx="12" cy="12" r="7"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4"/>',
    "close": '<path d="M6 6l12 12M18 6 6 18"/>',
    "theme": '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>',
}


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture in a gallery: `src` as delivered, `small` to look over, `flaw` what is wrong."""

    src: str
    small: str
    title: str
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """A damage: `frame` of the turn shows it at `x`, `y`; None when that frame is missing.

    `place` says from where that is, empty for None.
    """

    number: int
    text: str
    label: str
    source: str
    frame: int | None
    place: str
    photo: Shot | None
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of the stage: `name` is that of its script, `body` its HTML."""

    name: str
    title: str
    body: str


def icon(name: str) -> str:
    """A drawing for a button, which says nothing to those who do not see it."""
    return f'<svg viewBox="0 0 24 24" aria-hidden="true">{ICONS[name]}</svg>'


def button(action: str, label: str, drawing: str, more: str = "") -> str:
    """A round button that scripts find by `data-do`."""
    said = escape(label)
    return (
        f'<button class="icon" type="button" data-do="{action}" aria-label="{said}"'
        f' title="{said}"{more}>{icon(drawing)}</button>'
    )


def stage(texts: Texts, panels: Sequence[Panel]) -> tuple[str, str]:
    """The tabs and the panels of the stage."""
    buttons = "".join(
        f'<button role="tab" type="button" id="tab-{one.name}" data-part="{one.name}"'
        f' aria-controls="panel-{one.name}" aria-selected="{str(not number).lower()}"'
        f' tabindex="{-1 if number else 0}">{escape(one.title)}</button>'
        for number, one in enumerate(panels)
    )
    bodies = "\n".join(
        f'<div class="panel {"spin" if one.name == "exterior" else one.name}"'
        f' id="panel-{one.name}" role="tabpanel" aria-labelledby="tab-{one.name}"'
        f"{' hidden' if number else ''}>\n{one.body}\n</div>"
        for number, one in enumerate(panels)
    )
    label = escape(texts.say("What is shown"))
    return f'<div class="tabs" role="tablist" aria-label="{label}">{buttons}</div>', bodies


def exterior(texts: Texts, spin: Mapping[str, Any]) -> str:
    """The turn: its first picture at once, the others by the script; dots on the dial: damages."""
    frames, first = spin["frames"], spin["first"]
    last = max(len(frames) - 1, 1)
    places = sorted({one["frame"] for one in spin["damages"] if one["frame"] is not None})
    dots = "".join(f'<i style="--at:{one / last:.4f}"></i>' for one in places)
    view = escape(texts.say("The vehicle from all sides: drag, or use the arrow keys"))
    return f"""<div class="view" style="--shape:{frames[first]["shape"]}" tabindex="0" role="group"
 aria-label="{view}">
<div class="layer">
<img class="frame on" src="{frames[first]["src"]}" alt="" fetchpriority="high"></div>
<div class="ring" role="progressbar" aria-label="{escape(texts.say("Pictures loaded"))}"
 aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"><svg viewBox="0 0 40 40">
<circle cx="20" cy="20" r="16"/><circle class="arc" cx="20" cy="20" r="16" pathLength="100"/></svg>
</div>
<p class="said" role="status"></p>
</div>
<div class="controls">
{button("play", texts.say("Turn by itself"), "play", ' aria-pressed="false"')}
<span class="dial">{dots}<input type="range" min="0" max="{len(frames) - 1}" step="1"
 value="{first}"
 aria-label="{escape(texts.say("Direction of view"))}"></span>
<span class="angle" aria-hidden="true"></span>
{_zoom(texts)}
</div>"""


def interior(texts: Texts, seats: Sequence[str]) -> str:
    """The panorama, with a button for each place from which there is one."""
    view = escape(texts.say("The interior all around: drag, or use the arrow keys"))
    chosen = "".join(
        f'<button type="button" data-seat="{number}" aria-pressed="{str(not number).lower()}">'
        f"{escape(title)}</button>"
        for number, title in enumerate(seats)
    )
    kinds = f'<div class="seats">{chosen}</div>' if len(seats) > 1 else ""
    return f"""<div class="view" tabindex="0" role="group" aria-label="{view}">
<div class="cube"></div></div>
<div class="controls">{kinds}<span class="hint">{escape(texts.say("Drag to look around"))}</span>
{_zoom(texts)}</div>"""


def underbody(texts: Texts) -> str:
    """The strip of the underbody."""
    view = escape(texts.say("The underbody from below: drag, or use the arrow keys"))
    hint = escape(texts.say("Front on the left; drag to move along"))
    return f"""<div class="view" tabindex="0" role="group" aria-label="{view}">
<div class="tiles"></div></div>
<div class="controls"><span class="hint">{hint}</span>
{_zoom(texts)}</div>"""


def film(texts: Texts, src: str) -> str:
    """The video of the turn."""
    label = escape(texts.say("Film of the turn"))
    return (
        f'<video controls muted loop playsinline preload="none" src="{escape(src)}"'
        f' aria-label="{label}"></video>'
    )


def _zoom(texts: Texts) -> str:
    return (
        button("farther", texts.say("Zoom out"), "minus")
        + button("nearer", texts.say("Zoom in"), "plus")
        + button("screen", texts.say("Whole screen"), "screen")
    )


def gallery(title: str, shots: Sequence[Shot]) -> str:
    """A set of pictures; each is a link to the picture as it was delivered."""
    links = "".join(
        f'<li><a href="{escape(one.src)}" data-title="{escape(one.title)}">'
        f'<img src="{escape(one.small)}" alt="" loading="lazy">'
        f"<span>{escape(one.title)}{_flaw(one)}</span></a></li>"
        for one in shots
    )
    return (
        f'<section class="set"><h2>{escape(title)}</h2><ul class="gallery">{links}</ul></section>'
    )


def _flaw(shot: Shot) -> str:
    return f' <b class="flaw">{escape(shot.flaw)}</b>' if shot.flaw else ""


def damages(texts: Texts, marked: Sequence[Marked]) -> str:
    """The list of damages, each with its close-up and the way to where it is seen."""
    title = escape(texts.say("Damages"))
    if not marked:
        none = escape(texts.say("None was recorded with this capture."))
        return f'<section><h2>{title}</h2><p class="none">{none}</p></section>'
    rows = "".join(_damage(texts, one) for one in marked)
    return f"<section><h2>{title} ({len(marked)})</h2><ul>{rows}</ul></section>"


def _damage(texts: Texts, one: Marked) -> str:
    find = ""
    if one.place:
        label = escape(f"{texts.say('Show on the vehicle')}: {one.text}")
        find = (
            f'<button class="find" type="button" data-do="find" aria-label="{label}"'
            f' title="{escape(texts.say("Show on the vehicle"))}">'
            f"{icon('find')}{escape(one.place)}</button>"
        )
    photo = ""
    if one.photo:
        label = escape(f"{texts.say('Close-up')}: {one.text}")
        photo = (
            f'<a href="{escape(one.photo.src)}" data-do="photo" aria-label="{label}">'
            f'<img src="{escape(one.photo.small)}" alt="" loading="lazy"></a>'
        )
    return (
        f'<li class="damage" id="damage-{one.number}" data-damage-item="{one.number}">'
        f'<span class="number" aria-hidden="true">{one.number}</span>'
        f"<div><p>{escape(one.text)}</p><small>{escape(one.source)}</small></div>"
        f"{photo}{find}</li>"
    )


def facts(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """What is known about the capture."""
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return f'<section class="facts"><h2>{escape(title)}</h2><dl>{lines}</dl></section>'


def badges(plain: Iterable[str], warning: Iterable[str]) -> str:
    """The few words beside the title."""
    return "".join(
        f'<li class="badge{kind}">{escape(word)}</li>'
        for kind, words in ((" warn", warning), ("", plain))
        for word in words
    )


def notice(text: str, lines: Sequence[str] = ()) -> str:
    """Something that must be known before the pictures are looked at."""
    listed = "".join(f"<li>{escape(one)}</li>" for one in lines)
    return (
        f'<div class="notice"><p>{escape(text)}</p>{f"<ul>{listed}</ul>" if listed else ""}</div>'
    )


def whole(texts: Texts, parts: dict[str, str]) -> str:
    """The page of its parts, which are HTML already."""
    said = {
        "language": texts.language,
        "skip": texts.say("To the pictures"),
        "theme": texts.say("Light or dark"),
        "stage": texts.say("Pictures of the vehicle"),
        "original_size": texts.say("Original size"),
        "before": texts.say("Previous picture"),
        "after": texts.say("Next picture"),
        "find": '<circle cx="12" cy="12" r="7"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4"/>',
        "close": texts.say("Close"),
        "picture": texts.say("Picture"),
        "noscript": texts.say("Turning the vehicle needs JavaScript; all else is here without it."),
    }
    drawn = {f"icon_{name}": icon(name) for name in ICONS}
    words = {name: escape(text) for name, text in said.items()}
    return Template(web("page.html")).substitute(words | drawn | parts)


def script() -> str:
    """All scripts of a page, in their order."""
    return "\n".join(web(name) for name in SCRIPTS)


@cache
def web(name: str) -> str:
    """A file of the folder `web`."""
    return (WEB / name).read_text(encoding="utf-8")
