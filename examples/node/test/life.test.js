// How a client ends, and what it does to the process that it is in.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "klaviyo-connector";
import { CANARY, failure, findsPriya, withServer } from "./support.js";

const BY = { email: "priya@example.com" };

test("close waits for the calls under way, those that wait for their turn included", async () => {
  let answer;
  const held = new Promise((resolve) => (answer = resolve));
  const fetch = async () => {
    await held;
    return findsPriya();
  };
  const klaviyo = await connect({ key: CANARY, fetch, limits: { concurrentCalls: 2 } });
  const calls = Array.from({ length: 5 }, () => klaviyo.lookup(BY));
  let closed = false;
  const closing = klaviyo.close().then(() => (closed = true));
  await failure(klaviyo.lookup(BY), "closed");
  assert.equal(closed, false);
  answer();
  const found = await Promise.all(calls);
  assert.ok(found.every(({ firstName }) => firstName === "Priya"));
  await closing;
  await klaviyo.close();
  await failure(klaviyo.lists(), "closed");
});

test("close ends by limits.time, whatever the calls do", async () => {
  const klaviyo = await connect({ key: CANARY, fetch: () => new Promise(() => {}), limits: { time: 300 } });
  const call = failure(klaviyo.lookup(BY), "timeout");
  await klaviyo.close();
  await call;
});

test("a client is disposed of like other resources", async () => {
  const klaviyo = await connect({ key: CANARY, fetch: findsPriya });
  await klaviyo[Symbol.asyncDispose]();
  await failure(klaviyo.lookup(BY), "closed");
});

test("two clients do not know of each other", async () => {
  const keys = [];
  const fetch = async (_, { headers }) => {
    keys.push(headers.get("authorization"));
    return findsPriya();
  };
  const [one, two] = await Promise.all(["pk_1", "pk_2"].map((key) => connect({ key, fetch })));
  await one.lookup(BY);
  await one.close();
  await two.lookup(BY);
  await two.close();
  assert.deepEqual(keys, ["Klaviyo-API-Key pk_1", "Klaviyo-API-Key pk_2"]);
});

/** Runs a program in this runtime, and returns what it prints and how it exits. */
function run(program, ...values) {
  const before = globalThis.Deno ? ["run", "--allow-all", "--no-check"] : [];
  return new Promise((resolve) => {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const child = spawn(process.execPath, [...before, file, ...values], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("close", (code) => resolve({ code, text: text.trim() }));
  });
}

test("a client that waits does not keep its process, and a call does", async () => {
  const body = '{"data":[]}';
  await withServer(
    (socket) => setTimeout(() => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`), 300),
    async (url) => {
      assert.deepEqual(await run("programs/leaves-open.js", url), { code: 0, text: "nobody" });
    },
  );
});
