// The options of one call, what it uses, and who hears of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "klaviyo-connector";
import { CANARY, endlessPages, failure, findsPriya, json, silent, withClient } from "./support.js";

const BY = { email: "priya@example.com" };

test("a signal ends a call, its request, and no other call", async () => {
  const { fetch: never, asked } = silent();
  const heard = [];
  const fetch = (...request) => (request[0].includes("priya") ? never(...request) : findsPriya());
  await withClient({ fetch, limits: { attempts: 4 }, observer: (attempt) => heard.push(attempt) }, async (klaviyo) => {
    const over = new AbortController();
    const call = klaviyo.lookup(BY, { signal: over.signal });
    const request = await asked;
    over.abort("enough");
    const error = await failure(call, "cancelled", "may have taken effect");
    assert.deepEqual([error.cause, error.usage.attempts, request.aborted], ["enough", 1, true]);
    // No pause before another attempt, of which nothing would come.
    assert.deepEqual([heard.length, heard[0].repeatIn, error.usage.waited < 500], [1, undefined, true]);
    assert.equal((await klaviyo.lookup({ email: "other@example.com" }, { signal: new AbortController().signal })).firstName, "Priya");
    const none = await failure(klaviyo.lookup(BY, { signal: over.signal }), "cancelled", "nothing was sent");
    assert.equal(none.usage.requests, 0);
  });
});

test("a signal ends a call in the middle of many requests, and a call that waits for a place", async () => {
  const pages = endlessPages();
  const over = new AbortController();
  let page = 0;
  const fetch = async () => {
    page += 1;
    if (page === 20) {
      over.abort();
    }
    return pages();
  };
  await withClient({ fetch, limits: { concurrentCalls: 1 } }, async (klaviyo) => {
    const first = failure(klaviyo.lists({ signal: over.signal }), "cancelled", "may have taken effect");
    const second = failure(klaviyo.lists({ signal: over.signal }), "cancelled", "nothing was sent");
    await Promise.all([first, second]);
    assert.equal(page, 20);
  });
});

test("a timeout of a call counts its wait for a place, and says that nothing was sent", async () => {
  const { fetch, asked } = silent();
  await withClient({ fetch, limits: { concurrentCalls: 1, time: 3_000 } }, async (klaviyo) => {
    const first = failure(klaviyo.lookup(BY), "timeout", "limits.time");
    await asked;
    const second = await failure(klaviyo.lookup(BY, { timeout: 200 }), "timeout", "nothing was sent");
    assert.ok(second.message.includes("200 ms that timeout"), second.message);
    assert.equal(second.usage.attempts, 0);
    await first;
    await failure(klaviyo.lookup(BY, { timeout: 2_000 }), "timeout", "what was left of timeout");
  });
});

test("a timeout of a call counts its wait for the rates", async () => {
  const fetch = async () => json({ data: [{ type: "account", id: "a" }] });
  await withClient({ fetch, pace: "published" }, async (klaviyo) => {
    await klaviyo.accountDetails();
    const error = await failure(klaviyo.accountDetails({ timeout: 400 }), "timeout", "raise timeout");
    assert.deepEqual([error.usage.requests, error.usage.attempts], [1, 0]);
  });
});

test("revision is the oldest that a call asks for", async () => {
  const asked = [];
  const fetch = async (_, { headers }) => {
    asked.push(headers.get("revision"));
    return findsPriya();
  };
  await withClient({ fetch }, async (klaviyo) => {
    await klaviyo.lookup(BY);
    await klaviyo.lookup(BY, { revision: "2020-01-01" });
    await klaviyo.lookup(BY, { revision: "2099-12-31" });
  });
  assert.equal(asked[0], asked[1]);
  assert.equal(asked[2], "2099-12-31");
});

test("an argument or an option that is unknown is refused", async () => {
  let sent = 0;
  const fetch = async () => {
    sent += 1;
    return findsPriya();
  };
  await withClient({ fetch }, async (klaviyo) => {
    for (const [call, pointer] of [
      [klaviyo.lookup(BY, { retries: 3 }), "options/retries"],
      [klaviyo.lookup(BY, 7), "options"],
      [klaviyo.lookup(BY, null), "options"],
      [klaviyo.lookup(BY, {}, {}), undefined],
      [klaviyo.lookup(BY, { signal: {} }), "options/signal"],
      [klaviyo.lookup(BY, { timeout: 0 }), "options/timeout"],
      [klaviyo.lookup(BY, { revision: "latest" }), "options/revision"],
      [klaviyo.lookup(BY, { revision: "2026-13-01" }), "options/revision"],
      [klaviyo.lists({ limit: 1 }), "options/limit"],
      [klaviyo.history(BY, {}, { limit: 1 }), "options/limit"],
    ]) {
      const error = await failure(call, "invalid-input");
      assert.equal(error.details[0].pointer, pointer, error.message);
    }
  });
  assert.equal(sent, 0);
});

test("each attempt is heard of, without the key, and a hook that throws does no harm", async () => {
  const heard = [];
  let answers = 0;
  const fetch = async () => (answers++ ? findsPriya() : json({}, 503, { "x-echo": CANARY }));
  const observer = (attempt) => {
    heard.push(attempt);
    throw new Error("not the call's fault");
  };
  const warned = new Promise((resolve) => process.once("warning", resolve));
  await withClient({ fetch, observer, limits: { attempts: 2 } }, async (klaviyo) => {
    const call = klaviyo.lookup(BY);
    assert.deepEqual(call.usage, { requests: 0, attempts: 0, waited: 0 });
    await call;
    assert.deepEqual([call.usage.requests, call.usage.attempts], [1, 2]);
  });
  assert.deepEqual(
    heard.map(({ function: called, method, endpoint, number, status }) => [called, method, endpoint, number, status]),
    [
      ["contacts.lookup", "GET", "get profiles", 1, 503],
      ["contacts.lookup", "GET", "get profiles", 2, 200],
    ],
  );
  assert.ok(heard[0].repeatIn >= 500 && heard[1].repeatIn === undefined && heard[1].took >= 0);
  assert.ok(!JSON.stringify(heard).includes(CANARY));
  assert.equal((await warned).code, "KLAVIYO_OBSERVER");
});

test("each call's end is heard of before its caller goes on, without the key, and a hook that throws does no harm", async () => {
  const heard = [];
  const callObserver = (call) => {
    heard.push(call);
    throw new Error("not the call's fault");
  };
  let answers = 0;
  const fetch = async () => (answers++ ? json({}, 401, { "x-echo": CANARY }) : findsPriya());
  const warned = new Promise((resolve) => process.once("warning", resolve));
  await withClient({ fetch, callObserver }, async (klaviyo) => {
    await klaviyo.lookup(BY);
    assert.equal(heard.length, 1);
    await failure(klaviyo.optInMany({ list: "Y6nRLr", contacts: [BY] }), "unauthenticated");
    await failure(klaviyo.lookup(BY, { retries: 3 }), "invalid-input");
    const over = AbortSignal.abort();
    await failure(klaviyo.lookup(BY, { signal: over }), "cancelled");
  });
  assert.deepEqual(
    heard.map(({ function: called, code, usage }) => [called, code, usage.requests, usage.attempts]),
    [
      ["contacts.lookup", undefined, 1, 1],
      ["contacts.opt-in-many", "unauthenticated", 1, 1],
      ["contacts.lookup", "invalid-input", 0, 0],
      ["contacts.lookup", "cancelled", 0, 0],
    ],
  );
  assert.ok(heard.every(({ took }) => took >= 0));
  assert.ok(!JSON.stringify(heard).includes(CANARY));
  assert.equal((await warned).code, "KLAVIYO_OBSERVER");
  await failure(connect({ key: CANARY, callObserver: "log" }), "invalid-input", "callObserver");
});

test("the key is read from KLAVIYO_API_KEY where none is given", async () => {
  const before = process.env.KLAVIYO_API_KEY;
  process.env.KLAVIYO_API_KEY = "pk_from_environment";
  try {
    let sent;
    const fetch = async (_, { headers }) => {
      sent = headers.get("authorization");
      return findsPriya();
    };
    const klaviyo = await connect({ fetch });
    await klaviyo.lookup(BY);
    await klaviyo.close();
    assert.equal(sent, "Klaviyo-API-Key pk_from_environment");
    await (await connect()).close();
    delete process.env.KLAVIYO_API_KEY;
    await failure(connect(), "invalid-input", "KLAVIYO_API_KEY");
  } finally {
    if (before !== undefined) {
      process.env.KLAVIYO_API_KEY = before;
    }
  }
});

test("fifty more clients cost little", async () => {
  const open = (index) => connect({ key: `pk_${index}`, fetch: findsPriya });
  const first = await open(0);
  await first.lookup(BY);
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  const clients = [];
  for (let index = 1; index <= 50; index += 1) {
    clients.push(await open(index));
  }
  const took = performance.now() - begin;
  const found = [];
  for (const client of clients) {
    found.push((await client.lookup(BY)).firstName);
  }
  const bytes = process.memoryUsage.rss() - before;
  await Promise.all([first, ...clients].map((client) => client.close()));
  assert.ok(found.every((name) => name === "Priya"));
  assert.ok(took < 50 * 5, `${took} ms`);
  assert.ok(bytes < 50 * 1_000_000, `${bytes} bytes`);
});
