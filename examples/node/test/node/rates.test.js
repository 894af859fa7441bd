// What takes more than a minute, and is the same in each runtime.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "klaviyo-connector";
import { simulator } from "../simulator.js";

test("two hundred opt-ins at once all end at Klaviyo's rates, and none is limited", async () => {
  const klaviyo = await simulator("--rates", "klaviyo");
  try {
    const client = await connect({ key: klaviyo.key, endpoint: klaviyo.url });
    const people = Array.from({ length: 200 }, (_, index) => `at-once${index}@example.com`);
    const calls = people.map((email) => client.optIn({ list: "Y6nRLr", email }));
    const receipts = await Promise.all(calls);
    await client.close();
    assert.equal(new Set(receipts.map(({ profileId }) => profileId)).size, 200);
    for (const { usage } of calls) {
      assert.deepEqual([usage.requests, usage.attempts], [3, 3]);
    }
    assert.ok(calls[199].usage.waited > 50_000);
  } finally {
    await klaviyo.stop();
  }
});
