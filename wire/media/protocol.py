"""How files travel to the plant: what an agent and the media store must agree on, over HTTP(S).

A file is named by the SHA-256 of its bytes, 64 hexadecimal digits: `/media/<sha256>`.

| request | answer |
|---|---|
| HEAD | 200 it is there; 404 it is not, Upload-Offset says how much of it is |
| POST | the same for whoever is about to send it, 202 for 404; its grace begins anew |
| PATCH | 204 kept, Upload-Offset is the next; 201 all is there and verified |
| GET (Range, If-None-Match) | 200, 206, 304 or 416; the ETag is the hash |

POST and PATCH say Upload-Length and Upload-Type, PATCH Upload-Offset and Content-Digest too. PATCH
appends one chunk, which is on disk when it is answered. 409 says that the upload stands at another
offset, 400 that the chunk does not fit its digest, 422 that all bytes together have another
hash (what was there of it is thrown away), 413 that the file is too large, 507 that the disk is
full, 503 that others are being served. After any cut the sender asks by POST and goes on from
there. The words are those of tus 1.0 (Upload-Offset, Upload-Length, PATCH), RFC 9530
(Content-Digest) and RFC 9110.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

PREFIX = "/media/"
HASH = re.compile(r"[0-9a-f]{64}\Z")
OFFSET = "Upload-Offset"
LENGTH = "Upload-Length"
TYPE = "Upload-Type"
DIGEST = "Content-Digest"
CHUNK_TYPE = "application/offset+octet-stream"
CHUNK_BYTES_MAX = 16 << 20
READ_BYTES = 1 << 20
ANY_TYPE = "application/octet-stream"
# A file of this type, which its record says too, is read by names alone that may see such files.
RESTRICTED = "application/vnd.refit.restricted"
# What a browser may show, and how such a file ends. Anything else is bytes to be saved: a page or
# a drawing that runs scripts must not be shown by the plant's own server.
TYPES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "image/tiff": ".tif",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "application/pdf": ".pdf",
    "application/json": ".json",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "application/vnd.apache.parquet": ".parquet",
    RESTRICTED: ".restricted",
    ANY_TYPE: ".bin",
}


def known_type(type: str) -> str:
    """The media type as the store keeps it: one of TYPES, ANY_TYPE for every other."""
    word = type.partition(";")[0].strip().lower()
    return word if word in TYPES else ANY_TYPE


def type_of(name: str) -> str:
    """The media type of a file by the end of its name."""
    ending = Path(name).suffix.lower()
    same = {".jpeg": ".jpg", ".tiff": ".tif"}
    known = {end: type for type, end in TYPES.items()}
    return known.get(same.get(ending, ending), ANY_TYPE)


def chunk_digest(chunk: bytes) -> str:
    """The Content-Digest of a chunk (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(chunk).digest()).decode()}:"


def file_hash(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal; OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
