"""Half-open TCP: packets are dropped in silence, both ways, for twice the keep-alive."""

from __future__ import annotations

from functools import partial

from refit.chaos.chaos_plant import KEEPALIVE_S
from refit.chaos.fault import KERNEL, Fault
from refit.chaos.kernel_relay import KernelRelay
from refit.chaos.scene import Scene

TIMES = 2
OPCUA_S, MODBUS_S, STORE_S = 5.0, 2.0, 8.0  # how long the others wait for a sign of life
HELD_S = (0.5, 3.0)


def _mute(link: str, keepalive_s: float, scene: Scene) -> None:
    relay = scene.plant.links[link]
    relay.mute()
    scene.pause(TIMES * keepalive_s)
    relay.unmute()


def _hold(scene: Scene) -> None:
    """A network that loses packets and sends them again: everything stalls, nothing is lost."""
    name = scene.random.choice(sorted(scene.plant.links))
    relay = scene.plant.links[name]
    for _ in range(scene.random.randint(1, 4)):
        relay.hold()
        scene.pause(*HELD_S)
        relay.release()
        scene.pause(0.0, 1.0)


def _half_open(name: str, link: str, keepalive_s: float, *needs: str) -> Fault:
    one, other = name.split("-")
    said = {"opcua": "OPC UA server", "modbus": "Modbus device"}.get(other, other)
    return Fault(
        f"half-open-{name}",
        f"packets between {one} and {said} vanish for {TIMES * keepalive_s:.0f} s, both ways",
        partial(_mute, link, keepalive_s),
        frozenset({link}),
        frozenset(needs),
    )


def _dropped(link: str, keepalive_s: float, scene: Scene) -> None:
    relay = scene.plant.links[link]
    assert isinstance(relay, KernelRelay)
    relay.wire.drop()
    scene.pause(TIMES * keepalive_s)
    relay.wire.deliver()


def _by_kernel(name: str, link: str, keepalive_s: float) -> Fault:
    one, other = name.split("-")
    said = {"opcua": "OPC UA server"}.get(other, other)
    return Fault(
        f"packets-dropped-{name}",
        f"the kernel drops every packet between {one} and {said} for {TIMES * keepalive_s:.0f} s",
        partial(_dropped, link, keepalive_s),
        frozenset({link}),
        frozenset({KERNEL}),
    )


FAULTS = (
    _by_kernel("agent-broker", "agent-broker", KEEPALIVE_S),
    _by_kernel("agent-opcua", "press", OPCUA_S),
    _by_kernel("historian-broker", "historian-broker", KEEPALIVE_S),
    _half_open("agent-broker", "agent-broker", KEEPALIVE_S),
    _half_open("agent-opcua", "press", OPCUA_S),
    _half_open("agent-modbus", "meter", MODBUS_S, "simulators"),
    _half_open("historian-broker", "historian-broker", KEEPALIVE_S),
    _half_open("historian-store", "store", STORE_S, "influxdb"),
    Fault(
        "links-stall",
        "a link stands still for 0.5 to 3 s, several times, and loses nothing",
        _hold,
        frozenset({"press", "meter", "modbus", "agent-broker", "historian-broker", "store"}),
    ),
)
