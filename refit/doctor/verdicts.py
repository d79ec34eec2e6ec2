"""What a measurement means for a machine that runs for months, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from packaging.requirements import Requirement
from packaging.version import Version

MIB, GIB = 1 << 20, 1 << 30
FREE_WARN, FREE_FAIL = 5 * GIB, 512 * MIB
SYNC_WARN_MS, SYNC_FAIL_MS = 20.0, 200.0
CLOCK_WARN_MS, CLOCK_FAIL_MS = 250.0, 5_000.0
EXPIRY_WARN_DAYS = 30.0
MEMORY_MIN = 900 * MIB
OURS = ("refit", "refit.main")
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs"}
MEMORY_ONLY = {"tmpfs", "ramfs"}


class Level(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, and `advice` when it is not well."""

    level: Level
    what: str
    found: str
    advice: str = ""


def python(version: tuple[int, int, int]) -> Finding:
    """The interpreter."""
    text = ".".join(map(str, version))
    if version < (3, 11, 0):
        return Finding(Level.FAIL, "Python", text, "install Python 3.11 or newer")
    return Finding(Level.OK, "Python", text)


def packages(required: Iterable[str], installed: Mapping[str, str]) -> list[Finding]:
    """Each requirement of Refit against what is installed; well ones share a line."""
    found, well = [], 0
    for one in map(Requirement, required):
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        have = installed.get(one.name.lower().replace("_", "-"))
        want = f"{one.name} {one.specifier}".strip()
        if have is None:
            found.append(Finding(Level.FAIL, one.name, "missing", f'pip install "{want}"'))
        elif not one.specifier.contains(Version(have), prereleases=True):
            found.append(Finding(Level.FAIL, one.name, have, f'pip install "{want}"'))
        else:
            well += 1
    return [*found, Finding(Level.OK, "libraries", f"{well} as required")]


def memory(total: int) -> Finding:
    """The machine's memory in bytes."""
    text = f"{total / GIB:.1f} GiB"
    if total < MEMORY_MIN:
        return Finding(Level.WARN, "memory", text, "an agent takes about 100 MiB: give it 1 GiB")
    return Finding(Level.OK, "memory", text)


def synchronised(is_synchronised: bool, error_max_ms: float) -> Finding:
    """The kernel's opinion of its own clock (adjtimex(2))."""
    if not is_synchronised:
        return Finding(
            Level.WARN, "clock", "not synchronised",
            "samples of machines without a clock carry this one: install chrony, or name a time"
            " server in /etc/systemd/timesyncd.conf",
        )  # fmt: skip
    return Finding(Level.OK, "clock", f"synchronised to {error_max_ms:.0f} ms")


def clock_of(other: str, ahead_ms: float, uncertain_ms: float) -> Finding:
    """How far another clock is ahead of ours; the way there and back makes it uncertain."""
    what, found = f"clock of {other}", f"{ahead_ms:+.0f} ms (to {uncertain_ms:.0f} ms)"
    off = max(abs(ahead_ms) - uncertain_ms, 0.0)
    if off > CLOCK_FAIL_MS:
        return Finding(Level.FAIL, what, found, "set that clock or this one: values get its times")
    if off > CLOCK_WARN_MS:
        return Finding(Level.WARN, what, found, "give both the same time server")
    return Finding(Level.OK, what, found)


def no_clock_of(other: str, problem: str) -> Finding:
    """A server that listens and does not tell its time."""
    return Finding(
        Level.WARN, f"clock of {other}", problem,
        "it listens but gives no session: `refit check --live` says more",
    )  # fmt: skip


def folder(
    name: str, path: str, *, writable: bool, kind: str, free: int, sync_ms: float | None
) -> list[Finding]:
    """A folder in which Refit keeps what it must not lose; `kind` is the file system's."""
    if not writable:
        return [
            Finding(
                Level.FAIL, name, f"{path} cannot be written",
                f"as root: install -d -o USER {path}, with the user that runs Refit",
            )
        ]  # fmt: skip
    found = [_room(name, path, free), _file_system(name, path, kind)]
    if sync_ms is not None:
        found.append(_sync(name, sync_ms))
    return found


def _room(name: str, path: str, free: int) -> Finding:
    text = f"{free / GIB:.1f} GiB free at {path}"
    if free < FREE_FAIL:
        return Finding(Level.FAIL, name, text, "make room: a full disk stops acknowledgements")
    if free < FREE_WARN:
        return Finding(Level.WARN, name, text, "a day without the plant may need more: make room")
    return Finding(Level.OK, name, text)


def _file_system(name: str, path: str, kind: str) -> Finding:
    what = f"{name}: file system"
    if kind in REMOTE:
        return Finding(
            Level.FAIL, what, kind, f"put {path} on a disk of this machine: SQLite's WAL needs one"
        )
    if kind in MEMORY_ONLY:
        return Finding(Level.FAIL, what, kind, f"put {path} on a disk: memory is gone at a restart")
    return Finding(Level.OK, what, kind)


def _sync(name: str, sync_ms: float) -> Finding:
    what, text = f"{name}: fsync", f"{sync_ms:.1f} ms"
    if sync_ms > SYNC_FAIL_MS:
        return Finding(Level.FAIL, what, text, "too slow for a commit every 20 ms: use an SSD")
    if sync_ms > SYNC_WARN_MS:
        return Finding(Level.WARN, what, text, "commits are grouped more coarsely; an SSD helps")
    return Finding(Level.OK, what, text)


def reached(what: str, address: str, problem: str, ms: float) -> Finding:
    """Whether somebody listens there; `problem` is "" when he does."""
    if problem:
        return Finding(
            Level.FAIL, what, f"{address}: {problem}",
            "is it on, is the address right, does a firewall let us through?",
        )  # fmt: skip
    return Finding(Level.OK, what, f"{address} answers in {ms:.0f} ms")


def secured(what: str, account: str, problem: str) -> Finding:
    """Whether a server is who it says, and lets this account in; `problem` is "" when it does."""
    if problem:
        advice = "`refit certs list` says what is good; is ca_file that of the site's authority?"
        return Finding(Level.FAIL, f"{what}: TLS", f"{account}: {problem.lower()}", advice)
    return Finding(Level.OK, f"{what}: TLS", f"{account} and the {what} take each other")


def port(what: str, number: int, user: str | None) -> Finding:
    """A port that Refit will listen on; `user` is who has it now, None when it is free."""
    if number == 0:
        return Finding(Level.WARN, what, "0", "a new port at each start: give it a number")
    if user is None:
        return Finding(Level.OK, what, f"{number} is free")
    if not user:
        # Most likely the service itself, which runs as a user of its own.
        return Finding(
            Level.WARN, what, f"{number} is used by a process of another user",
            "is it Refit itself? as root the doctor says who it is",
        )  # fmt: skip
    if any(word.rpartition("/")[2] in OURS for word in user.split()):
        return Finding(Level.OK, what, f"{number} is used by {user}")
    return Finding(Level.FAIL, what, f"{number} is used by {user}", "end that or take another port")


def certificate(path: str, days_left: float) -> Finding:
    """A certificate and for how long it is still valid."""
    found = f"{path}: {days_left:.0f} days left"
    if days_left < 0:
        return Finding(Level.FAIL, "certificate", f"{path} has expired", "issue a new one")
    if days_left < EXPIRY_WARN_DAYS:
        return Finding(Level.WARN, "certificate", found, "issue a new one before it expires")
    return Finding(Level.OK, "certificate", found)


def term(what: str, path: str, days_left: float, advice: str) -> Finding:
    """A certificate or revocation list of OPC UA, and for how long it is still good."""
    name = what.removeprefix("the ")
    if days_left < 0:
        return Finding(Level.FAIL, name, f"{path} has ended", advice)
    level = Level.WARN if days_left < EXPIRY_WARN_DAYS else Level.OK
    found = f"{path}: {days_left:.0f} days left"
    return Finding(level, name, found, advice if level is Level.WARN else "")


def weak(path: str, problem: str) -> Finding:
    """A certificate that no OPC UA policy allows."""
    return Finding(Level.FAIL, "OPC UA certificate", f"{path}: {problem}", "have a new one made")


def secret(path: str, mode: int | None) -> Finding:
    """A file with a password or a key, and its permissions; None when it cannot be read."""
    if mode is None:
        return Finding(Level.FAIL, "secret", f"{path} cannot be read", "give it to Refit's user")
    if mode & 0o007:
        return Finding(Level.WARN, "secret", f"{path} is for everybody", f"chmod o-rwx {path}")
    return Finding(Level.OK, "secret", path)


def serial(path: str, *, exists: bool, usable: bool) -> Finding:
    """A serial port of a Modbus line."""
    if not exists:
        return Finding(Level.FAIL, "serial port", f"{path} is not there", "is the adapter plugged?")
    if not usable:
        advice = "add Refit's user to the group dialout"
        return Finding(Level.FAIL, "serial port", f"{path} may not be opened", advice)
    return Finding(Level.OK, "serial port", path)


def worst(findings: Iterable[Finding]) -> Level:
    """The most serious level among some findings."""
    order = list(Level)
    return max((one.level for one in findings), key=order.index, default=Level.OK)
