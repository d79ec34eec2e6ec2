"""Every fault of the faulty edge node, and the assertions under which it must be reported."""

from __future__ import annotations

_FLOW = "message-flow-edge-node-birth-publish"
_DEVICE_FLOW = "message-flow-device-birth-publish"
_OPS = "operational-behavior"
_NS = "topic-structure-namespace"

SESSION = {
    "bdSeq not counted": f"topics-nbirth-bdseq-increment {_FLOW}-will-message-payload-bdSeq",
    "bdSeq skips": "topics-nbirth-bdseq-increment",
    "bdSeq of UInt64 in the Will": f"{_FLOW}-will-message-payload-bdSeq",
    "no will": f"{_FLOW}-will-message payloads-ndeath-will-message",
    "will on another topic": f"{_FLOW}-will-message-topic",
    "will is no protobuf": f"{_FLOW}-will-message-payload",
    "will qos 0": f"{_FLOW}-will-message-qos payloads-ndeath-will-message-qos",
    "will retained": f"{_FLOW}-will-message-will-retained payloads-ndeath-will-message-retain",
    "seq in NDEATH": "topics-ndeath-seq payloads-ndeath-seq",
    "more in NDEATH": "topics-ndeath-payload",
    "bdSeq by alias in NDEATH": "topics-ndeath-payload",
    "not clean": "principles-persistence-clean-session-311",
    "NCMD with QoS 0": "message-flow-edge-node-ncmd-subscribe",
    "no NCMD": "message-flow-edge-node-ncmd-subscribe",
    "no DCMD": "message-flow-device-dcmd-subscribe",
    "publish before connack": f"{_FLOW}-connect",
    "birth before subscribe": "message-flow-edge-node-ncmd-subscribe",
    "first message is another": "principles-birth-certificates-order",
    "no NDEATH on leaving": f"{_OPS}-edge-node-intentional-disconnect-ndeath "
    "payloads-ndeath-will-message-publisher payloads-ndeath-will-message-publisher-disconnect-"
    "mqtt311",
    "NDEATH of the next session": "payloads-ndeath-bdseq",
    "data after NDEATH": "payloads-ddata-order",
    "two of one id": "intro-edge-node-id-uniqueness payloads-nbirth-edge-node-descriptor "
    f"{_NS}-unique-edge-node-descriptor",
    "two at once": f"{_OPS}-primary-application-state-with-multiple-servers-single-server",
}
SESSION_5 = {
    "not clean": "principles-persistence-clean-session-50",
    "expiry": "principles-persistence-clean-session-50",
    "no DISCONNECT reason 0x04": "payloads-ndeath-will-message-publisher-disconnect-mqtt50",
}
TOPICS = {
    "namespace": f"{_NS}-a topic-structure topics-nbirth-topic topics-dbirth-topic "
    f"topics-ddeath-topic topics-ndeath-topic {_FLOW}-nbirth-topic {_DEVICE_FLOW}-dbirth-topic",
    "+ in the group": f"intro-group-id-chars {_NS}-valid-group-id",
    "/ in the group": f"topic-structure {_NS}-valid-group-id",
    "# in the edge id": f"intro-edge-node-id-chars {_NS}-valid-edge-node-id",
    "group not UTF-8": "intro-group-id-string",
    "device id not UTF-8": "intro-device-id-string",
    "device ids differ by case": "case-sensitivity-sparkplug-ids",
    "edge id not UTF-8": "intro-edge-node-id-string",
    "# in the device id": f"intro-device-id-chars {_NS}-valid-device-id",
    "/ in the device id": f"{_NS}-valid-device-id",
    "no device level": f"{_NS}-device-id-associated-message-types topics-ddata-topic",
    "device level in NDATA": f"{_NS}-device-id-non-associated-message-types topics-ndata-topic",
    "dbirth of another node": f"{_DEVICE_FLOW}-dbirth-match-edge-node-topic",
    "a device twice": f"{_NS}-unique-device-id",
}
ORDER = {
    "data before birth": "payloads-ndata-order principles-birth-certificates-order",
    "DBIRTH before NBIRTH": f"{_DEVICE_FLOW}-nbirth-wait",
    "DDATA before DBIRTH": "payloads-ddata-order",
    "device born after data": "payloads-dbirth-order payloads-ddata-order",
    "data of an unborn device": "payloads-ddata-order",
    "DATA after DDEATH": "payloads-ddata-order",
    "no DDEATH": f"{_OPS}-device-ddeath",
    "DDEATH of an unknown device": f"{_OPS}-device-ddeath",
    "rebirth ignored": f"{_OPS}-data-commands-rebirth-action-1",
    "DATA after a rebirth request": f"{_OPS}-data-commands-rebirth-action-1",
    "a device left out of a rebirth": f"{_OPS}-data-commands-rebirth-action-2",
    "new bdSeq on rebirth": f"{_OPS}-data-commands-rebirth-action-3 payloads-nbirth-bdseq-repeat",
    "NDEATH on rebirth": "requirement-9",
    "seq from 1": "topics-nbirth-seq-num payloads-nbirth-seq payloads-sequence-num-req-nbirth "
    f"{_FLOW}-nbirth-payload-seq",
    "no seq 0 on rebirth": "topics-nbirth-seq-num",
    "seq gap": "payloads-sequence-num-incrementing topics-ddata-seq-num topics-ndata-seq-num "
    "topics-dbirth-seq topics-ddeath-seq-num payloads-ddata-seq-inc payloads-ndata-seq-inc "
    "payloads-dbirth-seq-inc payloads-ddeath-seq-inc payloads-ddeath-seq-number "
    f"{_DEVICE_FLOW}-dbirth-payload-seq",
    "seq to 256": "payloads-sequence-num-incrementing payloads-ddata-seq-inc",
    "no seq": "payloads-sequence-num-always-included payloads-ndata-seq payloads-ddata-seq "
    "payloads-dbirth-seq payloads-ddeath-seq",
}
PRIMARY = {
    "obeys a foreign host": f"{_FLOW}-phid-wait-id",
    "does not wait": f"{_FLOW}-phid-wait {_FLOW}-phid-wait-online "
    f"{_OPS}-edge-node-birth-sequence-wait",
    "older STATE brings births": f"{_FLOW}-phid-wait-timestamp",
    "older STATE obeyed": f"{_OPS}-edge-node-termination-host-offline-timestamp",
    "stays without its host": f"{_OPS}-edge-node-termination-host-offline",
    "leaves its host without NDEATH": f"{_FLOW}-phid-offline",
}
BIRTHS = {
    "NBIRTH without a value": f"{_OPS}-data-publish-nbirth-values topics-nbirth-metrics",
    "times fall in NBIRTH": f"{_OPS}-data-publish-nbirth-order",
    "bdSeq not repeated": "topics-nbirth-bdseq-matching payloads-nbirth-bdseq-repeat",
    "no bdSeq": "topics-nbirth-bdseq-included payloads-nbirth-bdseq",
    "bdSeq of UInt64": f"{_FLOW}-nbirth-payload-bdSeq",
    "alias on bdSeq": "requirement-12",
    "no Rebirth metric": "topics-nbirth-rebirth-metric payloads-nbirth-rebirth-req "
    f"{_OPS}-data-commands-rebirth-name",
    "alias on Rebirth": f"{_OPS}-data-commands-rebirth-name-aliases",
    "Rebirth is true": f"{_OPS}-data-commands-rebirth-value",
    "Rebirth is no Boolean": f"{_OPS}-data-commands-rebirth-datatype",
    "names differ by case": "case-sensitivity-metric-names",
    "alias clash": "payloads-alias-uniqueness",
    "alias without name": "payloads-alias-birth-requirement",
    "no datatype in births": "payloads-metric-datatype-req topics-dbirth-metrics",
    "unknown datatype": "payloads-metric-datatype-value",
    "value in the wrong field": f"{_OPS}-data-publish-dbirth-values",
    "null without is_null": f"{_OPS}-data-publish-dbirth-values topics-dbirth-metrics",
    "null with a value": f"{_OPS}-data-publish-dbirth-values",
    "times fall in births": f"{_OPS}-data-publish-dbirth-order",
    "unknown quality": "payloads-propertyset-quality-value-value",
    "quality of another type": "payloads-propertyset-quality-value-type",
    "property without a type": "payloads-metric-propertyvalue-type-req",
    "more keys than values": "payloads-propertyset-keys-array-size "
    "payloads-propertyset-values-array-size",
    "property type": "payloads-metric-propertyvalue-type-value",
}
MESSAGES = {
    "NBIRTH with QoS 1": f"topics-nbirth-mqtt {_FLOW}-nbirth-qos payloads-nbirth-qos",
    "NBIRTH retained": f"topics-nbirth-mqtt {_FLOW}-nbirth-retained payloads-nbirth-retain",
    "NBIRTH is no protobuf": f"{_FLOW}-nbirth-payload",
    "DBIRTH with QoS 1": f"topics-dbirth-mqtt {_DEVICE_FLOW}-dbirth-qos payloads-dbirth-qos",
    "DBIRTH retained": f"topics-dbirth-mqtt {_DEVICE_FLOW}-dbirth-retained payloads-dbirth-retain",
    "DBIRTH is no protobuf": f"{_DEVICE_FLOW}-dbirth-payload",
    "NDATA with QoS 1": "topics-ndata-mqtt payloads-ndata-qos",
    "NDATA retained": "topics-ndata-mqtt payloads-ndata-retain",
    "DDATA with QoS 1": "topics-ddata-mqtt payloads-ddata-qos",
    "DDATA retained": "topics-ddata-mqtt payloads-ddata-retain",
    "DDEATH with QoS 1": "topics-ddeath-mqtt",
    "no payload timestamp": "topics-nbirth-timestamp payloads-nbirth-timestamp "
    "topics-dbirth-timestamp payloads-dbirth-timestamp topics-ndata-timestamp "
    "payloads-ndata-timestamp topics-ddata-timestamp payloads-ddata-timestamp "
    "payloads-ddeath-timestamp",
    "payload timestamp in seconds": "payloads-timestamp-in-UTC topics-ddata-timestamp",
    "payload timestamp in local time": "payloads-timestamp-in-UTC",
}
DATA = {
    "NDATA again and again": f"{_OPS}-data-publish-nbirth-change",
    "metric of no NBIRTH": f"topics-nbirth-metric-reqs {_OPS}-data-publish-nbirth",
    "empty NDATA": "topics-ndata-payload",
    "no metric timestamp": "payloads-name-birth-data-requirement",
    "metric timestamp in seconds": "payloads-metric-timestamp-in-UTC",
    "unknown alias": "payloads-alias-birth-requirement topics-dbirth-metric-reqs",
    "times fall in data": f"{_OPS}-data-publish-dbirth-order",
    "name with alias in data": "payloads-alias-data-cmd-requirement",
    "same value again and again": f"{_OPS}-data-publish-dbirth-change principles-rbe-recommended",
    "wrong field in data": "topics-ddata-payload",
    "datatype in data": "payloads-metric-datatype-not-req",
    "neither name nor alias": "payloads-name-requirement",
    "metric of no birth": f"topics-dbirth-metric-reqs {_OPS}-data-publish-dbirth",
    "empty data": "topics-ddata-payload",
}
_T, _D = "payloads-template", "payloads-dataset"
STRUCTURES = {
    "dataset without types": f"{_D}-parameter-type-req {_D}-types-num",
    "dataset type": f"{_D}-types-value",
    "dataset column count": f"{_D}-column-num-headers {_D}-types-num",
    "dataset without a column count": f"{_D}-column-size",
    "dataset cell": f"{_T}-dataset-value",
    "template not defined": f"topics-nbirth-templates {_T}-definition-nbirth",
    "definition without its flag": f"{_T}-is-definition",
    "definition with a reference": f"{_T}-definition-ref {_T}-ref-definition",
    "definition in a DBIRTH": f"{_T}-definition-nbirth-only",
    "instance without its flag": f"{_T}-is-definition",
    "instance without a reference": f"{_T}-instance-ref {_T}-ref-instance",
    "instance without all members": f"{_T}-instance-members-birth",
    "member of no definition": f"{_T}-instance-members {_T}-definition-members",
    "parameter without a name": f"{_T}-parameter-name-required",
    "parameter without a type": f"{_T}-parameter-type-req",
    "parameter type": f"{_T}-parameter-type-value",
    "parameter of no definition": f"{_T}-definition-parameters",
}

FAULTS = {
    (fault, version): ids.split()
    for version, listed in (
        (4, SESSION | TOPICS | ORDER | PRIMARY | BIRTHS | MESSAGES | DATA | STRUCTURES),
        (5, SESSION_5),
    )
    for fault, ids in listed.items()
}
