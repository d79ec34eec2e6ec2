"""An agent that is killed or stopped leaves no hole where its server keeps what it did not hear.

The server is node-opcua; what it offered, by its own log, is held against the agent's outbox.
`--length 40` leaves the agent away for as many seconds, longer than its session lives.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.sources.keys import keys
from tests.system.continuity import Chain, pause, rising

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

ENCRYPTED = """
security = "Basic256Sha256,SignAndEncrypt"
cert_file = "agent.der"
key_file = "agent-key.pem"
user = "refit"
password_file = "password"
"""


def ended(chain: Chain) -> None:
    """Nothing is missing, nothing is told to be missing, nothing came twice."""
    read = chain.read()
    found = chain.compare(read)
    assert found.wrong == []
    assert read.spans == []
    assert rising(read)
    assert found.acknowledged > 0


def last_of(chain: Chain) -> None:
    """A last agent reads until the server says no more."""
    with chain.agent() as agent:
        chain.flows()
        chain.program.tell("hold")
        chain.caught_up()
        chain.stop(agent)


def test_a_subscription_outlives_an_agent_that_is_killed_or_stopped(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chain = Chain(tmp_path)  # without a history: what comes is the subscription's
    with chain.program:
        for end in (chain.kill, chain.stop):
            with chain.agent() as agent:
                chain.flows()
                end(agent)
            pause(float(request.config.getoption("--length")) - 1)
        last_of(chain)
    ended(chain)


@pytest.mark.parametrize("more", ["", ENCRYPTED], ids=["anonymous", "encrypted"])
async def test_history_fills_what_the_subscription_did_not_live_for(
    tmp_path: Path, more: str, request: pytest.FixtureRequest
) -> None:
    await keys(tmp_path, "agent")
    (tmp_path / "password").write_text("secret\n")
    chain = Chain(tmp_path, kept=100_000, more=more)
    with chain.program:
        with chain.agent() as agent:
            if more:
                chain.trust()
            chain.flows()
            chain.kill(agent)
        if more:  # the subscription of a user, over another encrypted channel
            with chain.agent() as agent:
                chain.flows()
                chain.kill(agent)
        chain.program.tell("forget")
        pause(float(request.config.getoption("--length")) - 1)
        last_of(chain)
    ended(chain)


def test_a_history_that_ends_early_fills_what_it_has_and_the_rest_is_a_gap(tmp_path: Path) -> None:
    chain = Chain(tmp_path, kept=10)
    with chain.program:
        with chain.agent() as agent:
            chain.flows()
            chain.kill(agent)
        chain.program.tell("forget")
        chain.offers_more(25)
        last_of(chain)
    read = chain.read()
    found = chain.compare(read)
    assert found.wrong == []
    assert {span.reason for span in read.spans} == {"agent restarted"}
    assert found.told > 0
    assert rising(read)


def test_a_queue_that_overflowed_while_the_agent_stood_still_is_filled_from_history(
    tmp_path: Path,
) -> None:
    chain = Chain(tmp_path, kept=100_000, more='bridge = "100 ms"')
    with chain.program, chain.agent() as agent:
        chain.flows()
        agent.process.send_signal(signal.SIGSTOP)
        chain.offers_more(30)  # queues of ten values
        agent.process.send_signal(signal.SIGCONT)
        chain.flows()
        chain.program.tell("hold")
        chain.caught_up()
        assert chain.counters()["queues overflowed"] > 0
        chain.stop(agent)
    ended(chain)
