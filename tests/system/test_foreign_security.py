"""A server of other makers over an encrypted channel, with an account, and what is said without."""

from __future__ import annotations

import json
import re
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
security = "Aes256_Sha256_RsaPss,SignAndEncrypt"
{who}
"""
PASSWORD = 'user = "refit"\npassword_file = "password"'
CERTIFICATE = 'user_cert_file = "agent.der"\nuser_key_file = "agent-key.pem"'


async def test_browsing_and_checking_over_an_encrypted_channel(tmp_path: Path) -> None:
    key, certificate = await keys(tmp_path, "agent")
    password, wrong = tmp_path / "password", tmp_path / "wrong"
    password.write_text("secret\n")
    wrong.write_text("guess\n")
    port, table, pki = free_port(), tmp_path / "axis.csv", tmp_path / "browse.pki"
    url = f"opc.tcp://127.0.0.1:{port}"
    words = (port, tmp_path / "truth", tmp_path / "pki", 0, 1)
    where = ("browse", url, "--root", "nsu=urn:foreign:plant;Plant/Axis0", "--to", table)
    encrypted = ("--security", "Basic256Sha256,SignAndEncrypt", "--pki", pki)
    given = ("--cert-file", certificate, "--key-file", key)
    with NodeProgram(CACHE, "opcua_server.js", *words, log=tmp_path / "log"):
        done = refit(*where, *encrypted, *given, "--user", "refit", "--password-file", password)
        assert done.returncode == 1, done.stderr
        [advice] = re.findall(r"refit (trust accept [0-9A-F]{16} --pki \S+)", done.stderr)
        accepted = refit(*advice.split())
        assert accepted.returncode == 0, accepted.stderr
        assert "is trusted from now on" in accepted.stdout
        done = refit(*where, *encrypted, *given, "--user", "refit", "--password-file", wrong)
        assert done.returncode == 1
        assert "BadUserAccessDenied" in done.stderr or "BadIdentityToken" in done.stderr
        assert not table.exists() and "Traceback" not in done.stderr
        done = refit(*where, *encrypted, "--user", "refit", "--password-file", password)
        assert done.returncode == 0, done.stderr
        assert "10 tags in" in done.stderr
        _check(tmp_path, url, pki)
    done = refit(*where, "--force")
    assert done.returncode == 1 and "refit browse: " in done.stderr
    done = refit(*where, *encrypted, *given[:2], "--force")
    assert done.returncode != 0 and "cert_file and key_file" in done.stderr
    done = refit(*where, "--security", "Basic", "--force")
    assert done.returncode == 2 and "security" in done.stderr


def _check(folder: Path, url: str, pki: Path) -> None:
    """A site with that server: first a stranger, then trusted, with a password or a certificate."""
    site = folder / "site.toml"
    site.write_text(SITE.format(url=url, who=PASSWORD))
    looked = refit("check", site, "--live")
    assert looked.returncode == 1 and f"--site {site}" in looked.stdout, looked.stdout
    listed = refit("trust", "list", "--site", site, "--json")
    mine, stranger = json.loads(listed.stdout)
    assert (mine["state"], stranger["state"]) == ("own", "rejected")
    assert stranger["application_uri"] == "urn:foreign:server" and stranger["seen"] == "plant-1"
    shown = refit("trust", "show", stranger["sha256"][:12], "--site", site)
    assert "urn:foreign:server" in shown.stdout and "plant-1" in shown.stdout
    assert refit("trust", "accept", stranger["sha1"], "--site", site).returncode == 0
    for who in (PASSWORD, CERTIFICATE):
        site.write_text(SITE.format(url=url, who=who))
        looked = refit("check", site, "--live")
        assert looked.returncode == 0, looked.stdout + looked.stderr
        assert "10 of 10 tags as declared" in looked.stdout
    assert "trusted" in refit("trust", "list", "--site", site).stdout
    assert refit("trust", "remove", stranger["sha1"], "--site", site).returncode == 0
    assert refit("check", site, "--live").returncode == 1
