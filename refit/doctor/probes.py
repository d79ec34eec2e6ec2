"""Looking at the machine: clock, disks, ports, files. Nothing is changed but a file of a moment."""

from __future__ import annotations

import ctypes
import os
import socket
import ssl
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import distributions, requires
from pathlib import Path

import psutil
from pydantic import BaseModel

CONNECT_S = 3.0
ALERT_S = 1.0
SYNCS = 8
NOT_SYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


def required() -> list[str]:
    """What Refit needs, as its metadata says."""
    return requires("refit") or []


def installed() -> dict[str, str]:
    """Version of every installed package, by its name in lower case with hyphens."""
    return {
        one.metadata["Name"].lower().replace("_", "-"): one.version
        for one in distributions()
        if one.metadata["Name"]
    }


class _Timex(ctypes.Structure):
    """The head of the kernel's struct timex, with room for the rest."""

    _fields_ = [
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("rest", ctypes.c_byte * 256),
    ]  # fmt: skip


def clock() -> tuple[bool, float]:
    """Whether the kernel holds its clock for synchronised, and its largest error in ms."""
    timex = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    return 0 <= state != NOT_SYNCHRONISED, timex.maxerror / 1000


def existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())


def writable(path: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself can."""
    return os.access(existing(path), os.W_OK | os.X_OK)


def file_system(path: Path) -> str:
    """The kind of file system on which a path lies, such as `ext4`."""
    real = existing(path).resolve()
    mounts = [
        (len(one.mountpoint), one.fstype)
        for one in psutil.disk_partitions(all=True)
        if real.is_relative_to(one.mountpoint)
    ]
    return max(mounts, default=(0, "unknown"))[1]


def free(path: Path) -> int:
    """Bytes that may still be written there."""
    return psutil.disk_usage(str(existing(path))).free


def sync_ms(path: Path) -> float | None:
    """The median time in ms to write a page to the disk; None where there is no such folder."""
    if not path.is_dir() or not os.access(path, os.W_OK):
        return None
    with tempfile.TemporaryFile(dir=path) as file:
        times = []
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def connect(host: str, port: int) -> tuple[str, float]:
    """What is wrong with a connection ("" when nothing is), and how long it took in ms."""
    began = time.perf_counter()
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except OSError as error:
        return (error.strerror or str(error)).lower(), 1000 * (time.perf_counter() - began)
    return "", 1000 * (time.perf_counter() - began)


def tls(host: str, port: int, context: ssl.SSLContext) -> str:
    """What is wrong with TLS there, by the server's word or by ours; "" when nothing is."""
    try:
        with (
            socket.create_connection((host, port), CONNECT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            secured.settimeout(ALERT_S)
            # In TLS 1.3 a server looks at the client's certificate when we are through already.
            secured.recv(1)
    except TimeoutError:
        return ""  # it waits for us to begin
    except (OSError, ValueError) as error:
        return getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
    return ""


def listener(port: int) -> str | None:
    """Who listens at a TCP port of this machine, None when nobody does.

    "" when it is a process of another user, which only root may look at.
    """
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr[1] == port:
            try:
                return " ".join(psutil.Process(one.pid).cmdline()[:3]) if one.pid else ""
            except psutil.Error:
                return ""
    return None


def days_left(path: Path) -> list[float]:
    """For how many days each certificate of a PEM or DER file is still valid."""
    from cryptography import x509

    data = path.read_bytes()
    pem = b"-----BEGIN" in data
    found = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
    now = datetime.now(UTC)
    return [(one.not_valid_after_utc - now).total_seconds() / 86_400 for one in found]


def mode(path: Path) -> int | None:
    """The permissions of a file, None when it cannot be read."""
    return path.stat().st_mode if os.access(path, os.R_OK) else None


def serial(path: str) -> tuple[bool, bool]:
    """Whether a serial port is there, and whether we may use it."""
    return Path(path).exists(), os.access(path, os.R_OK | os.W_OK)


def leaves(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Every value of nested models and the name under which it stands."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from leaves(getattr(value, name), name)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner, key)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, key)
    else:
        yield key, value
