"""All faults, in the order in which they are listed. A new one is an entry in one of these files,
or a file of its own with a tuple FAULTS and its line here."""

from refit.chaos.fault import Fault
from refit.chaos.faults import away, disks, frozen, killed, links, modbus, opcua, outboxes, stores

FAULTS: tuple[Fault, ...] = (
    *killed.FAULTS,
    *frozen.FAULTS,
    *away.FAULTS,
    *stores.FAULTS,
    *opcua.FAULTS,
    *modbus.FAULTS,
    *links.FAULTS,
    *outboxes.FAULTS,
    *disks.FAULTS,
)
