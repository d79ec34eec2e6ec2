"""The page of one vehicle: a folder that any browser shows from a disk or a server.

The vehicle is turned with smaller pictures; what is looked at closely is the file as it was
delivered, with its signature. Nothing is fetched by a script, so that it works from file://.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import orjson

from plant.pages import facts, markup, stage
from plant.pages.capture import Capture
from plant.pages.markup import Marked, Panel
from plant.pages.material import Material, Progress
from plant.pages.whole import whole_folder
from stations.studio.manifest import Picture, PictureSet
from wire.texts import Texts

MARK = "data.js"


def make_page(
    capture: Capture, folder: Path, texts: Texts, progress: Progress = lambda done, of: None
) -> Path:
    """Make the page of a capture as `folder`; its index.html.

    CaptureUnusable for pictures that cannot be had, whole.Occupied where something else is; the
    folder is there whole or as it was before.
    """
    with whole_folder(folder, MARK) as part:
        material = Material(capture, part, texts, progress)
        spin = stage.turn(material)  # first: the order of the manifest is that of the progress
        marked = _damages(material, spin)
        panels, data = _stage(material, spin, marked)
        galleries = [
            markup.gallery(title, material.shots(shown)) for title, shown in _sets(material)
        ]
        material.write("index.html", _html(material, panels, marked, galleries).encode())
        material.write("page.css", markup.web("page.css").encode())
        material.write("page.js", markup.script().encode())
        material.write(MARK, b"window.VEHICLE = " + script_json(data) + b";\n")
    return folder / "index.html"


def script_json(data: object) -> bytes:
    """JSON that can stand in a script: no text in it can end that, whatever it says."""
    text = orjson.dumps(data).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode()


def _damages(material: Material, spin: dict[str, Any] | None) -> list[Marked]:
    capture = material.capture
    pictures = {one.file: one for one in capture.pictures}
    found = []
    for number, one in enumerate(capture.damages, 1):
        frame = stage.marked_frame(one, spin, capture.manifest.frames_per_turn)
        place = spin["frames"][frame]["label"] if spin and frame is not None else ""
        photo = material.shot(pictures[one.photo]) if one.photo else None
        text, source = (facts.known(material.texts, said) for said in (one.text, one.source))
        label = f"{material.texts.say('Damage')} {number}: {text}"
        found.append(Marked(number, text, label, source, frame, place, photo, x=one.x, y=one.y))
    return found


def _stage(
    material: Material, spin: dict[str, Any] | None, marked: Sequence[Marked]
) -> tuple[list[Panel], dict[str, Any]]:
    """The panels that there are pictures for, and the data of their scripts."""
    texts, panels = material.texts, []
    if spin:
        spin["damages"] = [
            {"number": one.number, "frame": one.frame, "x": one.x, "y": one.y, "label": one.label}
            for one in marked
        ]
        panels.append(Panel("exterior", texts.say("Exterior"), markup.exterior(texts, spin)))
    panoramas, seats = stage.panoramas(material)
    if panoramas:
        panels.append(Panel("interior", texts.say("Interior"), markup.interior(texts, seats)))
    strip = stage.long_strip(material)
    if strip:
        panels.append(Panel("underbody", texts.say("Underbody"), markup.underbody(texts)))
    film = stage.film(material)
    if film:
        panels.append(Panel("film", texts.say("Film"), markup.film(texts, film)))
    data = {
        "spin": spin,
        "panoramas": panoramas,
        "strip": strip,
        "damages": [
            {"number": one.number, "label": one.label, "photo": one.photo and one.photo.src}
            for one in marked
        ],
        "texts": {
            "play": texts.say("Turn by itself"),
            "pause": texts.say("Stop turning"),
            "failed": texts.say("{number} pictures could not be loaded", number="{number}"),
        },
    }
    return panels, data


def _sets(material: Material) -> list[tuple[str, Sequence[Picture]]]:
    """The galleries that are not empty: title and pictures."""
    of, texts = material.capture.of, material.texts
    linked = {one.photo for one in material.capture.damages}
    spheres = stage.spheres(material)
    found: list[tuple[str, Sequence[Picture]]] = [
        (texts.say("Views"), of(PictureSet.HERO)),
        (
            texts.say("Close-ups of damages"),
            [one for one in of(PictureSet.DAMAGE) if one.file not in linked],
        ),
        (texts.say("Wheels and treads"), of(PictureSet.WHEEL, PictureSet.TREAD)),
        (texts.say("Interior"), [one for one in of(PictureSet.INTERIOR) if one not in spheres]),
        (texts.say("Details"), of(PictureSet.DETAIL)),
        (texts.say("Engine and boot"), of(PictureSet.ENGINE, PictureSet.BOOT)),
        (texts.say("Underbody"), of(PictureSet.UNDERBODY)[1:]),
    ]
    return [(title, shown) for title, shown in found if shown]


def _html(
    material: Material, panels: Sequence[Panel], marked: Sequence[Marked], galleries: Sequence[str]
) -> str:
    texts, capture = material.texts, material.capture
    manifest = capture.manifest
    heading = texts.say("Vehicle {name}", name=manifest.visit or manifest.capture)
    tabs, bodies = markup.stage(texts, panels)
    when = texts.moment(manifest.started)
    parts = {
        "title": escape(heading),
        "heading": escape(heading),
        "subtitle": escape(texts.say("Studio inspection of {when}", when=when)),
        "badges": markup.badges(*facts.badges(texts, capture)),
        "notices": "\n".join(markup.notice(*one) for one in facts.notices(texts, capture)),
        "tabs": tabs,
        "panels": bodies,
        "damages": markup.damages(texts, marked),
        "facts": markup.facts(texts.say("This capture"), facts.rows(texts, capture)),
        "galleries": f'<div class="sets">{"".join(galleries)}</div>' if galleries else "",
        "footer": escape(
            texts.say("Large pictures are the files as the studio delivered them, unchanged.")
        ),
    }
    return markup.whole(texts, parts)
