// Answers by another revision than the one that was asked for, from the simulator and from servers that lie.

import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { RevisionWarnings } from "../compiled/revision.js";
import { CANARY, json, withClient } from "./support.js";
import { simulator } from "./simulator.js";

/** What the process is warned of by this package while `run` does its work. */
async function warnings(run) {
  const warned = [];
  const listen = (warning) => {
    if (warning.code === "KLAVIYO_REVISION") {
      warned.push(warning);
    }
  };
  process.on("warning", listen);
  try {
    await run();
    // They are told in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeListener("warning", listen);
  }
  return warned;
}

/** Looks somebody up who is not there, twice, in a client of its own. */
const lookups = (options) =>
  withClient(options, async (client) => {
    await client.lookup({ email: "nobody@example.com" });
    await client.lookup({ email: "nobody@example.com" });
  });

test("a client warns once where Klaviyo has retired the revision that it asks for", async () => {
  const klaviyo = await simulator("--retire", "2025-01-15");
  const options = { key: klaviyo.key, endpoint: klaviyo.url };
  try {
    const warned = await warnings(async () => {
      await lookups(options);
      await lookups(options);
    });
    assert.deepEqual(
      warned.map(({ name, message }) => [name, message.includes("2025-01-15"), message.includes("2025-04-15")]),
      Array(2).fill(["KlaviyoRevisionWarning", true, true]),
    );
  } finally {
    await klaviyo.stop();
  }
});

test("a client does not warn where Klaviyo answers by the revision that it asks for, or does not say", async () => {
  const answers = (headers) => ({ fetch: async () => json({ data: [] }, 200, headers) });
  const warned = await warnings(async () => {
    await lookups(answers({ "x-klaviyo-api-revision": "2025-01-15" }));
    await lookups(answers({ "x-klaviyo-api-revision": CANARY }));
    await lookups(answers({}));
  });
  assert.deepEqual(warned, []);
});

test("a runtime without warnings of a process has them in its console", async () => {
  const { emitWarning } = process;
  const { warn } = console;
  const told = [];
  try {
    process.emitWarning = undefined;
    console.warn = (text) => told.push(text);
    await lookups({ fetch: async () => json({ data: [] }, 200, { "x-klaviyo-api-revision": "2025-04-15" }) });
  } finally {
    Object.assign(process, { emitWarning });
    Object.assign(console, { warn });
  }
  assert.equal(told.length, 1);
  assert.ok(told[0].includes("2025-04-15"), told[0]);
});

test("another revision is news once for each pair", () => {
  const revisions = new RevisionWarnings();
  for (const [asked, served, isNews] of [
    ["2025-01-15", "2025-01-15", false],
    ["2025-01-15", "2025-04-15", true],
    ["2025-01-15", "2025-04-15", false],
    ["2025-01-15", "2025-07-15", true],
    ["2025-07-15", "2025-04-15", true],
    ["2026-01-15.pre", "2026-01-15.pre", false],
    ["2026-01-15.pre", "2026-01-15", true],
    ["2025-01-15", "none", false],
    ["2025-01-15", "2025-04-15 and a long story", false],
    ["2025-01-15", `2025-04-15.${"x".repeat(40)}`, false],
    ["2025-01-15", "", false],
    ["", "2025-04-15", false],
  ]) {
    assert.equal(revisions.isNews(asked, served), isNews, `${asked} ${served}`);
  }
});

test("a server that makes revisions up fills no memory, and no log", () => {
  const revisions = new RevisionWarnings();
  const told = Array.from({ length: 1000 }, (_, index) => revisions.isNews("2025-01-15", `${1000 + index}-01-15`));
  assert.equal(told.filter(Boolean).length, 64);
});
