"""Every fault of the faulty host, and the assertions under which it must be reported."""

from __future__ import annotations

_OPS = "operational-behavior-host-application"
_CMD = "operational-behavior-data-commands"
_FLOW = "message-flow-phid-sparkplug"
_T = "host-topic-phid"

SESSION = {
    "no will": f"{_T}-death-required {_OPS}-connect-will conformance-primary-host "
    "intro-sparkplug-host-state components-ph-state",
    "will on another topic": f"{_T}-death-topic {_OPS}-connect-will-topic "
    "payloads-state-will-message",
    "will qos 0": f"{_T}-death-qos {_OPS}-connect-will-qos payloads-state-will-message-qos",
    "will not retained": f"{_T}-death-retain {_OPS}-connect-will-retained "
    "payloads-state-will-message-retain",
    "will says online": f"{_T}-death-payload {_OPS}-connect-will-payload "
    "payloads-state-will-message-payload",
    "time as text": f"{_T}-death-payload payloads-state-will-message-payload",
    "old will time": f"{_T}-death-payload-timestamp-connect",
    "not clean": f"{_FLOW}-clean-session-311",
    "own STATE not subscribed": f"{_T}-birth-sub-required {_FLOW}-subscription "
    "payloads-state-subscribe",
    "STATE before subscribing": f"{_T}-birth-required {_FLOW}-subscription {_FLOW}-state-publish",
    "another first": f"principles-birth-certificates-order {_T}-birth-message {_OPS}-connect-birth",
    "command first": f"{_T}-birth-message operational-behavior-primary-application-state-with-"
    "multiple-servers-state",
    "two hosts of one id": f"{_OPS}-host-id",
}
STATE = {
    "legacy topic": f"{_T}-birth-message",
    "wrong namespace": f"topic-structure-namespace-a {_T}-birth-topic {_OPS}-connect-birth-topic",
    "device level in STATE": "topic-structure-namespace-device-id-non-associated-message-types",
    "STATE with QoS 0": f"{_T}-birth-qos {_OPS}-connect-birth-qos payloads-state-birth",
    "STATE not retained": f"{_T}-birth-retain {_OPS}-connect-birth-retained payloads-state-birth",
    "legacy STATE": f"{_T}-birth-payload {_OPS}-connect-birth-payload payloads-state-birth-payload "
    f"{_FLOW}-state-publish-payload",
    "timestamp mismatch": f"{_T}-birth-payload-timestamp {_FLOW}-state-publish-payload-timestamp",
    "own offline not answered": "message-flow-hid-sparkplug-state-message-delivered",
    "own offline answered with another time": "message-flow-hid-sparkplug-state-message-delivered",
    "no time above another's": "requirement-26",
    "no STATE death": f"{_OPS}-termination",
    "old death time": f"{_T}-death-payload-timestamp-disconnect-clean "
    f"{_T}-death-payload-timestamp-disconnect-with-no-disconnect-packet",
    "death time as text": f"{_OPS}-death-payload",
    "death on another topic": f"{_OPS}-death-topic",
    "death with QoS 0": f"{_OPS}-death-qos",
    "death not retained": f"{_OPS}-death-retained",
}
COMMANDS = {
    "rebirth by DCMD": f"{_CMD}-ncmd-rebirth-verb",
    "rebirth in other words": f"{_CMD}-ncmd-rebirth-name",
    "rebirth is false": f"{_CMD}-ncmd-rebirth-value",
    "NCMD without name": f"{_CMD}-ncmd-metric-name",
    "NCMD of an unknown metric": f"{_CMD}-ncmd-metric-name",
    "NCMD of another type": f"{_CMD}-ncmd-metric-value",
    "DCMD of an unknown metric": f"{_CMD}-dcmd-metric-name",
    "DCMD of another type": f"{_CMD}-dcmd-metric-value",
    "a name for an alias": "payloads-alias-data-cmd-requirement",
    "command without timestamp": "topics-ncmd-timestamp payloads-ncmd-timestamp "
    "topics-dcmd-timestamp payloads-dcmd-timestamp",
    "seq in a command": "payloads-ncmd-seq payloads-dcmd-seq",
    "datatype in a command": "payloads-metric-datatype-not-req",
    "NCMD to a device": "topics-ncmd-topic topic-structure-namespace-device-id-non-associated-"
    f"message-types {_CMD}-ncmd-verb",
    "command with QoS 1": "topics-ncmd-mqtt payloads-ncmd-qos topics-dcmd-mqtt payloads-dcmd-qos",
    "command retained": "topics-ncmd-mqtt payloads-ncmd-retain topics-dcmd-mqtt "
    "payloads-dcmd-retain",
    "empty commands": "topics-ncmd-payload topics-dcmd-payload",
}

FAULTS = {
    **{(fault, 4): ids.split() for fault, ids in (SESSION | STATE | COMMANDS).items()},
    ("not clean", 5): [f"{_FLOW}-clean-session-50"],
    ("expiry", 5): [f"{_FLOW}-clean-session-50"],
}
