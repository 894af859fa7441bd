// Measures one client of Klaviyo in this process, and prints one line of JSON.
//
//   node --expose-gc measure.mjs official|own MEASURE [NUMBER]
//
// KLAVIYO_ENDPOINT and KLAVIYO_API_KEY are those of a simulator; KLAVIYO_KEYS are more keys; KLAVIYO_FAST says that the
// simulator has no rates.

import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";

const [peer, measure, number] = process.argv.slice(2);
const { KLAVIYO_ENDPOINT: endpoint, KLAVIYO_API_KEY, KLAVIYO_KEYS, KLAVIYO_FAST } = process.env;
const LIST = "Y6nRLr";
/** Opt-ins until what they run is compiled as far as it will be. */
const WARM_UP = 500;
/** Calls until a process holds what it will hold. */
const SETTLED = 300;
const DEADLINE = 20_000;
/** By then whoever would repeat a request three times has done so. */
const AFTERMATH = 6_000;

const { connect } = await import(`./${peer}.mjs`);
const client = (key = KLAVIYO_API_KEY) => connect({ key, endpoint, list: LIST, fast: Boolean(KLAVIYO_FAST) });
const state = async () => (await fetch(`${endpoint}/_mock/state`)).json();
const email = (n) => `peer-${n}@example.com`;
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Many calls at once, after a first one: how many are done, and when the last one ended. */
async function atOnce(count, name) {
  const klaviyo = await client();
  await klaviyo.lookup(email(0));
  const begin = performance.now();
  const ended = await Promise.allSettled(Array.from({ length: count }, (_, n) => klaviyo[name](email(n))));
  const seconds = (performance.now() - begin) / 1_000;
  await klaviyo.close();
  const failed = ended.find(({ status }) => status === "rejected");
  if (failed) console.error(`${peer}: the first failure: ${failed.reason.message}`);
  return { done: ended.filter(({ status }) => status === "fulfilled").length, seconds };
}

function resident() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage.rss();
}

const measures = {
  "opt-ins": async (count) => {
    const result = await atOnce(count, "optIn");
    const [{ profiles, lists }] = (await state()).accounts;
    const { members } = lists.find(({ id }) => id === LIST);
    return { ...result, orphans: profiles.length - members.length };
  },

  calls: (count) => atOnce(count, "lookup"),

  clients: async () => {
    const [first, ...keys] = KLAVIYO_KEYS.split(",");
    const clients = [await client(first)];
    // More calls than will follow, so that what they leave behind is not counted.
    for (let n = 0; n < SETTLED; n += 1) await clients[0].lookup(email(0));
    const before = resident();
    const times = [];
    for (const key of keys) {
      const begin = performance.now();
      const klaviyo = await client(key);
      times.push(performance.now() - begin);
      await klaviyo.lookup(email(0));
      clients.push(klaviyo);
    }
    const megabytes = (resident() - before) / 1e6;
    await Promise.all(clients.map((klaviyo) => klaviyo.close()));
    return { megabytes, milliseconds: median(times) };
  },

  cpu: async (count) => {
    const klaviyo = await client();
    for (let n = 0; n < WARM_UP; n += 1) await klaviyo.optIn(email(`warm-${n}`));
    const before = process.cpuUsage();
    for (let n = 0; n < count; n += 1) await klaviyo.optIn(email(n));
    const { user, system } = process.cpuUsage(before);
    await klaviyo.close();
    return { milliseconds: (user + system) / 1_000 / count };
  },

  /** Whoever started this process looks at the clock when the line comes. */
  first: async () => {
    const klaviyo = await client();
    await klaviyo.lookup(email(0));
    console.log("{}");
    await klaviyo.close();
  },

  /** A thread that imports the package and calls, in a process that has done so itself. */
  another: async () => {
    const klaviyo = await client();
    await klaviyo.lookup(email(0));
    const begin = performance.now();
    const thread = new Worker(new URL(import.meta.url), { argv: [peer, "first"], stdout: true });
    const ended = new Promise((resolve) => thread.once("exit", resolve));
    thread.once("error", (error) => console.error(`${peer}: ${error.message}`));
    const code = await Promise.race([ended, sleep(DEADLINE, "none", { ref: false })]);
    const milliseconds = performance.now() - begin;
    await thread.terminate();
    await klaviyo.close();
    return { works: code === 0, milliseconds };
  },

  /** The server answers 503, after a while; the call is cancelled before that. */
  cancel: async () => {
    const klaviyo = await client();
    const sent = async () => (await state()).faults.rules[0].requests;
    const controller = new AbortController();
    const ended = klaviyo.lookup(email(0), controller.signal).then(
      () => false,
      () => true,
    );
    while ((await sent()) === 0) await sleep(10);
    const begin = performance.now();
    controller.abort();
    const ends = await ended;
    const milliseconds = performance.now() - begin;
    await sleep(AFTERMATH);
    const after = (await sent()) - 1;
    await klaviyo.close();
    return { ends, milliseconds, after };
  },
};

const result = await measures[measure](Number(number));
if (result) console.log(JSON.stringify(result));
