"""What a site file writes as text: durations, sizes, names, paths, URLs."""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from wire.site.problems import Wrong, closest

PART_MAX = 255  # bytes of a file name, by ext4 and NTFS
UNITS_MS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
UNITS_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)\Z")
DURATION_HINT = 'write a number and ms, s, min, h or d, such as "500 ms" or "2 s"'
SIZE_HINT = 'write a number and B, KiB, MiB or GiB, such as "512 MiB"'
# Sparkplug 3.0, 4.2 forbids + / # in ids; control characters are forbidden in MQTT topics.
# What stands between a user and the @; a password may have any signs in it.
PASSWORD = re.compile(r"://[^@\s/:]*:(\S*)@")
NAME_BREAKS = re.compile(r"[+/#\x00-\x1f\x7f-\x9f]")


def duration_ms(text: str) -> int:
    """Whole milliseconds of `500 ms`, `2 s`, `1 min`, `1.5 h` or `7 d`; otherwise Wrong."""
    return _amount(text, UNITS_MS, "a duration", DURATION_HINT)


def size_bytes(text: str) -> int:
    """Bytes of `512 MiB` or `1 GiB`; Wrong when it is no size."""
    return _amount(text, UNITS_BYTES, "a size", SIZE_HINT)


def _amount(text: str, units: dict[str, int], thing: str, hint: str) -> int:
    match = AMOUNT.match(text.strip())
    if match is None:
        raise Wrong(f'"{text}" is not {thing}', hint)
    if match[2] not in units:
        raise Wrong(f'"{text}" has no unit that is known here', hint)
    amount = float(match[1]) * units[match[2]]
    if amount != int(amount):
        raise Wrong(f'"{text}" is finer than what is kept here', hint)
    return int(amount)


def name_of(text: str) -> str:
    """The name, when it may stand in topics and as a Sparkplug id; otherwise Wrong."""
    if not text.strip():
        raise Wrong("a name must not be empty", 'write one such as "line-1"')
    found = NAME_BREAKS.search(text)
    if found or text != text.strip():
        legal = NAME_BREAKS.sub("-", text.strip())
        broken = f"contains {found[0]!r}" if found else "begins or ends with a space"
        raise Wrong(f'"{text}" {broken}, which a name in a topic must not', f'write "{legal}"')
    if text.upper() == "STATE":
        raise Wrong('"STATE" is a word of the topics', "choose another name")
    return text


def refuse_password(text: str) -> None:
    """Wrong when a URL has a password; the words do not repeat it."""
    found = PASSWORD.search(text)
    if found and not re.match(r"\d+[/?#]", found[1]):
        raise Wrong(
            "a password does not stand in a url",
            'write password_file = "FILE" or password_env = "VARIABLE"',
        )


def split_url(text: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The parts of a URL with one of these schemes, a host and a legal port; otherwise Wrong."""
    refuse_password(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Wrong(f'"{text}" is not a URL: {error}', f'write it like "{example}"') from error
    if "://" not in text or parts.scheme not in schemes:
        near = closest(parts.scheme, schemes) if parts.scheme else ""
        raise Wrong(
            f'"{text}" does not begin with {" or ".join(f"{one}://" for one in schemes)}',
            near if near.startswith("did") else f'write it like "{example}"',
        )
    if not parts.hostname:
        raise Wrong(f'"{text}" names no host', f'write it like "{example}"')
    if port == 0:
        raise Wrong(f'"{text}" has port 0', "a port is 1 to 65535")
    return parts


def _duration(value: Any, info: ValidationInfo) -> Any:
    if info.context and isinstance(value, int | float) and not isinstance(value, bool):
        raise Wrong(f"{value} is a number without a unit", f'write it like "{value} ms"')
    if info.context and not isinstance(value, str):
        raise Wrong("is no duration", DURATION_HINT)
    milliseconds = duration_ms(value) if isinstance(value, str) else value
    if milliseconds == 0:
        raise Wrong(f'"{value}" is no time at all', DURATION_HINT)
    return milliseconds


def _size(value: Any) -> Any:
    return size_bytes(value) if isinstance(value, str) else value


def _path(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str | Path):
        return value
    if not str(value).strip():
        raise Wrong("a path must not be empty")
    if "\0" in str(value) or any(len(os.fsencode(one)) > PART_MAX for one in Path(value).parts):
        raise Wrong("no file can have this name", f"each part has at most {PART_MAX} bytes")
    folder = (info.context or {}).get("folder")
    return (Path(folder) / value).absolute() if folder else Path(value)


def _address(value: Any) -> Any:
    if isinstance(value, str):
        try:
            IPv4Address(value)
        except ValueError as error:
            hint = 'write one of this machine, such as "127.0.0.1", or "0.0.0.0" for all'
            raise Wrong(f'"{value}" is no IPv4 address', hint) from error
    return value


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError as error:
        hint = 'write its first address and its length, such as "10.0.0.0/24"'
        raise Wrong(f'"{value}" is no network', hint) from error


def _line(value: Any) -> Any:
    return name_of(value) if isinstance(value, str) and value else value


def _name(value: Any) -> Any:
    return name_of(value) if isinstance(value, str) else value


Name = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": r"^[^+/#]+$"})
]
Line = Annotated[
    str, BeforeValidator(_line), WithJsonSchema({"type": "string", "pattern": r"^[^+/#]*$"})
]
DurationMs = Annotated[
    int,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? *(ms|s|min|h|d)$"}),
]
SizeBytes = Annotated[
    int,
    BeforeValidator(_size),
    Field(ge=1),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^\d+(\.\d+)? *([KMG]i)?B$"}),
]
FilePath = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string"})]
Address = Annotated[
    str, BeforeValidator(_address), WithJsonSchema({"type": "string", "format": "ipv4"})
]
Networks = tuple[Annotated[str, AfterValidator(_network)], ...]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrFree = Annotated[int, Field(ge=0, le=65535)]
