"""How to reach the broker and the machines of a site."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
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
from wire.site.values import DurationMs, FilePath, Name, Port, split_url

BROKER = "mqtts://broker.example:8883"
OWN_NAME = "{name}"
OF_EACH = ("username", "password_file", "password_env", "cert_file", "key_file")
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


def _broker_url(text: str) -> str:
    if text != "embedded":
        split_url(text, ("mqtt", "mqtts"), BROKER)
    return text


class BrokerConfig(Account):
    """The MQTT broker between the agents and the plant."""

    url: Annotated[str, AfterValidator(_broker_url)] = Field(
        default="embedded",
        description='"embedded" (starts one on this machine), mqtt://HOST:PORT or mqtts://HOST:PORT',
    )
    port: Port = Field(
        default=1883, description="port of the embedded broker; otherwise it is in the url"
    )
    version: Literal["3.1.1", "5"] = Field(default="3.1.1", description="version of MQTT")
    keepalive_s: int = Field(default=15, ge=1, le=3600, validation_alias="keepalive",
        description="seconds of silence after which the broker declares an agent dead",
    )  # fmt: skip
    username: str | None = Field(
        default=None,
        description="account at the broker; {name} in here and in the files below stands for the "
        "name of the agent or historian that comes in, so that all share one site file",
    )
    ca_file: FilePath | None = Field(
        default=None, description="certificates of the authorities to trust"
    )
    cert_file: FilePath | None = Field(default=None, description="own certificate")
    key_file: FilePath | None = Field(default=None, description="key of the own certificate")
    controller: Name = Field(
        default="line-controller", description="the one account that may send commands to agents"
    )
    viewers: tuple[Name, ...] = Field(
        default=("viewer",), strict=False, description="accounts that may listen and say nothing"
    )

    @model_validator(mode="before")
    @classmethod
    def _take_port(cls, data: Any) -> Any:
        url = data.get("url") if isinstance(data, dict) else None
        if not isinstance(url, str) or not url.startswith(("mqtt://", "mqtts://")):
            return data
        try:
            parts = split_url(url, ("mqtt", "mqtts"), BROKER)
        except Wrong:
            return data  # the url's own check says what is wrong
        if "port" in data:
            raise Wrong("port belongs to the embedded broker", "write the port into the url")
        return {**data, "port": parts.port or (8883 if parts.scheme == "mqtts" else 1883)}

    @model_validator(mode="after")
    def _check_files(self) -> BrokerConfig:
        if (self.cert_file is None) != (self.key_file is None):
            raise Wrong("has one of cert_file and key_file", "give both")
        if (self.ca_file or self.cert_file) and not self.tls:
            raise Wrong("has certificates and a url without TLS", 'begin the url with "mqtts://"')
        return self

    def of(self, name: str) -> BrokerConfig:
        """The same for one who comes in: `{name}` is the name of that agent or historian."""
        found = {key: getattr(self, key) for key in OF_EACH}
        return self.model_copy(
            update={
                key: type(value)(str(value).replace(OWN_NAME, name))
                for key, value in found.items()
                if value is not None
            }
        )

    @property
    def embedded(self) -> bool:
        """True when the historian (or `refit broker`) starts the broker itself."""
        return self.url == "embedded"

    @property
    def host(self) -> str:
        """The broker's host; 127.0.0.1 for the embedded one."""
        return "127.0.0.1" if self.embedded else urlsplit(self.url).hostname or ""

    @property
    def tls(self) -> bool:
        """True when the connection is encrypted."""
        return self.url.startswith("mqtts://")


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
