"""The MQTT broker of a site, or its several servers, and how each who comes in does so."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from wire.site.connections import Account
from wire.site.problems import Wrong
from wire.site.values import FilePath, Name, Port, split_url

BROKER = "mqtts://broker.example:8883"
OWN_NAME = "{name}"
OF_EACH = ("username", "password_file", "password_env", "cert_file", "key_file")


def _port_of(url: str) -> int:
    parts = split_url(url, ("mqtt", "mqtts"), BROKER)
    return parts.port or (8883 if parts.scheme == "mqtts" else 1883)


def _server_url(text: str) -> str:
    split_url(text, ("mqtt", "mqtts"), BROKER)
    return text


def _broker_url(text: str) -> str:
    return text if text == "embedded" else _server_url(text)


class BrokerConfig(Account):
    """The MQTT broker between the agents and the plant."""

    url: Annotated[str, AfterValidator(_broker_url)] = Field(
        default="embedded",
        description='"embedded" (starts one on this machine), mqtt://HOST:PORT or mqtts://HOST:PORT',
    )
    port: Port = Field(
        default=1883, description="port of the embedded broker; otherwise it is in the url"
    )
    others: tuple[Annotated[str, AfterValidator(_server_url)], ...] = Field(
        default=(),
        strict=False,
        description="more MQTT servers, as urls: the historian is at all of them, an agent at one, "
        "and goes to the next when that one or the historian there is away",
    )
    version: Literal["3.1.1", "5"] = Field(default="3.1.1", description="version of MQTT")
    keepalive_s: int = Field(default=15, ge=1, le=3600, validation_alias="keepalive",
        description="seconds of silence after which the broker declares an agent dead",
    )  # fmt: skip
    packet_max: int | None = Field(default=None, ge=1024, le=268_435_455,
        description="bytes of the largest packet that the broker takes: give it where it is below 1"
        " MiB, since only a broker of MQTT 5 says it, and only when a session begins",
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
            port = _port_of(url)
        except Wrong:
            return data  # the url's own check says what is wrong
        if "port" in data:
            raise Wrong("port belongs to the embedded broker", "write the port into the url")
        return {**data, "port": port}

    @model_validator(mode="after")
    def _check_files(self) -> BrokerConfig:
        if (self.cert_file is None) != (self.key_file is None):
            raise Wrong("has one of cert_file and key_file", "give both")
        if (self.ca_file or self.cert_file) and not self.tls:
            raise Wrong("has certificates and a url without TLS", 'begin the url with "mqtts://"')
        if self.others and self.embedded:
            raise Wrong("has others beside the embedded broker", "give a url, too")
        if any(one.startswith("mqtts://") != self.tls for one in self.others):
            raise Wrong("has servers with and without TLS", "begin all urls alike")
        places = [(one.host, one.port) for one in self.servers]
        if len(set(places)) < len(places):
            raise Wrong("names one server twice", "leave it out of others")
        return self

    @property
    def servers(self) -> tuple[BrokerConfig, ...]:
        """This server and the others, each as if it were the only one."""
        first = self.model_copy(update={"others": ()})
        return first, *(
            first.model_copy(update={"url": url, "port": _port_of(url)}) for url in self.others
        )

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
