"""The manifest: what one capture of one visit consists of, picture by picture.

It is written last and atomically, and lies beside its pictures as `manifest.json`. Its words are
those of OPC 40100-1 where that has one (recipe, job, partial, simulated).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]
"""x to the right and y downward from the upper left corner, as shares of width and height."""


class PictureSet(StrEnum):
    """The sets of a shot plan. File names are `{set}/{set}_{index:03d}_{angle:05.1f}.jpg`."""

    SPIN = "spin"
    HERO = "hero"
    INTERIOR = "interior"
    DETAIL = "detail"
    WHEEL = "wheel"
    TREAD = "tread"
    UNDERBODY = "underbody"
    ENGINE = "engine"
    BOOT = "boot"
    DAMAGE = "damage"
    VIN = "vin"


class Verdict(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNREADABLE = "unreadable"


class Reason(StrEnum):
    """Why a picture is not good."""

    BLURRED = "blurred"
    CLIPPED = "clipped"
    DARK = "dark"
    REPEATED = "repeated"
    OFF_ANGLE = "off_angle"
    CROPPED = "cropped"
    CORRUPT = "corrupt"


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quality(_Fact):
    """What was measured on one picture.

    `sharpness` over the limit of its set (below 1: blurred), `clipped` the share of pixels at 0 or
    255, `mean` the mean grey value 0 to 255, `box` of the vehicle (left, top, right, bottom).
    """

    sharpness: float | None
    clipped: float | None
    mean: float | None
    box: tuple[Share, Share, Share, Share] | None = None


class Picture(_Fact):
    """One delivered picture. `sha256` and `bytes` are of the file as delivered.

    `angle_deg` is latched by the encoder, None where the set does not turn. `masked` are the
    polygons that were destroyed. A `restricted` picture is never published.
    """

    file: str
    set: PictureSet
    index: int
    angle_deg: float | None = None
    planned_deg: float | None = None
    camera: str
    trigger: int | None = None
    time: datetime | None = None
    exposure_s: float | None = None
    title: str | None = None
    width: int
    height: int
    type: Literal["image/jpeg", "image/png", "image/webp"] = "image/jpeg"
    sha256: str
    bytes: int
    quality: Quality | None = None
    verdict: Verdict = Verdict.GOOD
    reasons: tuple[Reason, ...] = ()
    masked: tuple[tuple[Point, ...], ...] = ()
    restricted: bool = False
    signed: bool = False


class Damage(_Fact):
    """A marker on the spin: where a damage is seen, and the close-up that shows it."""

    id: str
    frame_angle_deg: float
    x: Share
    y: Share
    text: str
    photo: str | None = None
    source: str


class Recipe(_Fact):
    """The shot plan, and its version."""

    id: str
    version: int


class Manifest(_Fact):
    """One capture. `rotation` +1: the vehicle turns clockwise seen from above.

    `frontal_frame` is the index of the spin's picture that shows the front; `reasons` say why the
    capture is not complete; `missing` are planned pictures (`spin_007`) that are not there.
    """

    version: Literal[1] = 1
    capture: str
    visit: str | None
    station: str
    recipe: Recipe
    software: str
    started: datetime
    ended: datetime
    rotation: Literal[1, -1] = 1
    frames_per_turn: int
    frontal_frame: int = 0
    simulated: bool
    complete: bool
    reasons: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    pictures: tuple[Picture, ...]
    damages: tuple[Damage, ...] = ()
    video: str | None = None
