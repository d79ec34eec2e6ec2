"""How to reach the broker and the machines of a site."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from wire.site.addresses import NODE_ID
from wire.site.problems import Wrong, closest
from wire.site.values import DurationMs, FilePath, split_url

POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
MODES = ("Sign", "SignAndEncrypt")
SERIAL = {
    "baud": ("1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200"),
    "parity": ("N", "E", "O"),
    "stop": ("1", "2"),
}


class Part(BaseModel):
    """What all parts of a site have in common: immutable, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Account(Part):
    """A part with a user and a password, which is kept in a file or an environment variable."""

    password_file: FilePath | None = Field(
        default=None, description="file whose text is the password"
    )
    password_env: str | None = Field(
        default=None, description="environment variable with the password"
    )

    @model_validator(mode="after")
    def _one_password(self) -> Account:
        if self.password_file and self.password_env:
            raise Wrong("has password_file and password_env", "give one of the two")
        return self

    def password(self) -> str | None:
        """The password, read now; None when none is given, Wrong when its source has none."""
        if self.password_env:
            if self.password_env not in os.environ:
                raise Wrong(f"the environment has no {self.password_env}", "set the variable")
            return os.environ[self.password_env]
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Wrong(f"{self.password_file} cannot be read: {error}") from error


def _opcua_url(text: str) -> str:
    split_url(text, ("opc.tcp",), "opc.tcp://10.0.0.5:4840")
    return text


def _security(text: str) -> str:
    if text == "None":
        return text
    policy, _, mode = (word.strip() for word in text.partition(","))
    policy = policy.replace("_", "")  # the standard writes Aes256_Sha256_RsaPss
    hint = 'write "None" or "Basic256Sha256,SignAndEncrypt"'
    if policy not in POLICIES:
        raise Wrong(f'"{policy}" is no security policy', closest(policy, ("None", *POLICIES)))
    if mode not in MODES:
        raise Wrong(f'"{text}" does not say {" or ".join(MODES)}', hint)
    return f"{policy},{mode}"


def _root(text: str) -> str:
    if re.match(r"(ns|nsu)=", text) and not NODE_ID.match(text):
        if re.match(r"nsu=[^;]+;[^;=]+\Z", text) or re.match(r"ns=\d+;[^;=]+\Z", text):
            return text
        raise Wrong(f'"{text}" is no place', 'write "nsu=urn:maker;Studio1" or "ns=3;s=Studio1"')
    return text


@dataclass(frozen=True, slots=True)
class Pki:
    """A folder of certificates, own and trusted, and how `refit trust` is told of it.

    Where that is is no part of what a site says: copies of a site are equal.
    """

    folder: Path = field(compare=False)
    words: str = field(compare=False)


class OpcuaConfig(Account):
    """The OPC UA server of a station."""

    url: Annotated[str, AfterValidator(_opcua_url)] = Field(description="opc.tcp://HOST:PORT/PATH")
    root: Annotated[str, AfterValidator(_root)] = Field(
        default="", description="where browse paths begin: a NodeId or a path below Objects"
    )
    security: Annotated[str, AfterValidator(_security)] = Field(
        default="None",
        description='"None", or policy and mode such as "Basic256Sha256,SignAndEncrypt"',
    )
    publishing_ms: DurationMs = Field(
        default=100,
        validation_alias="publishing",
        description="how often the server reports changes",
    )
    bridge_ms: DurationMs = Field(
        default=10_000,
        validation_alias="bridge",
        description="how long an absence of the agent the server's queues are asked to bridge",
    )
    user: str | None = Field(default=None, description="account at the server")
    user_cert_file: FilePath | None = Field(
        default=None, description="certificate of the user, instead of user and password"
    )
    user_key_file: FilePath | None = Field(default=None, description="key of that certificate")
    cert_file: FilePath | None = Field(
        default=None,
        description="own certificate, when security asks for one; by default the agent makes one",
    )
    key_file: FilePath | None = Field(default=None, description="key of the own certificate")
    cert_host: str | None = Field(
        default=None,
        description="host that the server's certificate names, where that of the url is another;"
        ' "*" for any',
    )
    writes: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="commands whose nodes may be written, one by one; none by default",
    )
    _pki: Pki | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _fit_together(self) -> OpcuaConfig:
        for first, second in (("cert_file", "key_file"), ("user_cert_file", "user_key_file")):
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                raise Wrong(f"has one of {first} and {second}", "give both")
        if self.user and self.user_cert_file:
            raise Wrong("has user and user_cert_file", "give one of the two")
        return self

    def keep_in(self, pki: Pki) -> OpcuaConfig:
        """Say where its certificates are kept; once, by whoever has read the site file."""
        self._pki = pki
        return self

    @property
    def pki(self) -> Pki | None:
        """Where certificates are kept; that of its agent."""
        return self._pki

    @property
    def host(self) -> str:
        """The server's host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The server's port; 4840 unless the url says another."""
        return urlsplit(self.url).port or 4840


def _modbus_url(text: str) -> str:
    if not text.startswith("rtu:"):
        split_url(text, ("tcp",), "tcp://10.0.0.6:502")
        return text
    device, _, query = text[4:].partition("?")
    if not device:
        raise Wrong(f'"{text}" names no serial port', 'write it like "rtu:/dev/ttyUSB0?baud=9600"')
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in SERIAL:
            raise Wrong(f'"{key}" is no setting of a serial line', closest(key, SERIAL))
        if value not in SERIAL[key]:
            raise Wrong(f'{key} must not be "{value}"', f"known are {', '.join(SERIAL[key])}")
    return text


class ModbusConfig(Part):
    """One Modbus connection of a station."""

    url: Annotated[str, AfterValidator(_modbus_url)] = Field(
        description="tcp://HOST:PORT, or rtu:DEVICE?baud=9600&parity=N&stop=1"
    )
    unit: int = Field(default=1, ge=0, le=255, description="unit identifier of the device")
    every_ms: DurationMs = Field(
        default=1000, validation_alias="every", description="interval between readings"
    )
    timeout_ms: DurationMs = Field(
        default=1000, validation_alias="timeout", description="how long to wait for an answer"
    )
    writes: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="commands whose registers may be written, one by one; none by default, and"
        " this version writes nothing at all",
    )

    @property
    def serial(self) -> bool:
        """True for a serial line (RTU), False for TCP."""
        return self.url.startswith("rtu:")

    @property
    def host(self) -> str:
        """The device's host; empty for a serial line."""
        return "" if self.serial else urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The device's port (502 unless the url says another); 0 for a serial line."""
        return 0 if self.serial else urlsplit(self.url).port or 502

    @property
    def device(self) -> str:
        """The serial port, such as /dev/ttyUSB0; empty for TCP."""
        return self.url[4:].partition("?")[0] if self.serial else ""

    @property
    def baudrate(self) -> int:
        """Bits per second of the serial line."""
        return int(self._setting("baud", "9600"))

    @property
    def parity(self) -> str:
        """N, E or O."""
        return self._setting("parity", "N")

    @property
    def stopbits(self) -> int:
        """1 or 2."""
        return int(self._setting("stop", "1"))

    def _setting(self, key: str, default: str) -> str:
        return dict(parse_qsl(self.url.partition("?")[2])).get(key, default)
