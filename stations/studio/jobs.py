"""What a capture takes and gives: inputs, what is to be done, and all that it remembers.

The words are those of OPC 40100-1 where it has one. Everything is plain values, so that a memory
can be written to disk after each input and read again after a kill.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from stations.studio.manifest import PictureSet, Point, Quality, Reason, Verdict

TURNING_SETS = (PictureSet.SPIN, PictureSet.HERO)
CommandName = Literal["start", "repeat_spin", "set_acquisition_done", "release", "set_result_ready"]


class Fact(BaseModel):
    """A frozen model that knows its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Polygon = tuple[Point, ...]
"""Three points or more, as shares of width and height."""


class Shot(Fact):
    """One planned picture. `angle_deg` None: the table stands.

    `mask` are the polygons that have to be hidden, empty where there is nothing to hide; None:
    nobody has said, so the picture is not published unless its camera says so.
    """

    set: PictureSet
    index: int
    camera: str
    angle_deg: float | None = None
    required: bool = True
    restricted: bool = False
    title: str | None = None
    mask: tuple[Polygon, ...] | None = None

    @property
    def name(self) -> str:
        """How it is called where it is missing: `spin_007`."""
        return f"{self.set}_{self.index:03d}"


class Mask(Fact):
    """What has to be hidden in the pictures of a camera at an angle of the table.

    No polygons: nothing is seen there. Between two angles it is interpolated.
    """

    camera: str
    angle_deg: float
    polygons: tuple[Polygon, ...]


class Job(Fact):
    """What one capture is to bring. `asked` cameras shoot when told; the others on a trigger."""

    id: str
    version: int
    shots: tuple[Shot, ...]
    masks: tuple[Mask, ...] = ()
    tolerance_deg: float = 0.5
    asked: tuple[str, ...] = ()

    @property
    def recipe(self) -> str:
        """How the controller names it: `full-360@3`."""
        return f"{self.id}@{self.version}"

    def turning(self, camera: str) -> tuple[Shot, ...]:
        """The shots that a camera takes while the table turns."""
        return tuple(s for s in self.shots if s.camera == camera and s.set in TURNING_SETS)

    def standing(self, camera: str) -> tuple[Shot, ...]:
        """The shots that a camera takes while the table stands, in their order."""
        return tuple(s for s in self.shots if s.camera == camera and s.set not in TURNING_SETS)

    @staticmethod
    def needed(shots: tuple[Shot, ...]) -> int:
        """How many of these shots there must be: up to the last that is required."""
        return max((at for at, shot in enumerate(shots, 1) if shot.required), default=0)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Every camera of the plan, in the order of its first shot."""
        return tuple(dict.fromkeys(shot.camera for shot in self.shots))


class Input(Fact):
    """Something happened. `at_s` never goes back while the agent runs; `time_ms` is the wall's."""

    at_s: float
    time_ms: int = 0

    @property
    def ahead_s(self) -> float:
        """By how much the wall's time is ahead; it changes when that clock is set."""
        return self.time_ms / 1000 - self.at_s


class Tags(Input):
    """Values of the station, by name; None where a value cannot be relied on."""

    values: dict[str, Any]


class Frame(Fact):
    """A picture that is whole and on disk. `count` is its camera's own running trigger count.

    A camera that was asked says in its place for which capture, and for which shot.
    """

    file: str
    camera: str
    count: int | None = None
    capture: str | None = None
    set: PictureSet | None = None
    index: int | None = None


class Arrived(Input):
    """A frame was delivered."""

    frame: Frame


class Coming(Input):
    """A camera is still writing: what is to come is waited for."""

    camera: str


class CameraLost(Input):
    camera: str
    why: str


class CameraBack(Input):
    camera: str


class Judged(Input):
    """The answer to `Judge`: what is wrong, by file (others are good) and with a whole turn."""

    capture: str
    number: int
    bad: dict[str, tuple[Reason, ...]] = {}
    qualities: dict[str, Quality] = {}
    reasons: tuple[str, ...] = ()


class Chosen(Input):
    """The operator has decided. `why` is needed to go on with an incomplete capture."""

    choice: Literal["again", "go_on", "wrong_vehicle"]
    why: str = ""


class Processed(Input):
    """Masking, signing and the manifest of a capture are finished, and its record is safe."""

    capture: str


class Tick(Input):
    """Time goes on."""


class Restarted(Input):
    """The agent begins with what it remembers: what was under way is asked for again."""


class Write(Fact):
    """Set or take back a command at the controller."""

    command: CommandName
    value: bool = True


class Shoot(Fact):
    """Ask a camera for a picture, now, while the table stands."""

    capture: str
    visit: str
    shot: Shot


class Placed(Fact):
    """A frame in its place of the plan, with the angle that the controller latched for it."""

    file: str
    camera: str
    set: PictureSet
    index: int
    angle_deg: float | None = None
    planned_deg: float | None = None
    trigger: int | None = None
    verdict: Verdict = Verdict.GOOD
    reasons: tuple[Reason, ...] = ()
    quality: Quality | None = None

    @property
    def name(self) -> str:
        """How it is called for people: `spin_007`."""
        return f"{self.set}_{self.index:03d}"


class Judge(Fact):
    """Have these frames judged while the vehicle stands; the answer has the same number."""

    capture: str
    part: Literal["turn", "rest"]
    number: int
    frames: tuple[Placed, ...]


class Tell(Fact):
    """Say something to the operator: a code, and what it is about."""

    code: Literal[
        "waits",
        "choose",
        "camera_lost",
        "stray",
        "unanswered",
        "wrong_vehicle",
        "recipe",
        "take_again",
    ]
    about: tuple[str, ...] = ()


class Event(Fact):
    """An event of OPC 40100-1."""

    name: Literal["Ready", "JobStarted", "AcquisitionDone", "ResultReady"]
    capture: str


class Acquired(Fact):
    """All that will ever be shot of one capture. `reasons` say why it is not complete."""

    capture: str
    visit: str
    job: str
    recipe: str
    simulated: bool
    started_ms: int
    ended_ms: int
    complete: bool
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    pictures: tuple[Placed, ...]
    turns: int
    stops: tuple[str, ...]


class Process(Fact):
    """Have a capture masked, signed, listed and recorded; `Processed` is the answer."""

    acquired: Acquired


Action = Write | Shoot | Judge | Tell | Event | Process


class Part(Fact):
    """Frames that are judged together: those of one turn, or those of a standing vehicle.

    `base` is the trigger count of each camera before its first frame here; a camera without one has
    not begun. `asked` are shots that were asked for, `again` those that a counting camera takes
    once more, in their order. `judging` is the number of what is being judged, `latched` what the
    controller showed last of this turn. `kept` are good pictures of an earlier try.
    """

    frames: tuple[Frame, ...] = ()
    base: dict[str, int | None] = {}
    asked: tuple[str, ...] = ()
    ended: bool = False
    last_s: float = 0.0
    judging: int = 0
    latched: tuple[float, ...] | None = None
    placed: tuple[Placed, ...] | None = None
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    kept: tuple[Placed, ...] = ()
    again: tuple[str, ...] = ()


class Running(Fact):
    """The capture of the vehicle on the table.

    `since_s` is when the state of the station changed last. `stale`: the controller still shows the
    angles of the turn before. `accepted` is why the operator goes on in spite of the flaws.
    `is_moved`: it was stopped since its turn ended, and may stand otherwise now. `ahead_s` is the
    wall's time less the running one: where that jumps the clock `was_set`.
    """

    capture: str
    visit: str
    job: str
    recipe: str
    simulated: bool
    started_ms: int
    since_s: float
    flaws: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    turns: int = 0
    stale: bool = False
    turn: Part = Part()
    rest: Part = Part()
    told: tuple[str, ...] = ()
    is_asking: bool = False
    accepted: str = ""
    judgements: int = 0
    is_moved: bool = False
    ahead_s: float | None = None
    was_set: bool = False


class Asked(Fact):
    """A command that stands at the controller until it is answered."""

    command: CommandName
    job: str
    since_s: float
    told: bool = False


class Memory(Fact):
    """All that a capture remembers. `used` are the names of the latest captures.

    `freed` is the job whose capture is over while its vehicle still stands on the table.
    """

    plc: dict[str, Any] = {}
    running: Running | None = None
    processing: tuple[Acquired, ...] = ()
    asked: tuple[Asked, ...] = ()
    lost: dict[str, str] = {}
    counts: dict[str, int] = {}
    used: tuple[str, ...] = ()
    freed: str | None = None
