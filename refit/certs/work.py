"""What the commands do: certificates made, changed and taken back in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from refit.certs import making
from refit.certs.folder import CA, CRL, PEM, Folder
from refit.certs.making import CertError, PublicKey, Use, Whom

Progress = Callable[[int, int], None]
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """A certificate as `list` shows it; `current`: it is the one that its name has now."""

    name: str
    use: str
    serial: str
    until: str
    days: int
    current: bool
    revoked: bool


def begin(path: Path, name: str, permitted: Iterable[str], days: int) -> datetime:
    """A new authority in a new folder; until when it is good."""
    now = making.now()
    made = making.authority(name, permitted, days, now)
    Folder(path).begin(made, making.revocations(made, [], 1, now))
    return made.certificate.not_valid_after_utc


def issue(
    path: Path, whose: Sequence[Whom], days: int, told: Progress, *, skip: bool
) -> tuple[list[Path], list[str]]:
    """Keys and certificates; where they are, and who has a good one and keeps it.

    Without `skip` somebody who has a good one is an error. A key is never written over: only one
    whose certificate is revoked or has ended is replaced.
    """
    folder, now = Folder(path), making.now()
    by = folder.authority()
    made, kept = [], []
    with folder.changing():
        dead = _revoked(folder)
        for count, whom in enumerate(whose):
            told(count, len(whose))
            old = folder.certificate(whom.name)
            if old is not None and old.not_valid_after_utc > now and old.serial_number not in dead:
                if not skip:
                    raise CertError(
                        f"{whom.name} has one until {old.not_valid_after_utc:%Y-%m-%d}:"
                        f" `refit certs renew {whom.name}`"
                    )
                kept.append(whom.name)
                continue
            if old is None and folder.key(whom.name) is not None:
                raise CertError(
                    f"{whom.name} has a key here that waits for its certificate: sign its request"
                )
            key = making.new_key(whom.use)
            signed = making.certificate(by, whom, key.public_key(), days, now)
            made.append(folder.keep(signed, whom.name, key))
    return made, kept


def renew(
    path: Path, names: Sequence[str], within: int, days: int, told: Progress, *, new_key: bool
) -> tuple[list[Path], list[str]]:
    """New certificates for these names, or for all that end soon; and whose key is elsewhere."""
    folder, now = Folder(path), making.now()
    by = folder.authority()
    made, elsewhere = [], []
    with folder.changing():
        dead = _revoked(folder)
        whose = list(names) or _ending(folder, dead, now, within)
        for count, name in enumerate(whose):
            told(count, len(whose))
            old = folder.certificate(name)
            if old is None:
                raise CertError(f"{name} has no certificate here: `refit certs issue {name}`")
            key = folder.key(name)
            if key is None:
                elsewhere.append(name)
                continue
            if old.serial_number in dead and not new_key:
                raise CertError(f"{name}'s certificate is revoked: renew it with --new-key")
            whom = making.whom_of(old)
            key = making.new_key(whom.use) if new_key else key
            signed = making.certificate(by, whom, key.public_key(), days, now)
            made.append(folder.keep(signed, name, key))
    return made, elsewhere


def revoke(path: Path, names: Sequence[str]) -> list[tuple[str, int]]:
    """Take back all certificates of these names or serial numbers; which they were."""
    folder, now = Folder(path), making.now()
    by = folder.authority()
    with folder.changing():
        crl = folder.crl()
        dead = {one.serial_number for one in crl}
        issued = folder.issued()
        found = []
        for name in names:
            ours = [
                one for one in issued
                if name in (making.common_name(one), f"{one.serial_number:x}")
                or (len(name) >= 16 and f"{one.serial_number:040x}".startswith(name))
            ]  # fmt: skip
            if not ours:
                known = ", ".join(sorted({making.common_name(one) for one in issued}))
                raise CertError(f'nothing was ever issued to "{name}"; known are {known}')
            found += [one for one in ours if one.serial_number not in dead]
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
        entries = [*crl, *(making.revoked(one.serial_number, now) for one in found)]
        new = making.revocations(by, entries, number, now)
        folder.replace(CRL, new.public_bytes(PEM))
    return [(making.common_name(one), one.serial_number) for one in found]


def listed(path: Path) -> list[Row]:
    """Every certificate ever issued, by name, the newest first."""
    folder, now = Folder(path), making.now()
    folder.ca()
    dead = _revoked(folder)
    rows = []
    for one in folder.issued():
        whom = making.whom_of(one)
        current = folder.certificate(whom.name)
        left_s = (one.not_valid_after_utc - now).total_seconds()
        rows.append(Row(
            whom.name, whom.use.value, f"{one.serial_number:040x}",
            f"{one.not_valid_after_utc:%Y-%m-%d}", int(left_s // DAY_S),
            current is not None and current.serial_number == one.serial_number,
            one.serial_number in dead,
        ))  # fmt: skip
    return sorted(rows, key=lambda row: (row.name, not row.current, -row.days))


def request(path: Path, name: str, *, rsa: bool, new_key: bool) -> tuple[Path, str]:
    """A request for a certificate and the fingerprint of its key, which stays here."""
    folder = Folder(path)
    with folder.changing():
        key = None if new_key else folder.key(name)
        if key is None:
            key = making.new_key(Use.OPCUA if rsa else None)
        following = new_key and folder.key(name) is not None
        asked = making.request(name, key).public_bytes(PEM)
        file = folder.ask(name, asked, key, following=following)
    return file, making.fingerprint(key.public_key())


def sign(path: Path, whom: Whom, file: Path, days: int, to: Path | None) -> tuple[Path, str]:
    """Sign a request for a name; where the certificate is, and the fingerprint of its key."""
    folder, now = Folder(path), making.now()
    by = folder.authority()
    try:
        asked = x509.load_pem_x509_csr(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CertError(f"{file} is no request: {error}") from error
    if not asked.is_signature_valid:
        raise CertError(f"{file} was changed on its way: its signature is not right")
    if making.common_name(asked) != whom.name:
        raise CertError(f'{file} asks in the name of "{making.common_name(asked)}"')
    key = _usable(asked.public_key(), str(file))
    with folder.changing():
        signed = making.certificate(by, whom, key, days, now)
        kept = folder.keep(signed, whom.name, None) / "cert.pem"
    if to is not None:
        to.write_bytes(signed.public_bytes(PEM))
    return to or kept, making.fingerprint(key)


def take(path: Path, name: str, file: Path, ca: Path | None) -> Path:
    """Put a signed certificate beside the key that asked for it; where."""
    folder = Folder(path)
    try:
        signed = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CertError(f"{file} is no certificate: {error}") from error
    if making.common_name(signed) != name:
        raise CertError(f'{file} is for "{making.common_name(signed)}"')
    with folder.changing():
        if ca is not None and not (path / CA).exists():
            folder.replace(CA, ca.read_bytes())
        try:
            signed.verify_directly_issued_by(folder.ca())
        except (InvalidSignature, ValueError, TypeError) as error:
            raise CertError(f"{file} was not signed by the authority of {path / CA}") from error
        for following in (False, True):
            key = folder.key(name, following=following)
            if key is not None and making.fingerprint(key.public_key()) == making.fingerprint(
                _usable(signed.public_key(), str(file))
            ):
                folder.put(signed, name, key)
                if following:
                    folder.forget_next(name)
                return path / name
    raise CertError(f"{file} belongs to no key of {name} that is in {path}")


def _ending(folder: Folder, dead: set[int], now: datetime, within: int) -> list[str]:
    found = {}
    for one in folder.issued():
        name = making.common_name(one)
        current = folder.certificate(name)
        if current is not None and current.serial_number not in dead:
            left_s = (current.not_valid_after_utc - now).total_seconds()
            if left_s < within * DAY_S:
                found[name] = True
    return sorted(found)


def _revoked(folder: Folder) -> set[int]:
    return {one.serial_number for one in folder.crl()}


def _usable(key: object, what: str) -> PublicKey:
    if isinstance(key, PublicKey):
        bits = key.key_size
        if bits >= 2048 or (bits in (256, 384, 521)):
            return key
    raise CertError(f"{what}: a key of a kind or size that is not used here")
