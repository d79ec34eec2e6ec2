"""The sessions of one inspection station, as its site file says."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from edge.inspection.adapter import Adapter, Reader
from edge.inspection.file_drop import FileDrop
from edge.inspection.line_server import LineServer
from edge.inspection.session import InspectionSession, PutRecord
from edge.inspection.shelf import Shelf
from edge.inspection.webhook import Hook, Webhook, token_of
from stations.inspection.codes import MachineKind
from stations.inspection.facts import MachineConfig, Plan
from stations.inspection.identity import KEY_BYTES_MIN
from stations.inspection.session_record import draft_by
from wire.clock import Clock
from wire.rule_sets import newest
from wire.site import StationConfig
from wire.site.http import HttpConfig
from wire.site.inspections import DAY_MS
from wire.site.lines import zone_of
from wire.site.problems import Wrong
from wire.tls import server_context


def make(
    config: StationConfig, folder: Path, put_record: PutRecord, clock: Clock, http: HttpConfig
) -> InspectionSession | None:
    """The sessions of a station, None where it has no machines. OSError, Wrong, TlsError."""
    if not config.machines or config.inspection is None:
        return None
    plan = plan_of(config)
    ways = config.machines.items()
    return InspectionSession(
        config.name,
        plan,
        Shelf(folder / config.name),
        clock,
        list(adapters(config, plan, http)),
        put_record,
        draft_by(newest()),
        vin_key(config.inspection.vin_key_file),
        own_folders=frozenset(name for name, one in ways if one.folder is not None),
        tagged=frozenset(name for name, one in ways if one.tags),
    )


def plan_of(config: StationConfig) -> Plan:
    """What the site file says, without its ways and files."""
    inspection = config.inspection
    assert inspection is not None, "checked by the site file"
    machines = {
        name: MachineConfig(
            name=name,
            kind=MachineKind(one.kind),
            serial=one.serial,
            model=one.model,
            calibration_days=None
            if one.calibration_every_ms is None
            else one.calibration_every_ms // DAY_MS,
            names_session=one.names_session,
            zero=one.zero,
        )
        for name, one in config.machines.items()
    }
    return Plan(
        machines=machines,
        inspectors=inspection.inspectors,
        centre=inspection.centre,
        session_ms_max=inspection.session_max_ms,
        step_ms_max=inspection.step_max_ms,
    )


def adapters(config: StationConfig, plan: Plan, http: HttpConfig) -> list[Adapter]:
    """One for each machine with a folder or a port of its own, one for all webhooks."""
    inspection = config.inspection
    assert inspection is not None
    found: list[Adapter] = []
    hooks = {}
    for name, one in config.machines.items():
        zone: tzinfo = zone_of(one.zone)
        reader = Reader(plan.machines[name], zone)
        if one.folder is not None:
            found.append(FileDrop(reader, one.folder))
        elif one.tcp is not None:
            found.append(LineServer(reader, inspection.listen, one.tcp))
        elif one.token_file is not None:
            token_of(one.token_file)
            hooks[name] = Hook(reader, one.token_file)
    if hooks and inspection.port is not None:
        context = None
        if http.cert_file is not None and http.key_file is not None:
            context = server_context(http.cert_file, http.key_file)
        found.append(Webhook(hooks, inspection.listen, inspection.port, context))
    return found


def vin_key(file: Path | None) -> bytes | None:
    """The key by which VINs are compared; None where there is none. Wrong when it is too short."""
    if file is None:
        return None
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        hint = "make it with: openssl rand -hex 32"
        raise Wrong(f"vin_key_file {file} cannot be read: {error.strerror}", hint) from error
    if len(key) < KEY_BYTES_MIN:
        raise Wrong(f"the key in {file} has less than {KEY_BYTES_MIN} bytes", "make it longer")
    return key
