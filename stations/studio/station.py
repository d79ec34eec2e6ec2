"""Photo and video studio: a turntable with cameras around, inside and under the vehicle.

The words of the job are those of OPC 40100-1 (machine vision): recipe, job, acquisition done,
result ready. Guard and light curtain are read only: safety stays in the safety controller.
"""

from stations.declare import Command, Node, Phase, Register, State, Station, Tag

TAKT_S = 360.0
SLOT_DEG = 5.0
SLOTS = tuple(SLOT_DEG * slot for slot in range(72))
"""Where the controller can trigger in a turn: each has its place in `trigger_angles`."""
STEP_DEG = 10.0
# 36 frames every 10 degrees; the hero angles 45, 135, 225 and 315 lie between them.
SPIN_ANGLES = tuple(sorted({*(STEP_DEG * i for i in range(36)), 45.0, 135.0, 225.0, 315.0}))
NO_FRAME = -1.0


class StudioState(State):
    EMPTY = 0, "No vehicle in the studio.", Phase.IDLE
    LOADING = 1, "The vehicle drives on over the underbody scanner and is centred.", Phase.WORKING
    SECURING = 2, "Doors and guard close, the table is unlocked.", Phase.WORKING
    TURNING = 3, "The table turns and the cameras shoot the exterior.", Phase.WORKING
    HOMING = 4, "The table goes back to its home position.", Phase.WORKING
    DETAILS = 5, "Close-ups with doors, bonnet and boot open.", Phase.WORKING
    INTERIOR = 6, "The panorama camera is inside the vehicle.", Phase.WORKING
    WHEELS = 7, "Wheels and tyre treads are shot.", Phase.WORKING
    REVIEW = 8, "The pictures are checked while the vehicle is still there.", Phase.WORKING
    DONE = 9, "All pictures are taken; the vehicle may leave.", Phase.DONE
    LEAVING = 10, "The vehicle drives off the table.", Phase.DONE
    STOPPED = 90, "Stopped by the safety controller or the operator.", Phase.STOPPED
    FAULT = 99, "The table, a camera or the lamps have failed.", Phase.STOPPED


class StopCause(State):
    NONE = 0, "Nothing has stopped the studio."
    GUARD = 1, "The guard was opened."
    LIGHT_CURTAIN = 2, "The light curtain was broken."
    EMERGENCY_STOP = 3, "An emergency stop was pressed."
    OPERATOR = 4, "The operator stopped the job."
    TABLE = 5, "The table's drive reports a fault."
    CAMERA = 6, "A camera does not answer."
    LAMPS = 7, "A lamp has failed."


class Studio(Station):
    """Turns one vehicle through 360 degrees and takes its pictures; ten vehicles an hour."""

    visit = Tag(str, Node("Vehicle/Visit"), doc="Visit in the studio; empty without a vehicle.")
    stop_cause = Tag(StopCause, Node("Safety/StopCause"), doc="Why the studio has stopped.")
    state = Tag(StudioState, Node("State"), doc="What the studio is doing.")
    guard_closed = Tag(bool, Node("Safety/GuardClosed"), doc="The safety guard is closed.")
    curtain_clear = Tag(
        bool, Node("Safety/LightCurtainClear"), doc="Nobody is in the light curtain."
    )
    entry_closed = Tag(bool, Node("Doors/EntryClosed"), doc="The entry door is closed.")
    exit_closed = Tag(bool, Node("Doors/ExitClosed"), doc="The exit door is closed.")

    job = Tag(str, Node("Job/Id"), doc="Job of this capture; empty without one.")
    recipe = Tag(str, Node("Job/Recipe"), doc="Shot plan and its version, as `plan@version`.")
    simulated = Tag(bool, Node("Job/IsSimulated"), doc="The pictures are not of a real vehicle.")

    angle = Tag(
        float, Node("Table/Angle"), unit="deg", low=-20, high=400, deadband=0.05,
        doc="Turned since home; the ramps lie before 0 and after 360.",
    )  # fmt: skip
    speed = Tag(
        float, Node("Table/Speed"), unit="deg/s", low=-12, high=12, deadband=0.02,
        doc="Speed of the table, from the encoder.",
    )  # fmt: skip
    speed_set = Tag(
        float,
        Node("Table/SpeedSet"),
        unit="deg/s",
        low=0,
        high=12,
        doc="Speed that the table is to have.",
    )
    in_position = Tag(bool, Node("Table/InPosition"), doc="The table stands at its home position.")
    locked = Tag(bool, Node("Table/Locked"), doc="The table is locked for driving on and off.")
    load = Tag(
        float,
        Node("Table/Load"),
        unit="kg",
        low=0,
        high=4000,
        deadband=2,
        doc="Weight on the table.",
    )
    load_ok = Tag(bool, Node("Table/LoadOk"), doc="Weight and wheel positions are accepted.")
    motor_current = Tag(
        float, Node("Table/MotorCurrent"), unit="A", low=0, high=40, deadband=0.05,
        doc="Current of the table's motor.",
    )  # fmt: skip
    drive_temperature = Tag(
        float, Node("Table/DriveTemperature"), unit="degC", low=0, high=90, deadband=0.2,
        doc="Heat sink of the table's drive.",
    )  # fmt: skip
    turns = Tag(int, Node("Table/Turns"), low=0, doc="Turns that the table has made in its life.")

    cameras_ready = Tag(int, Node("Cameras/Ready"), low=0, high=16, doc="Cameras that are ready.")
    trigger_angles = Tag(
        list[float], Node("Cameras/TriggerAngles"), unit="deg", low=-1, high=360,
        length=len(SLOTS),
        doc="Encoder angle latched for each place of the turn, 0, 5 .. 355 degrees; -1 where no"
        " frame is planned or none was triggered.",
    )  # fmt: skip
    frames_exterior = Tag(
        int, Node("Cameras/FramesExterior"), low=0, high=80, doc="Frames of the spin taken."
    )
    lines_underbody = Tag(
        int, Node("Cameras/LinesUnderbody"), low=0, high=40000, deadband=20,
        doc="Lines of the underbody scan taken.",
    )  # fmt: skip
    frames_details = Tag(int, Node("Cameras/FramesDetails"), low=0, high=60, doc="Close-ups taken.")
    frames_interior = Tag(
        int, Node("Cameras/FramesInterior"), low=0, high=8, doc="Interior panoramas taken."
    )
    frames_wheels = Tag(
        int, Node("Cameras/FramesWheels"), low=0, high=16, doc="Frames of wheels and treads taken."
    )
    frames_rejected = Tag(
        int, Node("Cameras/FramesRejected"), low=0, high=400, doc="Frames rejected and taken again."
    )
    sharpness = Tag(
        float, Node("Cameras/Sharpness"), low=0, high=100, deadband=0.01,
        doc="Sharpness of the last frame over the camera's own limit; below 1 it is blurred.",
    )  # fmt: skip
    clipped = Tag(
        float, Node("Cameras/Clipped"), unit="%", low=0, high=100, deadband=0.01,
        doc="Share of the last frame that is black or white.",
    )  # fmt: skip
    camera_temperature = Tag(
        float, Node("Cameras/TemperatureMax"), unit="degC", low=-10, high=80, deadband=0.2,
        doc="The warmest camera.",
    )  # fmt: skip
    storage_free = Tag(
        float, Node("Cameras/StorageFree"), unit="GB", low=0, high=100000, deadband=0.5,
        doc="Room left for pictures.",
    )  # fmt: skip
    acquisition_done = Tag(
        bool, Node("Job/AcquisitionDone"), doc="Every picture is taken; the vehicle is not needed."
    )
    result_ready = Tag(
        bool, Node("Job/ResultReady"), doc="Pictures are masked, signed and listed in the manifest."
    )
    lamps_on = Tag(bool, Node("Lamps/On"), doc="The lamps are on.")
    lamp_level = Tag(
        float,
        Node("Lamps/Level"),
        unit="%",
        low=0,
        high=100,
        doc="Brightness that is asked of the lamps.",
    )

    lamp_hours = Tag(
        float, Register("input", 10, "float32"), unit="h", low=0, high=60000,
        doc="Hours on the lamps since they were replaced.",
    )  # fmt: skip
    lamp_currents = Tag(
        list[float], Register("input", 20, "uint16", scale=0.01), unit="A",
        low=0, high=20, length=8, doc="Current of each of the eight lamps.",
    )  # fmt: skip
    illuminance = Tag(
        float, Register("input", 30, "uint16"), unit="lx", low=0, high=20000, deadband=5,
        doc="Light at the middle of the table.",
    )  # fmt: skip
    cabinet_temperature = Tag(
        float, Register("input", 0, "int16", scale=0.1), unit="degC", low=-10,
        high=60, deadband=0.1, doc="Inside the control cabinet.",
    )  # fmt: skip
    cabinet_humidity = Tag(
        float, Register("input", 1, "uint16", scale=0.1), unit="%", low=0, high=100, deadband=0.2,
        doc="Relative humidity in the control cabinet.",
    )  # fmt: skip
    supply_voltage = Tag(
        float, Register("input", 2, "uint16", scale=0.1), unit="V", low=0, high=480, deadband=0.5,
        doc="Mains voltage at the cabinet, line to line.",
    )  # fmt: skip
    air_pressure = Tag(
        float, Register("input", 3, "uint16"), unit="kPa", low=0, high=1200, deadband=5,
        doc="Compressed air for locks and doors.",
    )  # fmt: skip
    energy = Tag(
        float, Register("input", 4, "uint32", scale=0.01), unit="kWh", low=0,
        doc="Energy used since commissioning.",
    )  # fmt: skip
    cabinet_closed = Tag(bool, Register("discrete", 0, "bit"), doc="The cabinet door is closed.")
    on_battery = Tag(bool, Register("discrete", 1, "bit"), doc="The cabinet runs on its battery.")
    fan_running = Tag(bool, Register("discrete", 2, "bit"), doc="The cabinet's fan is running.")

    start = Command(Node("Commands/Start"), doc="Start the job that has been prepared.")
    repeat_spin = Command(Node("Commands/RepeatSpin"), doc="Turn once more and shoot again.")
    release = Command(Node("Commands/Release"), doc="Open the exit and let the vehicle leave.")
    set_acquisition_done = Command(
        Node("Commands/AcquisitionDone"), doc="Every picture is taken and judged."
    )
    set_result_ready = Command(
        Node("Commands/ResultReady"), doc="The result of the vehicle that is still there is safe."
    )
