"""A server of other makers over an encrypted channel, with an account, and what is said without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import CACHE, free_port
from tests.servers.node import NodeProgram
from tests.sources.keys import keys
from tests.system.commands import refit

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

SITE = """
[site]
name = "foreign"
[[agent]]
name = "pc-1"
[[station]]
name = "plant-1"
kind = "device"
agent = "pc-1"
tags = "axis.csv"
[station.opcua]
url = "{url}"
security = "Basic256Sha256,SignAndEncrypt"
cert_file = "agent.der"
key_file = "agent-key.pem"
user = "refit"
password_file = "password"
"""


async def test_browsing_and_checking_over_an_encrypted_channel(tmp_path: Path) -> None:
    key, certificate = await keys(tmp_path, "agent")
    password, wrong = tmp_path / "password", tmp_path / "wrong"
    password.write_text("secret\n")
    wrong.write_text("guess\n")
    port, table = free_port(), tmp_path / "axis.csv"
    url = f"opc.tcp://127.0.0.1:{port}"
    words = (port, tmp_path / "truth", tmp_path / "pki", 0, 1)
    where = ("browse", url, "--root", "nsu=urn:foreign:plant;Plant/Axis0", "--to", table)
    encrypted = ("--security", "Basic256Sha256,SignAndEncrypt",
                 "--cert-file", certificate, "--key-file", key)  # fmt: skip
    with NodeProgram(CACHE, "opcua_server.js", *words, log=tmp_path / "log"):
        done = refit(*where, *encrypted, "--user", "refit", "--password-file", wrong)
        assert done.returncode == 1
        assert "BadUserAccessDenied" in done.stderr or "BadIdentityToken" in done.stderr
        assert not table.exists() and "Traceback" not in done.stderr
        done = refit(*where, *encrypted, "--user", "refit", "--password-file", password)
        assert done.returncode == 0, done.stderr
        assert "10 tags in" in done.stderr
        (tmp_path / "site.toml").write_text(SITE.format(url=url))
        looked = refit("check", tmp_path / "site.toml", "--live")
        assert looked.returncode == 0, looked.stdout + looked.stderr
        assert "10 of 10 tags as declared" in looked.stdout
    done = refit(*where, "--force")
    assert done.returncode == 1 and "refit browse: " in done.stderr
    done = refit(*where, *encrypted[:2], "--force")
    assert done.returncode == 1 and "needs cert_file and key_file" in done.stderr
    done = refit(*where, "--security", "Basic", "--force")
    assert done.returncode == 2 and "security" in done.stderr
