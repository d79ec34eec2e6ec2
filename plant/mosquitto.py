"""The configuration of a Mosquitto that serves one site: written whole, from the site file.

Whoever comes in proves who he is, and may say and hear what `wire.access` gives him. Mosquitto 2.0
grants every SUBSCRIBE and looks at the access list when it delivers: what counts is what arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from wire.access import Account, Role
from wire.site import Site

CONFIG, ACCESS = "mosquitto.conf", "access.acl"
MARK = "# Written by `refit broker-config`: change the site file and write it again."
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
PACKET_OVERHEAD_MAX = 1024 * 1024
QUEUED_MAX = 10_000
QUEUED_BYTES_MAX = 256 * 1024 * 1024
MEMORY_BYTES_MAX = 2 * 1024 * 1024 * 1024
INFLIGHT_MAX = 100
KEEPALIVE_S_MIN = 60
CONNECTIONS_MIN = 64
CONNECTIONS_EACH = 4  # an old one may still be there when the new one comes


@dataclass(frozen=True, slots=True)
class Places:
    """Where the broker finds its files, and at which address it listens ("" for all)."""

    folder: PurePosixPath
    certificates: PurePosixPath
    address: str = ""
    by_password: bool = False


def files(site: Site, accounts: Sequence[Account], places: Places) -> dict[str, str]:
    """The text of each file by its name."""
    parts = _head(site), _limits(site, accounts), _listener(site, accounts, places)
    text = "\n".join([line for part in parts for line in part] + [""])
    return {CONFIG: text, ACCESS: _access(site, accounts)}


def _head(site: Site) -> list[str]:
    return [
        MARK,
        f"# The broker of the site {site.name}. Tried with Mosquitto 2.0.11.",
        "",
        "# Each listener has accounts and rights of its own: a second one that is added here lets",
        "# nobody in because of what is written for the first.",
        "per_listener_settings true",
        "",
        "# Nothing of Refit depends on what a broker remembers: agents keep their samples until",
        "# they are confirmed, and the historian says its STATE again. So nothing is kept on disk,",
        "# and a session that was left behind (and its queue with it) is forgotten.",
        "persistence false",
        "persistent_client_expiration 1h",
        "",
        "# Values are small and are wanted at once: none waits for the next one.",
        "set_tcp_nodelay true",
        "",
        "# Whoever may no longer publish a topic is no longer heard through what he left retained.",
        "check_retain_source true",
        "",
        "# To the journal or to the container's log. No payload and no password is in there.",
        "log_dest stdout",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        "connection_messages true",
        "",
    ]


def _limits(site: Site, accounts: Sequence[Account]) -> list[str]:
    keepalive_s = max(KEEPALIVE_S_MIN, site.broker.keepalive_s)
    return [
        "# One agent that floods, or a slow listener, must not take the memory of the others.",
        "# A batch may be large (16 MiB); more than this is cut off before it is read.",
        f"message_size_limit {MESSAGE_BYTES_MAX}",
        f"max_packet_size {MESSAGE_BYTES_MAX + PACKET_OVERHEAD_MAX}",
        "# What waits for one client, QoS 1 alone: beyond it the broker drops, and what was not",
        "# confirmed is sent again by its agent.",
        f"max_queued_messages {QUEUED_MAX}",
        f"max_queued_bytes {QUEUED_BYTES_MAX}",
        f"max_inflight_messages {INFLIGHT_MAX}",
        "queue_qos0_messages false",
        f"memory_limit {MEMORY_BYTES_MAX}",
        "# A client that is gone is noticed after 1.5 times this at the latest. Only clients of",
        "# MQTT 5 can be told so; Refit's own always ask for what the site file says.",
        f"max_keepalive {keepalive_s}",
        "",
    ]  # fmt: skip


def _listener(site: Site, accounts: Sequence[Account], places: Places) -> list[str]:
    where = f"listener {site.broker.port} {places.address}".rstrip()
    each = max(CONNECTIONS_MIN, CONNECTIONS_EACH * (len(accounts)))
    return [
        "# The only door. TLS 1.2 at least, with keys that a later theft does not open.",
        where,
        "protocol mqtt",
        "tls_version tlsv1.2",
        "ciphers ECDHE+AESGCM:ECDHE+CHACHA20",
        f"certfile {places.certificates / 'broker' / 'cert.pem'}",
        f"keyfile {places.certificates / 'broker' / 'key.pem'}",
        "",
        *(_by_password(places) if places.by_password else _by_certificate(places)),
        "# The client id is the account's name: nobody can push another out by taking his id.",
        "use_username_as_clientid true",
        "allow_anonymous false",
        "allow_zero_length_clientid false",
        f"acl_file {places.folder / ACCESS}",
        f"max_connections {each}",
    ]


def _by_certificate(places: Places) -> list[str]:
    return [
        "# Whoever comes in shows a certificate of this authority, and its common name is his",
        "# account: there is no password that could be read, guessed or handed on.",
        f"cafile {places.certificates / 'ca.pem'}",
        "require_certificate true",
        "use_identity_as_username true",
        "# A stolen key: `refit certs revoke NAME`, copy crl.pem here, and restart the broker. To",
        "# reload it (SIGHUP) keeps the thief out, too, but leaves him in if he is in already.",
        f"crlfile {places.certificates / 'crl.pem'}",
        "",
    ]


def _by_password(places: Places) -> list[str]:
    return [
        "# Accounts and passwords, one line for each, made by",
        f"#   mosquitto_passwd -c {places.folder / 'passwords'} NAME   (-c for the first one only)",
        "# for every account of access.acl. Only hashes are kept; the file is the broker's alone.",
        f"password_file {places.folder / 'passwords'}",
        "",
    ]


ABOUT = {
    Role.AGENT: "An agent speaks for itself and its own stations, confirms nothing, and hears only"
    "\n# what is meant for it.",
    Role.FOREIGN: "An edge node of another maker speaks for itself and for the devices that the"
    "\n# site file names in [[foreign]].",
    Role.HISTORIAN: "The historian alone confirms (NCMD, recorded): an agent forgets what is"
    "\n# confirmed. It alone says STATE, on which all agents act.",
    Role.CONTROLLER: "The line controller alone sends commands. Without one, keep no key for it.",
    Role.VIEWER: "A viewer hears values and states, and can say nothing.",
}


def _access(site: Site, accounts: Sequence[Account]) -> str:
    lines = [
        MARK,
        f"# Who may say and hear what at the broker of the site {site.name}. What is not allowed",
        "# is refused in silence. There is no # for anybody, and no line that holds for all.",
    ]
    told: set[Role] = set()
    for account in accounts:
        lines.append("")
        if account.role not in told:
            lines.append(f"# {ABOUT[account.role]}")
            told.add(account.role)
        lines.append(f"user {account.name}")
        lines += [f"topic write {topic}" for topic in account.publishes]
        lines += [f"topic read {topic}" for topic in account.reads]
    return "\n".join(lines) + "\n"
