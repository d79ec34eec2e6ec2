"""The description of a plant: TOML read into frozen models, every error at its place."""

from wire.site.brokers import BrokerConfig
from wire.site.connections import ModbusConfig, OpcuaConfig
from wire.site.databases import StoreConfig
from wire.site.documents import Overrides
from wire.site.http import HttpConfig
from wire.site.ledger import LedgerConfig
from wire.site.lines import LineConfig, ShiftConfig
from wire.site.load import Examined, examine, load, write_copy
from wire.site.media import MediaConfig
from wire.site.models import AgentConfig, HistorianConfig, OutboxConfig, Site, StationConfig
from wire.site.problems import Problem, SiteError

__all__ = [
    "AgentConfig",
    "BrokerConfig",
    "Examined",
    "HistorianConfig",
    "HttpConfig",
    "LedgerConfig",
    "LineConfig",
    "MediaConfig",
    "ModbusConfig",
    "OpcuaConfig",
    "OutboxConfig",
    "Overrides",
    "Problem",
    "ShiftConfig",
    "Site",
    "SiteError",
    "StationConfig",
    "StoreConfig",
    "examine",
    "load",
    "write_copy",
]
