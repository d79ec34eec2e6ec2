"""The databases of a store: they are made when they are missing and the account may make them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import orjson
import structlog

from plant.stores.influx.answers import words_of
from plant.stores.influx.client import Client
from plant.stores.influx.deliver import Missing
from plant.stores.influx.influxql import identifier
from plant.stores.influx.victoria import kept_ms
from plant.stores.store import StoreRefuses

MEANS = "_1m"
POLICY = "refit"
HOUR_MS, MINUTE_MS, SECOND_MS = 3_600_000, 60_000, 1_000
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")

log = structlog.get_logger("store")


def prepare(client: Client, keep_ms: int, keep_means_ms: int) -> int:
    """Have both databases; how long the server keeps samples, ms (0: for ever, or unknown).

    StoreRefuses with what is to be done when the account may not make them.
    """
    databases = ((client.database, keep_ms), (client.database + MEANS, keep_means_ms))
    kept = [_prepare(client, name, keep) for name, keep in databases]
    return kept[0]


def _prepare(client: Client, database: str, keep_ms: int) -> int:
    match client.version:
        case "1" | "1.8":
            statement = (
                f"CREATE DATABASE {identifier(database)} WITH DURATION {keep_ms // HOUR_MS}h"
                f" REPLICATION 1 NAME {identifier(POLICY)}"
            )
            try:
                kept = _policy(client, database)
                if kept is None:
                    client.ask([statement])
                    log.info("a database was made", database=database, keep_h=keep_ms // HOUR_MS)
                    kept = keep_ms
            except StoreRefuses as error:
                advice = f"let an administrator run {statement}, and grant all on it"
                raise StoreRefuses(f"{error}; {advice}") from error
        case "victoria":
            return kept_ms(client)
        case "2":
            kept = _bucket(client, database, keep_ms)
        case _:
            return 0  # they make a database when it is written to, and know its age themselves
    if kept != keep_ms:
        log.warning(
            "the database keeps samples for another time than the site file says",
            database=database, kept_h=kept // HOUR_MS, wanted_h=keep_ms // HOUR_MS,
        )  # fmt: skip
    return kept


def _policy(client: Client, database: str) -> int | None:
    """How long the default retention policy keeps, ms; None when there is no such database."""
    try:
        found = client.ask([f"SHOW RETENTION POLICIES ON {identifier(database)}"])[0]
    except Missing:
        return None
    for table in found:
        place = {name: index for index, name in enumerate(table["columns"])}
        for row in table.get("values", ()):
            if row[place["default"]]:
                return _duration_ms(row[place["duration"]])
    raise StoreRefuses(
        f"{client.address}: the database {database} has no default retention policy; run"
        f" ALTER RETENTION POLICY ... ON {identifier(database)} DEFAULT"
    )


def _duration_ms(text: str) -> int:
    found = _DURATION.match(text)
    parts = [int(part or 0) for part in found.groups()] if found else [0, 0, 0]
    return parts[0] * HOUR_MS + parts[1] * MINUTE_MS + parts[2] * SECOND_MS


def _bucket(client: Client, name: str, keep_ms: int) -> int:
    """Have a bucket of InfluxDB 2 and the mapping by which InfluxQL finds it."""
    org = _get(client, f"/api/v2/orgs?org={_quote(client.org)}").get("orgs") or []
    if not org:
        raise StoreRefuses(
            f"{client.address}: there is no organisation {client.org} (HTTP 404), or this is no"
            ' InfluxDB 2: then write version = "1.8" or "1"'
        )
    org_id = org[0]["id"]
    found = _get(client, f"/api/v2/buckets?orgID={org_id}&name={_quote(name)}").get("buckets")
    if not found:
        rules = [{"type": "expire", "everySeconds": keep_ms // 1000}]
        bucket = {"orgID": org_id, "name": name, "retentionRules": rules}
        advice = f"influx bucket create --name {name} --retention {keep_ms // HOUR_MS}h"
        made = _post(client, "/api/v2/buckets", bucket, advice)
        found = [made]
        log.info("a bucket was made", bucket=name, keep_h=keep_ms // HOUR_MS)
    bucket_id = found[0]["id"]
    mapped = _get(client, f"/api/v2/dbrps?orgID={org_id}&db={_quote(name)}").get("content")
    if not mapped:
        mapping = {
            "orgID": org_id, "bucketID": bucket_id, "database": name,
            "retention_policy": POLICY, "default": True,
        }  # fmt: skip
        advice = f"influx v1 dbrp create --db {name} --rp {POLICY} --bucket-id {bucket_id}"
        _post(client, "/api/v2/dbrps", mapping, f"{advice} --default")
    rules = [rule for rule in found[0].get("retentionRules", ()) if rule.get("type") == "expire"]
    return 1000 * int(rules[0]["everySeconds"]) if rules else 0


def _get(client: Client, path: str) -> dict[str, Any]:
    status, body = client.request("GET", path)
    if status == 404:
        return {}
    if status != 200:
        raise client.trouble(status, words_of(body))
    found: dict[str, Any] = orjson.loads(body)
    return found


def _post(client: Client, path: str, told: dict[str, Any], advice: str) -> dict[str, Any]:
    status, body = client.request("POST", path, orjson.dumps(told), "application/json")
    if status not in (200, 201):
        error = client.trouble(status, words_of(body))
        raise type(error)(f"{error}; let an administrator run: {advice}") from error
    made: dict[str, Any] = orjson.loads(body)
    return made


def _quote(text: str) -> str:
    return quote(text, safe="")
