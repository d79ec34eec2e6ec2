"""Frames find their angles by count alone, and never by a shift."""

from hypothesis import given
from hypothesis import strategies as some

from stations.studio.jobs import Frame
from stations.studio.manifest import Reason, Verdict
from stations.studio.matching import by_angle, by_order
from stations.studio.station import NO_FRAME, SLOTS, SPIN_ANGLES
from tests.studio.capture_case import JOB, RING

PLANNED = [at for at, angle in enumerate(SLOTS) if angle in SPIN_ANGLES]
WHOLE = [angle if angle in SPIN_ANGLES else NO_FRAME for angle in SLOTS]
COUNTS = some.sets(some.sampled_from(PLANNED), max_size=6)


def frames(counts: list[int]) -> list[Frame]:
    return [Frame(file=f"f{count}", camera="ring", count=count) for count in counts]


@given(not_given=COUNTS, not_counted=COUNTS, not_delivered=COUNTS, base=some.integers(0, 9000))
def test_whatever_is_lost_no_frame_gets_the_angle_of_another(
    not_given: set[int], not_counted: set[int], not_delivered: set[int], base: int
) -> None:
    """`true` is what each file really shows; the camera counts what reaches it."""
    latched = [NO_FRAME if at in not_given else a for at, a in enumerate(WHOLE)]
    true: dict[str, float] = {}
    count = base
    for at, angle in enumerate(latched):
        if angle != NO_FRAME and at not in not_counted:
            count += 1
            if at not in not_delivered:
                true[f"f{count}"] = angle
    given_files = [int(name[1:]) for name in true]
    found = by_angle("ring", frames(given_files), base, latched, RING, 0.5)
    for one in found.placed:
        assert one.angle_deg == true[one.file]
    whole = not (not_given | not_counted | not_delivered)
    assert (not found.missing and not found.reasons) == whole


def test_two_files_with_one_count_place_none() -> None:
    twice = [*frames(list(range(1, 41))), Frame(file="again", camera="ring", count=7)]
    found = by_angle("ring", twice, 0, WHOLE, RING, 0.5)
    assert not found.placed and found.reasons == ("count_differs.ring",)


def test_an_angle_off_its_plan_is_bad_the_short_way_round() -> None:
    latched = [359.8, NO_FRAME, 10.6, *WHOLE[3:]]
    found = by_angle("ring", frames(list(range(1, 41))), 0, latched, RING, 0.5)
    first, second, third = found.placed[:3]
    assert first.verdict is Verdict.GOOD and first.angle_deg == 359.8
    assert second.verdict is Verdict.BAD and second.reasons == (Reason.OFF_ANGLE,)
    assert third.verdict is Verdict.GOOD


def test_more_frames_than_shots_place_none() -> None:
    shots = JOB.standing("hand")
    given = [Frame(file=f"h{n}", camera="hand", count=n) for n in range(1, 5)]
    assert len(by_order("hand", given[:3], 0, shots).placed) == 3
    assert by_order("hand", given, 0, shots).reasons == ("count_differs.hand",)
