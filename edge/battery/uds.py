"""Asks a vehicle's battery for its own values: UDS (ISO 14229) over ISO-TP (ISO 15765-2) on CAN.

Needs the extra `uds`. It only reads (service 0x22) and writes nothing to a vehicle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from stations.battery.diagnosis import Meaning, Told, Vehicle

if TYPE_CHECKING:
    import can
    from udsoncan.client import Client

ANSWER_S = 1.0
SILENCES_MAX = 3  # one after the other; then nobody is asked any more
NO_ANSWER, WRONG_ANSWER, NOT_ASKED, REFUSED = "no_answer", "wrong_answer", "not_asked", "refused"


class Away(Exception):
    """The bus or the adapter cannot be used: the message says which and why."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the battery told: values by name, cells in their order (V), which are balanced now."""

    vehicle: str
    values: tuple[Told, ...]
    cells: tuple[Told, ...]
    balancing: tuple[int, ...] | None

    @property
    def is_silent(self) -> bool:
        """Whether it told nothing at all."""
        return all(one.value is None for one in (*self.values, *self.cells))

    def number(self, name: str) -> float | None:
        """A value by its name; None when there is none."""
        return next((one.value for one in self.values if one.name == name), None)


def is_possible() -> bool:
    """Whether the extra is installed."""
    return all(find_spec(one) is not None for one in ("udsoncan", "isotp", "can"))


@contextmanager
def bus_of(interface: str, channel: str) -> Iterator[can.BusABC]:
    """An open CAN bus such as ("socketcan", "can0"); Away when it cannot be opened."""
    import can

    try:
        bus = can.Bus(interface=interface, channel=channel)
    except (can.CanError, OSError, ValueError, ImportError) as error:
        raise Away(f"the CAN bus {channel!r} of {interface!r} cannot be opened: {error}") from error
    try:
        yield bus
    finally:
        bus.shutdown()


def diagnosis(
    bus: can.BusABC,
    vehicle: Vehicle,
    answer_s: float = ANSWER_S,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Diagnosis:
    """Ask for everything once, one identifier after the other; `told` hears how far it is.

    What is refused, silent or wrong has a reason in place of a value. After SILENCES_MAX times
    no answer the rest is not asked. Away when the bus fails.
    """
    asked = tuple(vehicle.identifiers())
    answers: dict[int, bytes | str] = {}
    silences = 0
    with _client(bus, vehicle, answer_s) as client:
        for number, one in enumerate(asked, 1):
            given = _ask(client, one.did) if silences < SILENCES_MAX else NOT_ASKED
            silences = silences + 1 if given in (NO_ANSWER, NOT_ASKED) else 0
            answers[one.did] = given
            told(number, len(asked))
    return _diagnosis(vehicle, answers)


def _diagnosis(vehicle: Vehicle, answers: dict[int, bytes | str]) -> Diagnosis:
    def of(one: Meaning) -> Told:
        given = answers[one.did]
        return Told(one.name, None, one.unit, given) if isinstance(given, str) else one.of(given)

    balancing = None
    if vehicle.balancing is not None:
        given = answers[vehicle.balancing.did]
        if isinstance(given, bytes) and len(given) == vehicle.balancing.size:
            balancing = vehicle.balancing_cells(given)
    return Diagnosis(
        vehicle.name,
        tuple(of(one) for one in vehicle.values),
        tuple(of(one) for one in vehicle.cells),
        balancing,
    )


def _ask(client: Client, did: int) -> bytes | str:
    """The bytes of an identifier, or why there are none."""
    import can
    from udsoncan import exceptions

    try:
        answer = client.read_data_by_identifier_first(did)
    except exceptions.TimeoutException:
        return NO_ANSWER
    except exceptions.NegativeResponseException as error:
        return f"{REFUSED}_{error.response.code_name}"
    except (exceptions.InvalidResponseException, exceptions.UnexpectedResponseException):
        return WRONG_ANSWER
    except (can.CanError, OSError) as error:
        raise Away(f"the CAN bus failed: {error}") from error
    return bytes(answer)


@contextmanager
def _client(bus: can.BusABC, vehicle: Vehicle, answer_s: float) -> Iterator[Client]:
    import isotp
    from udsoncan.client import Client
    from udsoncan.connections import PythonIsoTpConnection

    address = isotp.Address(
        isotp.AddressingMode.Normal_29bits, txid=vehicle.request, rxid=vehicle.response
    )
    stack = isotp.CanStack(bus, address=address, params={"blocking_send": False})
    config: Any = {
        "data_identifiers": {"default": _whole()},
        "exception_on_negative_response": True,
        "tolerate_zero_padding": False,
        "request_timeout": answer_s,
        "p2_timeout": answer_s,
        "use_server_timing": False,
    }
    with Client(PythonIsoTpConnection(stack), config=config) as client:
        yield client


def _whole() -> Any:
    """A codec that takes an answer's bytes as they are, whatever their number."""
    from udsoncan import DidCodec

    class Whole(DidCodec):
        def encode(self, *value: Any) -> bytes:
            raise NotImplementedError("nothing is written to a vehicle")

        def decode(self, payload: bytes) -> bytes:
            return payload

        def __len__(self) -> int:
            raise DidCodec.ReadAllRemainingData

    return Whole
