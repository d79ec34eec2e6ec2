"""The description of a plant: TOML read into frozen models, every error at its place."""

from wire.site.connections import (
    BrokerConfig,
    LedgerConfig,
    ModbusConfig,
    OpcuaConfig,
    StoreConfig,
)  # fmt: skip
from wire.site.load import Overrides, load
from wire.site.models import AgentConfig, HistorianConfig, OutboxConfig, Site, StationConfig
from wire.site.problems import Problem, SiteError

__all__ = [
    "AgentConfig",
    "BrokerConfig",
    "HistorianConfig",
    "LedgerConfig",
    "ModbusConfig",
    "OpcuaConfig",
    "OutboxConfig",
    "Overrides",
    "Problem",
    "Site",
    "SiteError",
    "StationConfig",
    "StoreConfig",
    "load",
]
