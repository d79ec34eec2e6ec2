// A Modbus TCP server that is not ours, for the system tests: jsmodbus with one of everything.
//
// node modbus_server.js PORT TRUTH [TURN]
//
// All values change together, every EVERY_MS: that is a turn, counted from TURN. Lines of the file TRUTH:
// {"turn": n, "ms": time, "values": {name: what JSON can hold}} before the values of a turn are set,
// {"ms": time, "asked": time, "table": ..., "start": ..., "count": ..., "code": exception or 0, "turn": n}
// for every request, before its answer is sent. Names are "TABLE ADDRESS". The input registers 0 to 999
// hold (31 * address + 7 * turn) modulo 65536 and are not listed; 500 is none. So is holding 70.
// Other units than 1 are not there.
// A line on standard input is a command, answered by a line: `fail TABLE ADDRESS CODE`, `heal`, `slow MS`,
// `hold` (nothing changes any more), `quit`. Without a standard input it runs until it is killed.
"use strict";

const fs = require("fs");
const net = require("net");
const readline = require("readline");
const modbus = require("jsmodbus");

const [port, truthFile, first] = process.argv.slice(2);
const EVERY_MS = 40;
const ILLEGAL_ADDRESS = 2, NO_SUCH_UNIT = 11;
const WIDE = 1000, HOLE = 500;
const SIZES = { coil: 20, discrete: 8, input: WIDE, holding: 80 };
const truth = fs.openSync(truthFile, "a");
const memory = { coil: Buffer.alloc(3), discrete: Buffer.alloc(1),
                 input: Buffer.alloc(2 * WIDE), holding: Buffer.alloc(2 * SIZES.holding) };
const refused = new Map([[`holding 70`, ILLEGAL_ADDRESS], [`input ${HOLE}`, ILLEGAL_ADDRESS]]);
let turn = Number(first || 0), slow = 0;

const pick = (list) => (n) => list[n % list.length];
const WIDTHS = {
    uint16: [2, "writeUInt16BE", (n) => pick([0, 65535, n % 65536])(n)],
    int16: [2, "writeInt16BE", (n) => pick([-32768, 32767, -(n % 32768), -1])(n)],
    uint32: [4, "writeUInt32BE", (n) => pick([0, 4294967295, n * 70001 % 4294967296])(n)],
    int32: [4, "writeInt32BE", (n) => pick([-2147483648, 2147483647, -n, n * 65537 % 2147483648])(n)],
    uint64: [8, "writeBigUInt64BE", (n) => pick([0n, 18446744073709551615n, 9223372036854775807n, BigInt(n) << 33n])(n)],
    int64: [8, "writeBigInt64BE", (n) => pick([-9223372036854775808n, 9223372036854775807n, -BigInt(n) << 20n, BigInt(n)])(n)],
    float32: [4, "writeFloatBE", (n) => pick([Math.fround(n / 8), Math.fround(-n * 1e-6), Math.fround(n * 1e20), NaN])(n)],
    float64: [8, "writeDoubleBE", (n) => pick([n * 0.1, -n * 1e-200, n * 1e200, Infinity])(n)],
};
const TEXTS = ["", "V1", "12.50", "Prüfstand", "ÄÖÜ", "sixteen letters.", " x "];

// From the order of a plain big-endian number to that of a device.
function ordered(bytes, order) {
    if (order === "BADC" || order === "DCBA") bytes.swap16();
    if (order === "CDAB" || order === "DCBA") {
        const words = [];
        for (let at = bytes.length - 2; at >= 0; at -= 2) words.push(Buffer.from(bytes.subarray(at, at + 2)));
        return Buffer.concat(words);
    }
    return bytes;
}

const variables = []; // {name, table, address, make(turn) -> [value, bytes]}

function number(address, width, order) {
    const [size, write, of] = WIDTHS[width];
    variables.push({ name: `holding ${address}`, address, make: (n) => {
        const bytes = Buffer.alloc(size), value = of(n);
        bytes[write](value);
        return [typeof value === "bigint" || !Number.isFinite(value) ? String(value) : value, ordered(bytes, order)];
    } });
}

function text(address, registers, order) {
    variables.push({ name: `holding ${address}`, address, make: (n) => {
        const value = pick(TEXTS)(n), bytes = Buffer.alloc(2 * registers);
        bytes.write(value, "utf8");
        if (order === "BADC") bytes.swap16();
        return [value, bytes];
    } });
}

["uint16", "int16"].forEach((width, at) => number(at, width, "ABCD"));
["ABCD", "BADC", "CDAB", "DCBA"].forEach((order, at) => {
    number(2 + 2 * at, "uint32", order);
    number(10 + 2 * at, "int32", order);
    number(18 + 2 * at, "float32", order);
    number(26 + 4 * at, at % 2 ? "int64" : "uint64", order);
});
number(42, "float64", "ABCD");
number(46, "float64", "CDAB");
text(50, 8, "ABCD");
text(58, 8, "BADC");
number(66, "uint16", "ABCD"); // a word of bits
number(71, "uint16", "ABCD");

function log(line) {
    fs.writeSync(truth, `${JSON.stringify(line)}\n`);
}

function setBits(buffer, count, of) {
    buffer.fill(0);
    for (let at = 0; at < count; at++) if (of(at)) buffer[at >> 3] |= 1 << (at & 7);
}

function next() {
    turn += 1;
    const values = {}, made = variables.map((one) => [one, ...one.make(turn)]);
    for (const [one, value] of made) values[one.name] = value;
    const coil = (at) => (turn + at) % 3 === 0, discrete = (at) => (turn >> at) % 2 === 1;
    for (let at = 0; at < SIZES.coil; at++) values[`coil ${at}`] = coil(at);
    for (let at = 0; at < SIZES.discrete; at++) values[`discrete ${at}`] = discrete(at);
    log({ turn, ms: Date.now(), values });
    for (const [one, , bytes] of made) bytes.copy(memory.holding, 2 * one.address);
    for (let at = 0; at < WIDE; at++) memory.input.writeUInt16BE((31 * at + 7 * turn) % 65536, 2 * at);
    setBits(memory.coil, SIZES.coil, coil);
    setBits(memory.discrete, SIZES.discrete, discrete);
}

function codeOf(request, table) {
    if (request.unitId !== 1) return NO_SUCH_UNIT;
    const { start, count } = request.body;
    if (start + count > SIZES[table]) return ILLEGAL_ADDRESS;
    for (let at = start; at < start + count; at++) {
        const code = refused.get(`${table} ${at}`);
        if (code) return code;
    }
    return 0;
}

function serve(server, event, table, Body) {
    server.on(event, (request, send) => {
        const asked = Date.now();
        const answer = () => {
            const code = codeOf(request, table), { start, count, fc } = request.body;
            const body = code ? new modbus.responses.ExceptionResponseBody(fc, code) : Body.fromRequest(request.body, memory[table]);
            log({ ms: Date.now(), asked, table, start, count, code, turn });
            send(modbus.ModbusTCPResponse.fromRequest(request, body).createPayload());
        };
        if (slow) setTimeout(answer, slow);
        else answer();
    });
}

function told(line) {
    const [word, table, address, code] = line.split(" ");
    if (word === "fail") refused.set(`${table} ${address}`, Number(code));
    if (word === "heal") refused.delete(`${table} ${address}`);
    if (word === "slow") slow = Number(table);
    if (word === "hold") clearInterval(timer);
    console.log(`${line} done`);
    if (word === "quit") process.exit(0);
}

next();
const timer = setInterval(next, EVERY_MS);
const listener = new net.Server();
// Without memories of its own the library asks us for every answer.
const server = new modbus.server.TCP(listener, { coils: undefined, discrete: undefined, input: undefined, holding: undefined });
serve(server, "readCoils", "coil", modbus.responses.ReadCoilsResponseBody);
serve(server, "readDiscreteInputs", "discrete", modbus.responses.ReadDiscreteInputsResponseBody);
serve(server, "readHoldingRegisters", "holding", modbus.responses.ReadHoldingRegistersResponseBody);
serve(server, "readInputRegisters", "input", modbus.responses.ReadInputRegistersResponseBody);
server.on("connection", (client) => client.socket.on("error", () => client.socket.destroy()));
listener.listen(Number(port), "127.0.0.1", () => console.log(`ready ${variables.length}`));
readline.createInterface({ input: process.stdin }).on("line", told);
