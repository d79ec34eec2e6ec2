"""Technical inspection lane: side slip, suspension, brakes, headlamps, exhaust or battery, OBD.

Three older benches speak Modbus (`slip`, `suspension`, `brakes`), the lane's computer OPC UA. A
result counts only while its bench says that it has been measured: no value is not zero.
"""

from stations.declare import Command, Node, Phase, Register, State, Station, Tag

TAKT_S = 360.0


class InspectionState(State):
    EMPTY = 0, "No vehicle in the lane.", Phase.IDLE
    ENTERING = 1, "The vehicle enters and is identified.", Phase.WORKING
    SLIP = 2, "The vehicle drives over the side-slip plate.", Phase.WORKING
    SUSPENSION_FRONT = 3, "The suspension bench shakes the front axle.", Phase.WORKING
    SUSPENSION_REAR = 4, "The suspension bench shakes the rear axle.", Phase.WORKING
    BRAKES_FRONT = 5, "The front axle is braked on the rollers.", Phase.WORKING
    BRAKES_REAR = 6, "The rear axle is braked on the rollers.", Phase.WORKING
    PARKING_BRAKE = 7, "The parking brake holds against the rollers.", Phase.WORKING
    LAMPS = 8, "The headlamps are measured.", Phase.WORKING
    EXHAUST = 9, "The exhaust gas or the smoke is measured.", Phase.WORKING
    ELECTRIC = 10, "The ground continuity of an electric vehicle is measured.", Phase.WORKING
    OBD = 11, "The vehicle's own diagnosis is read.", Phase.WORKING
    REPORT = 12, "The inspector looks over the results.", Phase.WORKING
    DONE = 13, "All is measured; the vehicle may leave.", Phase.DONE
    LEAVING = 14, "The vehicle leaves the lane.", Phase.DONE
    STOPPED = 90, "Stopped by the inspector or by a safety device.", Phase.STOPPED
    FAULT = 99, "A bench has failed.", Phase.STOPPED


class StopCause(State):
    NONE = 0, "Nothing has stopped the lane."
    INSPECTOR = 1, "The inspector stopped the test."
    EMERGENCY_STOP = 2, "An emergency stop was pressed."
    PIT_OCCUPIED = 3, "Somebody is in the pit beside the rollers."
    BRAKES = 4, "The brake tester reports a fault."
    SUSPENSION = 5, "The suspension bench reports a fault."
    GAS = 6, "The gas analyser reports a fault."


def _percent(table_address: int, on: str) -> Register:
    return Register("input", table_address, "uint16", scale=0.1, absent=0xFFFF, on=on)


class Inspection(Station):
    """Measures what the roadworthiness test asks of a car; about one vehicle in six minutes."""

    visit = Tag(str, Node("Test/Visit"), doc="Visit in the lane; empty without a vehicle.")
    stop_cause = Tag(StopCause, Node("Test/StopCause"), doc="Why the lane has stopped.")
    state = Tag(InspectionState, Node("State"), doc="What the lane is doing.")
    fuel = Tag(
        str, Node("Test/Fuel"), doc="Energy of the vehicle under test: petrol, diesel or electric."
    )

    lamps_measured = Tag(bool, Node("Lamps/Measured"), doc="The lamp results are of this vehicle.")
    lamp_height = Tag(
        float,
        Node("Lamps/Height"),
        unit="mm",
        low=0,
        high=1500,
        doc="Height of the lamps' centres.",
    )
    lamp_target_dip = Tag(
        float, Node("Lamps/TargetDip"), unit="%", low=0, high=5,
        doc="Dip of the cut-off on the vehicle's plate; 0 when the plate has none.",
    )  # fmt: skip
    lamp_dip_left = Tag(
        float, Node("Lamps/Left/Dip"), unit="%", low=-5, high=10, doc="Dip of the left dipped beam."
    )
    lamp_dip_right = Tag(
        float,
        Node("Lamps/Right/Dip"),
        unit="%",
        low=-5,
        high=10,
        doc="Dip of the right dipped beam.",
    )
    lamp_intensity_left = Tag(
        float, Node("Lamps/Left/Intensity"), unit="kcd", low=0, high=300, doc="Left main beam."
    )
    lamp_intensity_right = Tag(
        float, Node("Lamps/Right/Intensity"), unit="kcd", low=0, high=300, doc="Right main beam."
    )

    gas_measured = Tag(bool, Node("Gas/Measured"), doc="The exhaust results are of this vehicle.")
    gas_co = Tag(
        float,
        Node("Gas/CO"),
        unit="%",
        low=0,
        high=15,
        deadband=0.005,
        doc="CO just now, by volume.",
    )
    gas_co_idle = Tag(
        float, Node("Gas/COIdle"), unit="%", low=0, high=15, doc="CO at idle, by volume."
    )
    gas_co_fast = Tag(
        float, Node("Gas/COFast"), unit="%", low=0, high=15, doc="CO at fast idle, by volume."
    )
    gas_co2 = Tag(
        float, Node("Gas/CO2"), unit="%", low=0, high=20, deadband=0.05, doc="CO2, by volume."
    )
    gas_o2 = Tag(
        float, Node("Gas/O2"), unit="%", low=0, high=25, deadband=0.05, doc="Oxygen, by volume."
    )
    gas_hc = Tag(
        float,
        Node("Gas/HC"),
        unit="ppm",
        low=0,
        high=20000,
        deadband=1,
        doc="Hydrocarbons, as hexane.",
    )
    gas_lambda = Tag(
        float,
        Node("Gas/Lambda"),
        low=0,
        high=5,
        deadband=0.002,
        doc="Ratio of air to fuel, lambda.",
    )
    gas_lambda_fast = Tag(
        float, Node("Gas/LambdaFast"), low=0, high=5, doc="Lambda at fast idle, 2000 1/min or more."
    )
    engine_speed = Tag(
        float, Node("Gas/EngineSpeed"), unit="1/min", low=0, high=8000, deadband=10,
        doc="Speed of the engine.",
    )  # fmt: skip
    oil_temperature = Tag(
        float, Node("Gas/OilTemperature"), unit="degC", low=-20, high=160, deadband=0.2,
        doc="Oil of the engine.",
    )  # fmt: skip
    opacity = Tag(
        float,
        Node("Gas/Opacity"),
        unit="1/m",
        low=0,
        high=10,
        doc="Absorption k of a diesel's smoke.",
    )

    obd_read = Tag(bool, Node("Obd/Read"), doc="The diagnosis has been read from this vehicle.")
    obd_mil = Tag(bool, Node("Obd/Mil"), doc="The malfunction indicator is commanded on.")
    obd_dtc_count = Tag(int, Node("Obd/DtcCount"), low=0, high=127, doc="Stored trouble codes.")
    obd_ready = Tag(bool, Node("Obd/Ready"), doc="All supported monitors are ready.")
    continuity_measured = Tag(
        bool, Node("Electric/Measured"), doc="The ground continuity is of this vehicle."
    )
    ground_continuity = Tag(
        float, Node("Electric/GroundContinuity"), unit="mOhm", low=0, high=10000,
        doc="Resistance from the high-voltage housings to the body.",
    )  # fmt: skip

    slip_measured = Tag(
        bool, Register("discrete", 0, "bit", on="slip"), doc="The slip results are of this vehicle."
    )
    slip_front = Tag(
        float, Register("input", 0, "int16", scale=0.1, on="slip"), unit="m/km", low=-50, high=50,
        doc="Side slip of the front axle; outwards is positive.",
    )  # fmt: skip
    slip_rear = Tag(
        float, Register("input", 1, "int16", scale=0.1, on="slip"), unit="m/km", low=-50, high=50,
        doc="Side slip of the rear axle; outwards is positive.",
    )  # fmt: skip

    suspension_measured = Tag(
        bool, Register("holding", 0, "bit", bit=0, on="suspension"),
        doc="The suspension results are of this vehicle.",
    )  # fmt: skip
    suspension_frequency = Tag(
        float, Register("holding", 2, "float32", order="CDAB", on="suspension"), unit="Hz", low=0,
        high=40, deadband=0.1, doc="Frequency at which the plates shake just now.",
    )  # fmt: skip
    suspension_front_left = Tag(
        float,
        _percent(0, "suspension"),
        unit="%",
        low=0,
        high=100,
        doc="EUSAMA efficiency, front left.",
    )
    suspension_front_right = Tag(
        float,
        _percent(1, "suspension"),
        unit="%",
        low=0,
        high=100,
        doc="EUSAMA efficiency, front right.",
    )
    suspension_rear_left = Tag(
        float,
        _percent(2, "suspension"),
        unit="%",
        low=0,
        high=100,
        doc="EUSAMA efficiency, rear left.",
    )
    suspension_rear_right = Tag(
        float,
        _percent(3, "suspension"),
        unit="%",
        low=0,
        high=100,
        doc="EUSAMA efficiency, rear right.",
    )

    service_measured = Tag(
        bool, Register("input", 100, "bit", bit=0, on="brakes"),
        doc="The service brake's results are of this vehicle.",
    )  # fmt: skip
    parking_measured = Tag(
        bool, Register("input", 100, "bit", bit=1, on="brakes"),
        doc="The parking brake's results are of this vehicle.",
    )  # fmt: skip
    zero_ok = Tag(
        bool, Register("input", 100, "bit", bit=2, on="brakes"),
        doc="The brake tester has confirmed its zero point.",
    )  # fmt: skip
    rollers_running = Tag(
        bool, Register("input", 100, "bit", bit=3, on="brakes"), doc="The rollers are driven."
    )
    calibrated = Tag(
        str, Register("holding", 0, "text", size=5, on="brakes"),
        doc="Day of the brake tester's last calibration, YYYY-MM-DD.",
    )  # fmt: skip
    force_left = Tag(
        float, Register("input", 0, "uint16", on="brakes"), unit="N", low=0, high=12000, deadband=5,
        every_ms=100, doc="Force at the left roller just now.",
    )  # fmt: skip
    force_right = Tag(
        float, Register("input", 1, "uint16", on="brakes"), unit="N", low=0, high=12000, deadband=5,
        every_ms=100, doc="Force at the right roller just now.",
    )  # fmt: skip
    pedal_force = Tag(
        float, Register("input", 2, "uint16", on="brakes"), unit="N", low=0, high=1500, deadband=2,
        every_ms=100, doc="Force on the brake pedal.",
    )  # fmt: skip
    roller_speed = Tag(
        float, Register("input", 3, "uint16", scale=0.01, on="brakes"), unit="km/h", low=0, high=10,
        deadband=0.02, every_ms=100, doc="Speed of the rollers' surface.",
    )  # fmt: skip
    weights = Tag(
        list[float], Register("input", 10, "uint16", on="brakes"), unit="kg", low=0, high=3000,
        length=4, doc="Weight on each wheel: front left, front right, rear left, rear right.",
    )  # fmt: skip
    drag = Tag(
        list[float], Register("input", 20, "uint16", on="brakes"), unit="N", low=0, high=2000,
        length=4, doc="Rolling resistance of each wheel, in the order of the weights.",
    )  # fmt: skip
    ovality = Tag(
        list[float], Register("input", 30, "uint16", scale=0.1, on="brakes"), unit="%", low=0,
        high=100, length=4, doc="Fluctuation of the force in one turn of each wheel.",
    )  # fmt: skip
    brake_front_left = Tag(
        float, Register("input", 40, "uint16", on="brakes"), unit="N", low=0, high=12000,
        doc="Largest force of the service brake, front left.",
    )  # fmt: skip
    brake_front_right = Tag(
        float, Register("input", 41, "uint16", on="brakes"), unit="N", low=0, high=12000,
        doc="Largest force of the service brake, front right.",
    )  # fmt: skip
    brake_rear_left = Tag(
        float, Register("input", 42, "uint16", on="brakes"), unit="N", low=0, high=12000,
        doc="Largest force of the service brake, rear left.",
    )  # fmt: skip
    brake_rear_right = Tag(
        float, Register("input", 43, "uint16", on="brakes"), unit="N", low=0, high=12000,
        doc="Largest force of the service brake, rear right.",
    )  # fmt: skip
    parking_left = Tag(
        float, Register("input", 44, "uint16", on="brakes"), unit="N", low=0, high=12000,
        doc="Largest force of the parking brake, left.",
    )  # fmt: skip
    parking_right = Tag(
        float, Register("input", 45, "uint16", on="brakes"), unit="N", low=0, high=12000,
        doc="Largest force of the parking brake, right.",
    )  # fmt: skip
    service_efficiency = Tag(
        float, _percent(46, "brakes"), unit="%", low=0, high=150,
        doc="Efficiency of the service brake as the tester itself computes it.",
    )  # fmt: skip
    parking_efficiency = Tag(
        float, _percent(47, "brakes"), unit="%", low=0, high=150,
        doc="Efficiency of the parking brake as the tester itself computes it.",
    )  # fmt: skip

    start = Command(Node("Commands/Start"), doc="Start the test of the vehicle in the lane.")
    repeat_axle = Command(Node("Commands/RepeatAxle"), doc="Brake the axle on the rollers again.")
    release = Command(Node("Commands/Release"), doc="Open the exit and let the vehicle leave.")
