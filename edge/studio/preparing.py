"""A picture made ready to be shown: upright, what has to be hidden destroyed, signed.

What has to be hidden is said by the camera (`plates` or `plate` beside its file: polygons, or null
where none is seen), by the plan (`mask` of the shot, or masks by angle), or found by a finder.
Where none of them says anything the picture stays as it is, and restricted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from PIL import Image

from edge.studio.encoding import About, encode
from edge.studio.masking import PlateFinder, hide, said_by_camera
from edge.studio.processing import Prepared, Taken, untouched
from edge.studio.signing import Signer, SigningFailed
from stations.studio.jobs import Polygon, Shot
from stations.studio.manifest import Quality, Reason
from wire.pictures import PictureUnreadable, coloured, picture_of

UNSIGNED = "unsigned"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Preparing:
    """Makes a delivered picture of a frame."""

    signer: Signer | None = None
    finder: PlateFinder | None = None

    def __call__(self, source: Path, target: Path, shot: Shot, taken: Taken) -> Prepared:
        """Write the target. OSError when the disk refuses."""
        try:
            picture = coloured(picture_of(source.read_bytes()))
        except PictureUnreadable:
            as_it_is = untouched(source, target, shot, taken)
            return Prepared(as_it_is.width, as_it_is.height, True, reasons=(Reason.CORRUPT,))
        with picture:
            quality = measured(picture)
            hidden = self._hidden(picture, shot, taken.said)
            if hidden is None:
                untouched(source, target, shot, taken)
                return Prepared(*picture.size, restricted=True, quality=quality)
            hidden = hide(picture, hidden)
            about = about_of(shot, taken)
            # A file of its own: neither metadata nor an embedded thumbnail comes along.
            encode(picture, target, about)
            size = picture.size
        signed = self.signer is not None and self._sign(target, about, bool(hidden))
        flaws = (UNSIGNED,) if self.signer is not None and not signed else ()
        return Prepared(
            *size, restricted=False, quality=quality, masked=hidden, signed=signed, flaws=flaws
        )

    def _hidden(
        self, picture: Image.Image, shot: Shot, said: Mapping[str, Any]
    ) -> tuple[Polygon, ...] | None:
        """What has to be hidden, in shares of the picture; None where nobody knows."""
        if "plate" in said or "plates" in said:
            return said_by_camera(said)
        if shot.mask is not None or self.finder is None:
            return shot.mask
        found = self.finder.plates(picture)
        return None if found is None else tuple(found)

    def _sign(self, target: Path, about: About, masked: bool) -> bool:
        assert self.signer is not None, "asked by the caller"
        try:
            self.signer.sign(target, about, masked)
        except SigningFailed as error:
            log.error("a picture is not signed", why=str(error))
            return False
        return True


def about_of(shot: Shot, taken: Taken) -> About:
    """What a picture may say of itself."""
    exposure = taken.said.get("exposure_s")
    return About(
        shot.set,
        shot.index,
        taken.software,
        taken.simulated or taken.said.get("simulated") is True,
        taken.angle_deg,
        float(exposure) if isinstance(exposure, int | float) else None,
    )


def measured(picture: Image.Image) -> Quality:
    """Mean grey value and the share of pixels that are black or white."""
    counts = np.asarray(picture.convert("L").histogram(), np.float64)
    total = counts.sum()
    mean = float((counts * np.arange(256)).sum() / total)
    clipped = float((counts[0] + counts[255]) / total)
    return Quality(sharpness=None, clipped=round(clipped, 6), mean=round(mean, 3))
