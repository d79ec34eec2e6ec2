"""The session of one studio, as its site file says."""

from __future__ import annotations

from pathlib import Path

import structlog

from edge.sources.opcua_commands import OpcuaCommands
from edge.studio import video
from edge.studio.camera import Camera
from edge.studio.folder_camera import FolderCamera
from edge.studio.judging import Judge
from edge.studio.output import Output, PutRecord
from edge.studio.plans import read_job
from edge.studio.preparing import Preparing
from edge.studio.session import StudioSession
from edge.studio.shelf import Shelf
from edge.studio.signing import Signer, read_signer
from edge.studio.still_camera import StillCamera
from wire.clock import Clock
from wire.site import StationConfig
from wire.site.cameras import CaptureConfig

log = structlog.get_logger()


def make(
    config: StationConfig, folder: Path, put_record: PutRecord, clock: Clock, software: str
) -> StudioSession | None:
    """The session of a station, None where it has no cameras. OSError, Wrong."""
    if not config.cameras or config.capture is None or config.opcua is None:
        return None
    shelf = Shelf(folder / config.name)
    commands = OpcuaCommands(config.name, config.opcua, config.declaration.commands)
    kept_ms = config.capture.originals_ms
    prepare = Preparing(signer_of(config.capture))
    if not video.is_possible():
        log.warning("no film of the turn: it needs the extra studio", station=config.name)
    output = Output(
        config.name, software, put_record, kept_ms, prepare,
        film=video.film if video.is_possible() else None,
    )  # fmt: skip
    cameras = [camera(name, config, shelf) for name in config.cameras]
    return StudioSession(
        config.name, read_job(config), cameras, shelf, clock, commands, output, Judge()
    )


def signer_of(config: CaptureConfig) -> Signer | None:
    """Who signs the pictures; None where nobody does. Wrong."""
    if config.sign_certificate_file is None or config.sign_key_file is None:
        return None
    return read_signer(config.sign_certificate_file, config.sign_key_file)


def camera(name: str, config: StationConfig, shelf: Shelf) -> Camera:
    """One camera as the site file says: a folder, or a still image over HTTP."""
    one = config.cameras[name]
    if one.folder is not None:
        return FolderCamera(name, one.folder, one.pattern)
    return StillCamera(name, one, shelf.folder / "fetched")
