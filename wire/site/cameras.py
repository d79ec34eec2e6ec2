"""The cameras of a studio, its shot plan, and how long what they delivered is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from wire.site.connections import Account, Part
from wire.site.documents import Document
from wire.site.positions import Key
from wire.site.problems import Problem, Wrong
from wire.site.values import DurationMs, FilePath, split_url

if TYPE_CHECKING:
    from wire.site.models import StationConfig

STILL = "http://10.0.4.21/onvif/snapshot"
COUNT = r"(?:.*\D)?(?P<count>\d{1,12})\.(?:jpe?g|JPE?G|png|webp)"


def _still_url(text: str) -> str:
    split_url(text, ("http", "https"), STILL)
    return text


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groupindex
    except re.error as error:
        raise Wrong(
            f'"{text}" is no regular expression: {error}', f"write it like '{COUNT}'"
        ) from (error)
    if "count" not in groups:
        raise Wrong(f'"{text}" has no group "count"', r"write (?P<count>\d+) where the number is")
    return text


class CameraConfig(Account):
    """One camera of a studio: it delivers into a folder, or is asked over HTTP."""

    folder: FilePath | None = Field(
        default=None,
        description="folder into which it delivers a file for each trigger, whose name has the"
        " camera's own running count",
    )
    pattern: Annotated[str, AfterValidator(_pattern)] = Field(
        default=COUNT,
        description="regular expression of the whole file name, with a group `count`; for a folder"
        " that cameras share it begins with what is this camera's own",
    )
    url: Annotated[str, AfterValidator(_still_url)] | None = Field(
        default=None,
        description="still image over HTTP (ONVIF snapshot), asked for while the table stands;"
        " {set}, {index} and {visit} in it are filled in",
    )
    user: str | None = Field(default=None, description="account at the camera (basic or digest)")
    simulator: Annotated[str, AfterValidator(_still_url)] | None = Field(
        default=None,
        description="for simulated machines alone: where the simulated camera is told of triggers",
    )

    @model_validator(mode="after")
    def _one_way(self) -> CameraConfig:
        if (self.folder is None) == (self.url is None):
            raise Wrong("has to have folder or url", f'write folder = "FOLDER" or url = "{STILL}"')
        return self


class CaptureConfig(Part):
    """What a studio shoots, and what becomes of it."""

    plan: FilePath = Field(description="the shot plan, a TOML file")
    originals_ms: DurationMs | None = Field(
        default=None,
        validation_alias="originals",
        description="how long the pictures as the cameras delivered them are kept in the agent's"
        " folder; without it they are removed when the result is safe",
    )
    sign_certificate_file: FilePath | None = Field(
        default=None,
        description="certificates (PEM, the leaf first) with which delivered pictures are signed"
        " (C2PA, extra c2pa)",
    )
    sign_key_file: FilePath | None = Field(
        default=None, description="the P-256 key of the first of them (PEM, without a password)"
    )

    @model_validator(mode="after")
    def _both(self) -> CaptureConfig:
        if (self.sign_certificate_file is None) != (self.sign_key_file is None):
            hint = "write sign_certificate_file and sign_key_file, or neither"
            raise Wrong("has one half of what signing needs", hint)
        return self


def problems(document: Document, key: Key, config: StationConfig) -> Iterator[Problem]:
    """What does not fit in the cameras of one station."""
    if not config.cameras and config.capture is None:
        return
    if config.kind != "studio":
        what = f"a {config.kind} has no cameras"
        hint = 'remove cameras and capture, or write kind = "studio"'
        yield document.problem((*key, "cameras"), what, hint)
        return
    if config.capture is None:
        hint = 'write [station.capture] with plan = "FILE.toml"'
        yield document.problem((*key, "capture"), "is missing where there are cameras", hint)
        return
    if not config.cameras:
        hint = 'write [station.cameras.NAME] with folder = "FOLDER"'
        yield document.problem((*key, "cameras"), "is missing where there is a capture", hint)
    if not config.capture.plan.is_file():
        what = f"there is no file {config.capture.plan}"
        hint = f"paths are relative to {document.folder}"
        yield document.problem((*key, "capture", "plan"), what, hint)
    if config.opcua is None:
        hint = "write opcua: the capture follows the controller's tags"
        yield document.problem((*key, "opcua"), "is missing where there are cameras", hint)
    if pair := _shared(config.cameras):
        what = f"nobody can tell its files from those of {pair[0]}"
        hint = "give each its own folder, or a pattern that begins with its own name"
        yield document.problem((*key, "cameras", pair[1], "folder"), what, hint)


def _shared(cameras: dict[str, CameraConfig]) -> tuple[str, str] | None:
    """Two cameras whose files cannot be told apart; None when there are none."""
    known: dict[tuple[str, str], str] = {}
    for name, camera in cameras.items():
        if camera.folder is not None:
            other = known.setdefault((str(camera.folder), camera.pattern), name)
            if other != name:
                return other, name
    return None
