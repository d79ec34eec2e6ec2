"""The kept tools, really run: the audit of the locked libraries, and their bill of materials."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from refit.reference.libraries import FOLDER, locked
from tests.supply.audit import audited

pytestmark = [pytest.mark.system, pytest.mark.timeout(360)]


def test_no_locked_library_is_known_to_be_vulnerable() -> None:
    found = audited()
    print(f"unchecked: {', '.join(found.unchecked) or 'none'}")
    assert found.vulnerable == ()
    assert len(found.clean) + len(found.unchecked) == len({one.name for one in locked("test")
                                                           if one.is_here})  # fmt: skip


def test_the_bill_of_materials_names_every_library_of_a_plant(tmp_path: Path) -> None:
    out = tmp_path / "sbom.json"
    words = ["requirements", "--of", "JSON", "-o", str(out), str(FOLDER / "run.txt")]
    tool = Path(sys.executable).with_name("cyclonedx-py")
    subprocess.run([tool, *words], check=True, capture_output=True, timeout=120)
    found = {one["name"]: one["version"] for one in json.loads(out.read_text())["components"]}
    assert found == {one.name.partition("[")[0]: one.version for one in locked("run")}
