"""The how-to about the broker does what it says, with a real Mosquitto."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.docs.pages import ROOT, Reader
from tests.servers import free_port
from tests.servers.mosquitto import MOSQUITTO

PAGE = ROOT / "docs/how-to/secure-the-broker.md"
AS_ROOT = """#!/bin/sh
# Who is root here stays so: Mosquitto would become a user that cannot read this test's folder.
printf 'user root\\ninclude_dir %s\\n' "$(dirname "$2")" > beside.conf
exec {program} -c beside.conf
"""


@pytest.mark.system
@pytest.mark.timeout(180)
def test_the_how_to_about_the_broker_does_what_it_says(tmp_path: Path) -> None:
    program = shutil.which("mosquitto") or MOSQUITTO
    if not Path(program).exists():
        missing("Mosquitto", "apt-get install mosquitto")
    tools = tmp_path / "tools"
    tools.mkdir()
    if os.geteuid() == 0:
        (tools / "mosquitto").write_text(AS_ROOT.format(program=program))
        (tools / "mosquitto").chmod(0o755)
    elif not shutil.which("mosquitto"):
        (tools / "mosquitto").symlink_to(program)
    work = tmp_path / "work"
    work.mkdir()
    Reader(PAGE, tmp_path, ports={"18883": str(free_port())}).follow(work)
