"""A simulated studio that waits for the commands of a capture."""

from __future__ import annotations

import random

from stations.model import Values, Vehicle
from stations.studio.model import StudioModel
from stations.studio.station import NO_FRAME, Studio, StudioState


def guided() -> tuple[StudioModel, Values]:
    model, values = StudioModel(random.Random(1)), Values(Studio)
    model.guided = True
    model.step(5.0, values)
    model.arrive(Vehicle("v-1", health=0.1))
    return model, values


def go(model: StudioModel, values: Values, seconds: float) -> StudioState:
    for _ in range(round(seconds * 2)):
        model.step(0.5, values)
    return values[Studio.state]


def tell(model: StudioModel, command: str) -> None:
    model.commanded(command, True)


def test_it_turns_when_it_is_told_and_waits_in_the_review() -> None:
    model, values = guided()
    assert go(model, values, 600) is StudioState.SECURING
    assert model.fired() == []
    tell(model, "start")
    assert go(model, values, 600) is StudioState.REVIEW
    pulses = model.fired()
    assert [one.angle_deg for one in pulses] == [
        angle for angle in values[Studio.trigger_angles] if angle != NO_FRAME
    ]
    assert len(pulses) == 40
    assert {one.vehicle for one in pulses} == {"v-1"}
    assert not values[Studio.acquisition_done] and not model.is_done


def test_it_turns_again_and_lets_the_vehicle_go_when_it_is_released() -> None:
    model, values = guided()
    tell(model, "start")
    go(model, values, 600)
    first, fired = list(values[Studio.trigger_angles]), model.fired()
    tell(model, "repeat_spin")
    go(model, values, 1)
    assert values[Studio.state] is StudioState.TURNING
    model.commanded("repeat_spin", False)
    assert go(model, values, 600) is StudioState.REVIEW
    assert len(model.fired()) == 40 == len(fired)
    assert values[Studio.trigger_angles] != first
    tell(model, "set_acquisition_done")
    assert go(model, values, 20) is StudioState.DONE
    assert values[Studio.acquisition_done] and not values[Studio.result_ready]
    assert not model.is_done
    tell(model, "set_result_ready")
    tell(model, "release")
    go(model, values, 1)
    assert values[Studio.result_ready] and model.is_done
    model.leave()
    assert go(model, values, 60) is StudioState.EMPTY
    assert not values[Studio.acquisition_done]
