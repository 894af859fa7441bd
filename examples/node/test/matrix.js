// Prints one line of JSON about this runtime: the corpus, an opt-in at KLAVIYO_ENDPOINT with KLAVIYO_API_KEY, and how
// long things take. Exits with 1, and says why, if a case or the opt-in failed.

import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connect } from "klaviyo-connector";
import { CORPUS, corpus, played } from "./replay.js";
import { read } from "./fixture.js";

const COLD_STARTS = 5;
const WARM_UP = 300;
const CALLS = 2_000;

const FOUND = read(new URL("contacts/lookup/found.json", CORPUS));

/** A client that finds Priya, from memory. */
const fromMemory = () => connect({ key: "pk_1", pace: "unlimited", fetch: async () => played(FOUND.exchanges[0].response) });

const lookup = (klaviyo) => klaviyo.lookup({ email: "priya@example.com" });

if (process.argv[2] === "cold-start") {
  const begin = performance.now();
  const klaviyo = await fromMemory();
  await lookup(klaviyo);
  console.log(performance.now() - begin);
  process.exit();
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** Milliseconds from nothing to the first answer, in a process of its own. */
function coldStart() {
  const runtime = globalThis.Deno ? ["run", "--allow-all", "--no-check"] : [];
  const { stdout, stderr } = spawnSync(process.execPath, [...runtime, fileURLToPath(import.meta.url), "cold-start"]);
  return Number(stdout.toString()) || Promise.reject(new Error(stderr.toString()));
}

/** Microseconds of a call. */
async function callTime() {
  const klaviyo = await fromMemory();
  const times = [];
  for (let call = 0; call < WARM_UP + CALLS; call += 1) {
    const begin = performance.now();
    await lookup(klaviyo);
    times.push((performance.now() - begin) * 1_000);
  }
  await klaviyo.close();
  return median(times.slice(WARM_UP));
}

/** Whether somebody can opt in over HTTP. */
async function optsIn() {
  try {
    const klaviyo = await connect({ key: process.env.KLAVIYO_API_KEY, endpoint: process.env.KLAVIYO_ENDPOINT });
    const email = `matrix-${Date.now()}@example.com`;
    const receipt = await klaviyo.optIn({ list: "Y6nRLr", email, firstName: "Priya" });
    await klaviyo.close();
    return receipt.created;
  } catch (error) {
    console.error(`the opt-in: ${error.message}`);
    return false;
  }
}

/** Bytes of what the package needs to run. */
function size() {
  return statSync(new URL("../dist/index.js", import.meta.url)).size;
}

function runtime() {
  const { Deno, Bun } = globalThis;
  return Deno ? `Deno ${Deno.version.deno}` : Bun ? `Bun ${Bun.version}` : `Node ${process.versions.node}`;
}

const rounded = (number) => Math.round(number * 10) / 10;

const http = await optsIn();
const { passed, failed } = await corpus();
failed.forEach((line) => console.error(line));
const colds = [];
for (let start = 0; start < COLD_STARTS; start += 1) {
  colds.push(await coldStart());
}
console.log(
  JSON.stringify({
    runtime: runtime(),
    passed,
    failed: failed.length,
    http,
    cold_start_ms: rounded(median(colds)),
    call_us: rounded(await callTime()),
    size: size(),
  }),
);
process.exitCode = http && failed.length === 0 ? 0 : 1;
