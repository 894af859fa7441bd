// What only Node can show: everything in the memory of a thread.

import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "node:stream/consumers";
import { Worker } from "node:worker_threads";
import { connect } from "klaviyo-connector";
import { CANARY, findsPriya } from "../support.js";

test("the key is nowhere in a thread's memory", async () => {
  const threads = new Set();
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (...message) {
    threads.add(this);
    return postMessage.apply(this, message);
  };
  process.env.KLAVIYO_API_KEY = CANARY;
  try {
    const klaviyo = await connect({ key: CANARY, fetch: findsPriya });
    await klaviyo.lookup({ email: "priya@example.com" });
    const [thread, ...more] = threads;
    assert.deepEqual(more, []);
    // A thread without a task is not kept by itself, and a snapshot takes a while.
    thread.ref();
    const heap = await text(await thread.getHeapSnapshot());
    await klaviyo.close();
    assert.ok(heap.includes("klaviyo:connector/http"), "the snapshot is not of the component's thread");
    assert.ok(!heap.includes(CANARY));
  } finally {
    Worker.prototype.postMessage = postMessage;
    delete process.env.KLAVIYO_API_KEY;
  }
});
