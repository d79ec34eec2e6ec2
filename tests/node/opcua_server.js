// An OPC UA server that is not ours, for the system tests: node-opcua with one of everything.
//
// node opcua_server.js PORT TRUTH FOLDER [OTHERS] [AXES] [KEPT] [TURNS]
//
// Every value that it offers is a line of the file TRUTH, written before the value is set:
// {"node": "s=...", "ms": source time, "status": StatusCode, "value": what JSON can hold}.
// What a client has acknowledged is a line too: {"acked": [["s=...", source time], ...]}.
// OTHERS namespaces lie before ours, so that its index differs from one start to the next.
// Of every variable the last KEPT values (none) can be read with HistoryRead. Each variable gets a
// new value in one of TURNS (10) turns of 100 ms.
// A line on standard input is a command: `quit` shuts down as servers should, `hold` stops the
// changes, `forget` closes every session with its subscriptions; each is answered by a line. Without a standard input it runs until it is killed.
"use strict";

const fs = require("fs");
const readline = require("readline");
const {
    AccessLevelFlag, DataType, LocalizedText, MessageSecurityMode, OPCUACertificateManager,
    OPCUAServer, SecurityPolicy, StatusCodes, Variant, VariantArrayType, standardUnits,
} = require("node-opcua");

const [port, truthFile, folder, others, axes, kept, turns] = process.argv.slice(2);
const URI = "urn:foreign:plant";
const EVERY_MS = 100;
const WIDTHS = {
    SByte: [-128, 127], Byte: [0, 255], Int16: [-32768, 32767], UInt16: [0, 65535],
    Int32: [-2147483648, 2147483647], UInt32: [0, 4294967295],
    Int64: [-9223372036854775808n, 9223372036854775807n], UInt64: [0n, 18446744073709551615n],
};
const AXIS = {
    Position: "Double", Speed: "Float", Torque: "Double", Current: "Float", Count: "UInt32",
    Error: "Int16", Target: "Int32", Load: "Byte", Running: "Boolean", Program: "String",
};
const truth = fs.openSync(truthFile, "a");

// What a value is in the log: 64-bit integers and times as texts, bytes in base64.
function plain(value) {
    if (value === null || value === undefined) return null;
    if (typeof value === "bigint") return String(value);
    if (value instanceof Date) return value.toISOString();
    if (value instanceof LocalizedText) return value.text;
    if (Buffer.isBuffer(value)) return value.toString("base64");
    if (ArrayBuffer.isView(value) || Array.isArray(value)) return Array.from(value, plain);
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return value;
}

// The 64-bit form of node-opcua: two 32-bit halves.
function halves(number) {
    const bits = BigInt.asUintN(64, number);
    return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

class Offered {
    constructor(variable, make) {
        Object.assign(this, { variable, make });
        this.turn = 0;
    }

    // Log what comes next, and set it. `make` gives [value as Variant options, what to log, status].
    offer(now) {
        const [variant, logged, status] = this.make(this.turn++);
        const code = status || StatusCodes.Good;
        const node = this.variable.nodeId.toString().replace(/^ns=\d+;/, "");
        const line = { node, ms: now.getTime(), status: code.value, value: logged };
        fs.writeSync(truth, JSON.stringify(line) + "\n");
        const set = new Variant({ arrayType: VariantArrayType.Scalar, ...variant });
        this.variable.setValueFromSource(set, code, now);
    }
}

const offered = [];

function add(space, parent, path, dataType, make, options = {}) {
    const name = path.split("/").pop();
    const variable = space.addVariable({
        componentOf: parent, browseName: name, nodeId: `s=${path.replace(/\//g, ".")}`,
        dataType, minimumSamplingInterval: 0, ...options,
    });
    offered.push(new Offered(variable, make));
    return variable;
}

function folderIn(space, parent, name) {
    return space.addObject({ organizedBy: parent, browseName: name, nodeId: `s=${name}` });
}

// Numbers that no other turn has: the limits first, then a count.
function integer(name, low, high) {
    const is64 = typeof low === "bigint";
    return (turn) => {
        const span = is64 ? 1000003n * BigInt(turn) : turn * 7;
        let value = turn % 5 === 1 ? low : turn % 5 === 3 ? high : is64 ? span : span % (Number(high) + 1);
        if (is64 && value > high) value = high;
        return [{ dataType: DataType[name], value: is64 ? halves(value) : value }, plain(value)];
    };
}

function scalar(name, of) {
    return (turn) => {
        const value = of(turn);
        return [{ dataType: DataType[name], value }, plain(value)];
    };
}

function array(name, typed, of) {
    return (turn) => {
        const value = typed ? typed.from(of(turn)) : of(turn);
        return [{ dataType: DataType[name], arrayType: VariantArrayType.Array, value }, plain(value)];
    };
}

function addWidths(space, parent) {
    for (const [name, [low, high]] of Object.entries(WIDTHS)) {
        add(space, parent, `Widths/${name}`, name, integer(name, low, high), {
            description: `A counter of the type ${name}`,
        });
    }
    add(space, parent, "Widths/Float", "Float", scalar("Float", (n) => Math.fround(n / 8 - 3)));
    add(space, parent, "Widths/Double", "Double", scalar("Double", (n) => n * 0.1 - 5));
    add(space, parent, "Widths/Boolean", "Boolean", scalar("Boolean", (n) => n % 2 === 1));
}

function addTexts(space, parent) {
    const texts = ["", "12.50", "ÄÖÜ ß 日本", "a\nb", " padded ", "0x1F", "NaN", "x".repeat(300)];
    add(space, parent, "Texts/String", "String", scalar("String", (n) => texts[n % 8] + (n > 7 ? n : "")));
    add(space, parent, "Texts/Localized", "LocalizedText", (n) => [
        { dataType: DataType.LocalizedText, value: new LocalizedText({ locale: "de", text: `Lauf ${n}` }) },
        `Lauf ${n}`,
    ]);
    add(space, parent, "Texts/DateTime", "DateTime", scalar("DateTime", (n) => new Date(1700000000000 + n * 1001)));
    add(space, parent, "Texts/UtcTime", "UtcTime", scalar("DateTime", (n) => new Date(1600000000000 + n)));
    add(space, parent, "Texts/Guid", "Guid", scalar("Guid", (n) =>
        `72962B91-FA75-4AE6-8D28-${(n + 0xb404dc7d).toString(16).toUpperCase().padStart(12, "0")}`));
    add(space, parent, "Texts/Bytes", "ByteString", scalar("ByteString", (n) => Buffer.from([1, 2, n % 256])));
}

function addArrays(space, parent) {
    const one = (length) => ({ valueRank: 1, arrayDimensions: [length] });
    add(space, parent, "Arrays/Doubles", "Double", array("Double", Float64Array, (n) => [n, n / 2, -n, 0.25]), one(4));
    add(space, parent, "Arrays/Floats", "Float", array("Float", Float32Array, (n) => [n, n / 2, -n]), one(3));
    add(space, parent, "Arrays/Int32s", "Int32", array("Int32", Int32Array, (n) => [n, -n, 2147483647, -2147483648]), one(4));
    add(space, parent, "Arrays/Bytes", "Byte", array("Byte", Uint8Array, (n) => [n % 256, 255]), one(2));
    add(space, parent, "Arrays/Open", "Double", array("Double", Float64Array, (n) => [n, 1, 2]), { valueRank: 1 });
    add(space, parent, "Arrays/Int64s", "Int64", (n) => [
        { dataType: DataType.Int64, arrayType: VariantArrayType.Array, value: [halves(BigInt(-n)), halves(1n << 40n)] },
        [String(-n), String(1n << 40n)],
    ], one(2));
    add(space, parent, "Arrays/Matrix", "Double", (n) => {
        const value = Float64Array.from([n, 1, 2, 3, 4, -n]);
        return [{ dataType: DataType.Double, arrayType: VariantArrayType.Matrix, dimensions: [2, 3], value }, plain(value)];
    }, { valueRank: 2, arrayDimensions: [2, 3] });
    add(space, parent, "Arrays/Words", "String", array("String", null, (n) => ["a", String(n)]), one(2));
    add(space, parent, "Arrays/Bits", "Boolean", array("Boolean", null, (n) => [n % 2 === 1, true]), one(2));
}

function addAnalog(space, parent) {
    const units = { Temperature: "degree_celsius", Pressure: "bar", Length: "millimetre", Power: "kilowatt" };
    let number = 0;
    for (const [name, unit] of Object.entries(units)) {
        const low = -10 * number, high = 100 + number++;
        const variable = space.addAnalogDataItem({
            componentOf: parent, browseName: name, nodeId: `s=Analog.${name}`, dataType: "Double",
            definition: "", valuePrecision: 0.1, minimumSamplingInterval: 0,
            engineeringUnitsRange: { low, high }, instrumentRange: { low: low - 5, high: high + 5 },
            engineeringUnits: standardUnits[unit], description: `${name} of the bath`,
        });
        offered.push(new Offered(variable, scalar("Double", (n) => low + (n % 100))));
    }
}

function addDiscrete(space, parent) {
    const multi = space.addMultiStateDiscrete({
        componentOf: parent, browseName: "Mode", nodeId: "s=Discrete.Mode",
        enumStrings: ["Off", "Manual", "Automatic"], value: 0, minimumSamplingInterval: 0,
    });
    offered.push(new Offered(multi, scalar("UInt32", (n) => n % 3)));
    const two = space.addTwoStateDiscrete({
        componentOf: parent, browseName: "Gate", nodeId: "s=Discrete.Gate",
        trueState: "open", falseState: "closed", value: false, minimumSamplingInterval: 0,
    });
    offered.push(new Offered(two, scalar("Boolean", (n) => n % 2 === 1)));
    const states = space.addEnumerationType({
        browseName: "DoorState", enumeration: [
            { displayName: "Shut", value: 1 }, { displayName: "Ajar", value: 5 }, { displayName: "Wide", value: 9 },
        ],
    });
    add(space, parent, "Discrete/Door", states.nodeId, scalar("Int32", (n) => [1, 5, 9][n % 3]));
}

function addQuality(space, parent) {
    const bad = [
        StatusCodes.Good, StatusCodes.BadSensorFailure, StatusCodes.UncertainLastUsableValue,
        StatusCodes.BadDeviceFailure, StatusCodes.UncertainSensorNotAccurate, StatusCodes.GoodLocalOverride,
    ];
    const empty = { dataType: DataType.Null };
    add(space, parent, "Quality/WithValue", "Double", (n) => [
        { dataType: DataType.Double, value: n }, n, bad[n % bad.length],
    ]);
    add(space, parent, "Quality/WithoutValue", "Double", (n) => n % 3 === 1
        ? [empty, null, StatusCodes.BadCommunicationError]
        : [{ dataType: DataType.Double, value: n }, n]);
    add(space, parent, "Quality/NoData", "Int32", () => [empty, null, StatusCodes.BadNoData]);
    add(space, parent, "Quality/NotANumber", "Double", scalar("Double", (n) => [1, NaN, 2, Infinity][n % 4]));
}

function addOdd(space, parent) {
    add(space, parent, "Odd/Structure", "Range", (n) => {
        const value = space.addressSpace.constructExtensionObject(
            space.addressSpace.findDataType("Range"), { low: n, high: n + 1 });
        return [{ dataType: DataType.ExtensionObject, value }, null];
    });
    add(space, parent, "Odd/WriteOnly", "Int32", scalar("Int32", (n) => n), {
        accessLevel: AccessLevelFlag.CurrentWrite, userAccessLevel: AccessLevelFlag.CurrentWrite,
    });
    add(space, parent, "Odd/Any", "BaseDataType", scalar("Double", (n) => n * 2));
    add(space, parent, "Odd/Semicolon; and=signs", "Int32", scalar("Int32", (n) => n));
    add(space, parent, "Odd/semicolon AND signs", "Int32", scalar("Int32", (n) => -n));
    parent.addReference({ referenceType: "Organizes", nodeId: parent.parent.nodeId, isForward: true }); // a ring
}

function addAxes(space, plant, count) {
    let hall = plant; // of more than a hundred, each hundred has a hall: long lists take it long
    for (let axis = 0; axis < count; axis++) {
        if (count > 100 && axis % 100 === 0) {
            const name = `Hall${axis / 100}`;
            hall = space.addObject({ componentOf: plant, browseName: name, nodeId: `s=${name}` });
        }
        const parent = space.addObject({ componentOf: hall, browseName: `Axis${axis}`, nodeId: `s=Axis${axis}` });
        for (const [name, type] of Object.entries(AXIS)) {
            const make = type === "Boolean" ? scalar(type, (n) => n % 2 === 0)
                : type === "String" ? scalar(type, (n) => `P${axis}-${n}`)
                : type === "Double" || type === "Float" ? scalar(type, (n) => axis + n / 4)
                : scalar(type, (n) => (axis + n) % 250);
            add(space, parent, `Axis${axis}/${name}`, type, make);
        }
    }
}

// Log what is acknowledged: the values of the notification that has this sequence number.
function watch(subscription) {
    const nodes = new Map();
    subscription.on("monitoredItem", (item, asked) => {
        nodes.set(item.clientHandle, asked.nodeId.toString().replace(/^ns=\d+;/, ""));
    });
    const acknowledge = subscription.acknowledgeNotification;
    subscription.acknowledgeNotification = function (sequence) {
        const message = this.getMessageForSequenceNumber(sequence);
        const items = (message ? message.notificationData : []).flatMap((data) => data.monitoredItems || []);
        const acked = items.map((one) => [nodes.get(one.clientHandle), one.value.sourceTimestamp.getTime()]);
        if (acked.length) fs.writeSync(truth, JSON.stringify({ acked }) + "\n");
        return acknowledge.call(this, sequence);
    };
}

async function main() {
    const pki = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
    const server = new OPCUAServer({
        port: Number(port), hostname: "127.0.0.1", allowAnonymous: true,
        serverCertificateManager: pki, userCertificateManager: pki,
        securityPolicies: [
            SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss,
        ],
        securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
        userManager: { isValidUser: (user, password) => user === "refit" && password === "secret" },
        serverInfo: { applicationUri: "urn:foreign:server", productUri: "urn:foreign" },
        serverCapabilities: { maxSessions: 20, operationLimits: { maxNodesPerRead: 400, maxNodesPerBrowse: 90, maxMonitoredItemsPerCall: 300 } },
    });
    await server.initialize();
    const addressSpace = server.engine.addressSpace;
    for (let other = 0; other < Number(others || 0); other++) addressSpace.registerNamespace(`urn:foreign:other:${other}`);
    const space = addressSpace.registerNamespace(URI);
    const plant = space.addObject({ organizedBy: addressSpace.rootFolder.objects, browseName: "Plant", nodeId: "s=Plant" });
    const rooms = { Widths: addWidths, Texts: addTexts, Arrays: addArrays, Analog: addAnalog,
                    Discrete: addDiscrete, Quality: addQuality, Odd: addOdd };
    for (const [name, fill] of Object.entries(rooms)) {
        fill(space, space.addObject({ componentOf: plant, browseName: name, nodeId: `s=${name}` }));
    }
    addAxes(space, plant, Number(axes || 100));
    if (Number(kept)) {
        for (const one of offered) {
            space.addressSpace.installHistoricalDataNode(one.variable, { maxOnlineValues: Number(kept) });
        }
    }
    for (const one of offered) one.offer(new Date());
    server.on("create_session", (session) => session.on("new_subscription", watch));
    await server.start();
    let next = 0;
    const share = Math.ceil(offered.length / Number(turns || 10));
    const timer = setInterval(() => {
        const now = new Date();
        for (let count = 0; count < share; count++) offered[next++ % offered.length].offer(now);
    }, EVERY_MS);
    readline.createInterface({ input: process.stdin }).on("line", async (line) => {
        if (line === "forget") {
            for (const session of Object.values(server.engine._sessions)) {
                server.engine.closeSession(session.authenticationToken, true, "Forcing");
            }
        } else clearInterval(timer);
        if (line === "quit") await server.shutdown(200);
        console.log(`${line} done`);
        if (line === "quit") process.exit(0);
    });
    console.log(`ready ${offered.length} ${space.index}`);
}

main().catch((error) => { console.error(error); process.exit(1); });
