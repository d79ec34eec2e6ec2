// A Sparkplug edge node that is not ours and none of the best, for the system tests: the npm client.
//
// node sparkplug_edge.js PORT GROUP EDGE DEVICE
//
// Its Will has QoS 0, its bdSeq never rises, UInt32 stands in long_value, and it can compress.
// A line on standard input is a command, answered by a line that begins with it: `data N`,
// `deflate N`, `gzip N` (values of the device), `births DEFLATE` (births again, compressed), `drop`
// (the connection, without a word), `wrong N` (births with another bdSeq than the Will has),
// `decode BASE64` and `encode` (a payload by its codec alone), `quit`.
"use strict";

const readline = require("readline");
const sparkplug = require("sparkplug-client");
const codec = require("sparkplug-payload").get("spBv1.0");

const [port, groupId, edgeNode, device] = process.argv.slice(2);
const TYPES = [
    ["int8", "Int8", -128], ["int16", "Int16", -32768], ["int32", "Int32", -2147483648],
    ["int64", "Int64", -5], ["uint8", "UInt8", 255], ["uint16", "UInt16", 65535],
    ["uint32", "UInt32", 4294967295], ["float", "Float", -1.5], ["double", "Double", -2.25],
    ["boolean", "Boolean", true], ["string", "String", "Haube \u00e4"], ["text", "Text", "text"],
    ["datetime", "DateTime", 1700000000123],
];

function births() {
    const metrics = TYPES.map(([name, type, value]) => ({ name, type, value, timestamp: Date.now() }));
    metrics.push({ name: "unit", type: "Double", value: 7, properties: { engUnit: { type: "String", value: "mm" }, Quality: { type: "Int32", value: 500 } } });
    metrics.push({ name: "bytes", type: "Bytes", value: new Uint8Array([1, 2]) });
    return { timestamp: Date.now(), metrics };
}

function born(options) {
    const control = { name: "Node Control/Rebirth", type: "Boolean", value: false };
    client.publishNodeBirth({ timestamp: Date.now(), metrics: [control] }, options);
    client.publishDeviceBirth(device, births(), options);
}

function data(number, options) {
    const metrics = [
        { name: "int32", type: "Int32", value: -number, timestamp: Date.now() },
        { name: "uint32", type: "UInt32", value: number, timestamp: Date.now() },
    ];
    client.publishDeviceData(device, { timestamp: Date.now(), metrics }, options);
}

// 64-bit integers as texts, bytes in base64.
function plain(key, value) {
    if (value && value.low !== undefined) return value.toString();
    return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

function obey(word, argument) {
    if (word === "data") data(Number(argument));
    if (word === "deflate") data(Number(argument), { compress: true });
    if (word === "gzip") data(Number(argument), { compress: true, algorithm: "GZIP" });
    if (word === "births") born({ compress: true, algorithm: argument });
    if (word === "wrong") { client.bdSeq = Number(argument); born(); }
    if (word === "drop") client.client.stream.destroy();
    if (word === "decode") return JSON.stringify(codec.decodePayload(Buffer.from(argument, "base64")), plain);
    if (word === "encode") return Buffer.from(codec.encodePayload(births())).toString("base64");
    return "done";
}

const client = sparkplug.newClient({
    serverUrl: `mqtt://127.0.0.1:${port}`, username: "", password: "", groupId, edgeNode,
    clientId: edgeNode, version: "spBv1.0", keepalive: 5, mqttOptions: { reconnectPeriod: 200 },
});
let isReady = false;
client.on("birth", () => {
    born();
    if (!isReady) console.log("ready");
    isReady = true;
});
client.on("ncmd", (payload) => {
    if (payload.metrics.some((one) => one.name === "Node Control/Rebirth" && one.value)) born();
});
client.on("error", () => {});
readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const [word, argument] = line.split(" ");
    console.log(`${line} ${obey(word, argument)}`);
    if (word === "quit") process.exit(0);
});
