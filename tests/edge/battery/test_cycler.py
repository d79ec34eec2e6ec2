"""A cycler over Modbus: what is written, in which order, and what happens when it misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from edge.battery.cycler import CyclerLost, CyclerRefused, ModbusCycler
from stations.battery.cell import pack_spec
from stations.battery.cycler import Cycler, OutOfRange, Rating, cycler
from stations.battery.machine import Setpoints
from stations.battery.protocol import protocol
from tests.edge.battery.device import Device, serving

RATING = Rating(500.0, 300.0, 60_000.0)
PSB = cycler("psb", RATING)
MAGNITUDE = cycler("psb_magnitude", RATING)
LIMITS = protocol("quick", pack_spec("ze40")).cycler
REMOTE, OUTPUT, ACTUAL = 402, 405, 507


def play(
    device: Device, act: Callable[[ModbusCycler], Awaitable[None]], made: Cycler = PSB
) -> None:
    async def run() -> None:
        async with serving(device):
            one = ModbusCycler(made, "127.0.0.1", device.port, timeout_s=0.3)
            await one.open()
            try:
                await act(one)
            finally:
                one.close()

    asyncio.run(run())


@pytest.mark.system
def test_the_limits_are_kept_before_the_terminal_is_on() -> None:
    device = Device()

    async def act(one: ModbusCycler) -> None:
        await one.take(LIMITS)

    play(device, act)
    at_limits = device.asked.index((3, 9004))
    assert device.asked.index((5, REMOTE)) < at_limits < device.asked.index((5, OUTPUT))
    assert device.coils == {REMOTE: True, OUTPUT: True}
    told_a = device.registers[9002] * 300.0 / 52_428
    assert told_a == pytest.approx(LIMITS.current_max_a, abs=0.01)
    assert LIMITS.current_max_a < protocol("quick", pack_spec("ze40")).limits.current_max_a


@pytest.mark.system
def test_a_device_that_keeps_another_limit_is_never_switched_on() -> None:
    device = Device(clamps={9002: 100})

    async def act(one: ModbusCycler) -> None:
        with pytest.raises(CyclerRefused, match="register 9002 holds 100"):
            await one.take(LIMITS)

    play(device, act)
    assert not device.coils.get(OUTPUT)


@pytest.mark.system
def test_set_points_go_one_way_at_a_time() -> None:
    device = Device()

    async def act(one: ModbusCycler) -> None:
        await one.tell(Setpoints(65.6, 400.0))
        assert (device.registers[501], device.registers[499]) == (11_464, 0)
        await one.tell(Setpoints(-131.2, 288.0))
        assert (device.registers[501], device.registers[499]) == (0, 22_928)
        assert device.registers[500] == round(288.0 / 500 * 52_428)

    play(device, act)


@pytest.mark.system
def test_what_it_shows_has_its_sign() -> None:
    device = Device(registers={ACTUAL: 26_214, ACTUAL + 1: 65_536 - 2_621})

    async def signed(one: ModbusCycler) -> None:
        assert await one.read() == (250.0, pytest.approx(-30.0, abs=0.01))

    play(device, signed)
    device = Device(registers={ACTUAL: 26_214, ACTUAL + 1: 5_243, 506: 1 << 12})

    async def magnitude(one: ModbusCycler) -> None:
        assert await one.read() == (250.0, pytest.approx(-30.0, abs=0.01))
        device.registers[506] = 0
        assert (await one.read())[1] > 0

    play(device, magnitude, MAGNITUDE)


@pytest.mark.system
def test_switching_off_survives_a_lost_answer() -> None:
    device = Device(coils={OUTPUT: True}, silent=1)

    async def act(one: ModbusCycler) -> None:
        await one.secure()

    play(device, act)
    assert device.coils[OUTPUT] is False


@pytest.mark.system
def test_a_silent_device_is_lost_and_says_at_what() -> None:
    device = Device(silent=1000)

    async def act(one: ModbusCycler) -> None:
        with pytest.raises(CyclerLost, match="reading registers from 507"):
            await one.read()
        with pytest.raises(CyclerLost):
            await one.secure()

    play(device, act)


def test_a_device_that_is_not_there_is_lost() -> None:
    async def run() -> None:
        with pytest.raises(CyclerLost, match="no connection"):
            await ModbusCycler(PSB, "127.0.0.1", 1, timeout_s=0.3).open()

    asyncio.run(run())


@given(some.floats(-306, 306), some.floats(0, 510))
def test_never_more_current_than_was_asked_for(amperes: float, volts: float) -> None:
    words = PSB.set_words(Setpoints(amperes, volts))
    charge, discharge = words[501] * 300 / 52_428, words[499] * 300 / 52_428
    assert not (words[501] and words[499])
    assert abs(amperes) - 300 / 52_428 <= charge + discharge <= abs(amperes) + 1e-6
    assert words[500] * 500 / 52_428 == pytest.approx(volts, abs=500 / 52_428)


@pytest.mark.parametrize("wrong", [Setpoints(307.0, 400.0), Setpoints(10.0, 511.0)])
def test_what_it_cannot_do_is_refused_and_not_cut(wrong: Setpoints) -> None:
    with pytest.raises(OutOfRange, match="goes from 0 to"):
        PSB.set_words(wrong)


def test_a_cycler_that_nobody_knows() -> None:
    with pytest.raises(LookupError, match="known are psb"):
        cycler("other", RATING)
