"""What each measurement means, at its limits."""

from __future__ import annotations

import pytest

from refit.doctor import verdicts
from refit.doctor.verdicts import GIB, MIB, Finding, Level, worst

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL


def levels(findings: list[Finding]) -> list[Level]:
    return [one.level for one in findings]


@pytest.mark.parametrize(("version", "level"), [((3, 10, 14), FAIL), ((3, 11, 0), OK)])
def test_python(version: tuple[int, int, int], level: Level) -> None:
    assert verdicts.python(version).level is level


def test_packages_that_are_missing_old_or_too_new_are_named_with_what_to_install() -> None:
    required = [
        "numpy~=2.2",
        "rich>=13.9",
        "PyYAML~=6.0",
        'pyarrow>=18; extra == "parquet"',
        "typer",
    ]
    installed = {"numpy": "3.0", "rich": "14.1", "typer": "0.1"}
    found = verdicts.packages(required, installed)
    assert [(one.level, one.what, one.found) for one in found] == [
        (FAIL, "numpy", "3.0"),
        (FAIL, "PyYAML", "missing"),
        (OK, "libraries", "2 as required"),
    ]
    assert found[1].advice == 'pip install "PyYAML ~=6.0"'


def test_a_clock_that_nobody_sets_is_a_warning() -> None:
    assert verdicts.synchronised(True, 12.0) == Finding(OK, "clock", "synchronised to 12 ms")
    assert verdicts.synchronised(False, 0.0).level is WARN


@pytest.mark.parametrize(
    ("ahead_ms", "level"), [(0, OK), (-340, OK), (351, WARN), (-5_101, FAIL), (86_400_000, FAIL)]
)
def test_another_clock_is_off_only_beyond_what_is_uncertain(ahead_ms: float, level: Level) -> None:
    assert verdicts.clock_of("store", ahead_ms, 100.0).level is level


@pytest.mark.parametrize(
    ("free", "kind", "sync_ms", "expected"),
    [
        (9 * GIB, "ext4", 3.0, [OK, OK, OK]),
        (4 * GIB, "ext4", 25.0, [WARN, OK, WARN]),
        (100 * MIB, "nfs4", 250.0, [FAIL, FAIL, FAIL]),
        (9 * GIB, "tmpfs", None, [OK, FAIL]),
    ],
)
def test_a_folder(free: int, kind: str, sync_ms: float | None, expected: list[Level]) -> None:
    found = verdicts.folder("outbox", "/x", writable=True, kind=kind, free=free, sync_ms=sync_ms)
    assert levels(found) == expected


def test_a_folder_that_cannot_be_written_is_one_finding() -> None:
    found = verdicts.folder("outbox", "/x", writable=False, kind="ext4", free=1, sync_ms=None)
    assert levels(found) == [FAIL]
    assert "install -d" in found[0].advice


@pytest.mark.parametrize(
    ("number", "user", "level"),
    [
        (0, None, WARN),
        (9101, None, OK),
        (9101, "python /usr/local/lib/refit/bin/refit historian", OK),
        (9101, "python -m refit.main", OK),
        (9101, "/srv/refit/bin/python -m http.server", FAIL),
        (9101, "nginx", FAIL),
        (9101, "", WARN),  # as who is not root sees the service of the user refit
    ],
)
def test_a_port(number: int, user: str | None, level: Level) -> None:
    assert verdicts.port("port", number, user).level is level


@pytest.mark.parametrize(("days", "level"), [(400.0, OK), (29.9, WARN), (-0.1, FAIL)])
def test_a_certificate(days: float, level: Level) -> None:
    assert verdicts.certificate("ca.pem", days).level is level


@pytest.mark.parametrize(("mode", "level"), [(0o100640, OK), (0o100644, WARN), (None, FAIL)])
def test_a_secret(mode: int | None, level: Level) -> None:
    assert verdicts.secret("pw", mode).level is level


def test_a_serial_port_that_is_gone_is_another_matter_than_one_without_rights() -> None:
    assert "plugged" in verdicts.serial("/dev/ttyUSB0", exists=False, usable=False).advice
    assert "dialout" in verdicts.serial("/dev/ttyUSB0", exists=True, usable=False).advice
    assert verdicts.serial("/dev/ttyUSB0", exists=True, usable=True).level is OK


def test_whoever_answers_is_well_and_whoever_does_not_is_named_with_his_address() -> None:
    assert verdicts.reached("broker", "h:1883", "", 2.0).found == "h:1883 answers in 2 ms"
    bad = verdicts.reached("broker", "h:1883", "connection refused", 1.0)
    assert (bad.level, bad.found) == (FAIL, "h:1883: connection refused")


def test_every_finding_that_is_not_well_says_what_to_do() -> None:
    bad = [
        verdicts.python((3, 9, 0)), verdicts.memory(MIB), verdicts.synchronised(False, 0),
        verdicts.port("p", 0, None), verdicts.secret("s", None), verdicts.certificate("c", -1),
    ]  # fmt: skip
    assert all(one.advice for one in bad)


def test_the_worst_counts() -> None:
    assert worst([]) is OK
    assert worst([Finding(WARN, "a", ""), Finding(OK, "b", "")]) is WARN
    assert worst([Finding(FAIL, "a", ""), Finding(WARN, "b", "")]) is FAIL
