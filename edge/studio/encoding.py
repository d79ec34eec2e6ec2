"""From pixels to a delivered JPEG: EXIF and XMP of our own, and nothing of what the camera wrote.

Neither says whose vehicle it is: no VIN, plate, position or person, and no time of day.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from PIL import Image

from stations.studio.manifest import PictureSet

QUALITY = 90
SOFTWARE, EXPOSURE, DESCRIPTION = 0x0131, 0x829A, 0x010E
EXIF_BLOCK = 0x8769
CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
SIMULATED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
XMP = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"
{properties}/>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True, slots=True)
class About:
    """What may be said in a picture of itself."""

    set: PictureSet
    index: int
    software: str
    simulated: bool
    angle_deg: float | None = None
    exposure_s: float | None = None

    @property
    def source_type(self) -> str:
        """How it came to be, in the words of the IPTC."""
        return SIMULATED if self.simulated else CAPTURED

    @property
    def words(self) -> str:
        """What it shows, for a person."""
        angle = "" if self.angle_deg is None else f" at {self.angle_deg:.1f} degrees"
        return f"{self.set} {self.index}{angle}" + (", simulated" if self.simulated else "")


def encode(picture: Image.Image, target: Path, about: About) -> None:
    """Write the picture. OSError when the disk refuses."""
    # Pillow writes what it has read, a comment above all, unless it has forgotten it.
    colours = picture.info.get("icc_profile")
    picture.info = {}
    own = {"exif": exif_of(about), "xmp": xmp_of(about, picture.size)}
    picture.save(target, "JPEG", quality=QUALITY, icc_profile=colours, **own)


def exif_of(about: About) -> Image.Exif:
    """The EXIF data of a picture that stands upright."""
    exif = Image.Exif()
    exif[SOFTWARE], exif[DESCRIPTION] = about.software, about.words
    if about.exposure_s is not None and about.exposure_s > 0:
        exif.get_ifd(EXIF_BLOCK)[EXPOSURE] = about.exposure_s
    return exif


def xmp_of(about: About, size: tuple[int, int]) -> bytes:
    """The XMP packet; of a panorama it says how much of the sphere it shows."""
    properties = {
        "xmp:CreatorTool": about.software,
        "Iptc4xmpExt:DigitalSourceType": about.source_type,
    }
    if about.set is PictureSet.INTERIOR:
        properties |= panorama(*size)
    lines = (f" {name}={quoteattr(value)}" for name, value in properties.items())
    return XMP.format(properties="\n".join(lines)).encode()


def panorama(width: int, height: int) -> dict[str, str]:
    """GPano of an equirectangular picture all around; a lower one is cut off above and below.

    Nothing of a picture that is higher than half its width: it is no such panorama.
    """
    full = width // 2
    if height > full:
        return {}
    numbers = {
        "FullPanoWidthPixels": width, "FullPanoHeightPixels": full,
        "CroppedAreaImageWidthPixels": width, "CroppedAreaImageHeightPixels": height,
        "CroppedAreaLeftPixels": 0, "CroppedAreaTopPixels": (full - height) // 2,
    }  # fmt: skip
    said = {f"GPano:{name}": str(number) for name, number in numbers.items()}
    return {"GPano:ProjectionType": "equirectangular", "GPano:UsePanoramaViewer": "True"} | said
