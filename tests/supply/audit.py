"""Known vulnerabilities of the locked libraries: `make audit`.

What could not be looked up (its data cannot be reached from here) counts as unchecked and is
listed. Ends with 1 when something is vulnerable, with 3 when nothing could be looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "test.txt"
VULNERABLE, NOTHING_CHECKED = 1, 3


@dataclass(frozen=True, slots=True)
class Audit:
    """Libraries by what is known of them."""

    clean: tuple[str, ...]
    unchecked: tuple[str, ...]
    vulnerable: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when something was looked up and nothing is vulnerable."""
        if self.vulnerable:
            return VULNERABLE
        return 0 if self.clean else NOTHING_CHECKED


def judged(told: Mapping[str, Any]) -> Audit:
    """What pip-audit's JSON says."""
    clean, unchecked, vulnerable = [], [], []
    for one in told["dependencies"]:
        if "skip_reason" in one:
            unchecked.append(one["name"])
        elif one["vulns"]:
            ids = ", ".join(each["id"] for each in one["vulns"])
            fixed = sorted({version for each in one["vulns"] for version in each["fix_versions"]})
            mended = f"; mended in {', '.join(fixed)}" if fixed else ""
            vulnerable.append(f"{one['name']} {one['version']}: {ids}{mended}")
        else:
            clean.append(one["name"])
    return Audit(tuple(clean), tuple(unchecked), tuple(vulnerable))


def audited(requirements: Path = REQUIREMENTS) -> Audit:
    """Ask about every library of a lock; OSError with the tool's words when it cannot ask."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json",
         "--progress-spinner", "off", "--requirement", str(requirements)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    try:
        return judged(json.loads(done.stdout))
    except (json.JSONDecodeError, KeyError) as error:
        raise OSError(done.stderr.strip() or "pip-audit said nothing") from error


def main() -> int:
    """Print what is known."""
    try:
        found = audited()
    except OSError as error:
        print(f"nothing could be looked up: {error}")
        return NOTHING_CHECKED
    for one in found.vulnerable:
        print(f"VULNERABLE  {one}")
    if found.unchecked:
        print(f"unchecked   {len(found.unchecked)}: {', '.join(found.unchecked)}")
    print(f"clean       {len(found.clean)}")
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
