// Klaviyo's rates, kept by all clients of an account, and what is sent again.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import { connect } from "klaviyo-connector";
import { endpointOf, isHarmless } from "../compiled/endpoints.js";
import { Pacer } from "../compiled/pace.js";
import { passing } from "./clock.js";
import { mayRepeat, pauseAfter, retryAfter } from "../compiled/retry.js";
import { failure, findsPriya, json, withClient, withServer } from "./support.js";

const BY = { email: "priya@example.com" };
const NEVER = new AbortController().signal;
const ADD_TO_LIST = endpointOf("POST", "/api/lists/x/relationships/profiles");
const LOOK_UP = endpointOf("GET", "/api/profiles/");

/** A key of an account that no other test uses. */
const newKey = () => `pk_${createHash("md5").update(randomUUID()).digest("hex")}`;

/** A pacer, and who asks it for a turn within so many milliseconds. */
function pacer(pace = "published") {
  const made = new Pacer(pace);
  return (milliseconds, endpoint = ADD_TO_LIST) => made.permit(endpoint, performance.now() + milliseconds, NEVER);
}

test("four hundred calls at once of 300 ms each all end, in the time of each", async () => {
  const fetch = async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return findsPriya();
  };
  // Time for a tenth of them, if waiting for a place used it up.
  await withClient({ fetch, limits: { concurrentCalls: 16, time: 5_000 } }, async (klaviyo) => {
    const calls = Array.from({ length: 400 }, () => klaviyo.lookup(BY));
    assert.ok((await Promise.all(calls)).every(({ firstName }) => firstName === "Priya"));
    assert.ok(calls[399].usage.waited > 5_000);
  });
});

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const noHeaders = () => undefined;

/**
 * Lookups at once, each of which the server counts some milliseconds after it was sent and some before it is answered; the
 * time in which they end. The server never counts more than it takes.
 */
async function lookups(permit, trips) {
  const [begin, counted] = [performance.now(), []];
  const lookup = async ([there, back]) => {
    const taken = await permit(60_000, LOOK_UP);
    await sleep(there);
    counted.push(performance.now());
    await sleep(back);
    taken.learn(200, noHeaders);
    taken.end();
  };
  await Promise.all(trips.map(lookup));
  counted.sort((one, other) => one - other);
  counted.slice(75).forEach((later, index) => assert.ok(later - counted[index] >= 1_000, `${later - counted[index]} ms`));
  return performance.now() - begin;
}

/** Ten additions to a list at once, with answers after a time; after how long there is room for another. */
async function roomAfterTen(permit, answeredAfter, status) {
  await sleep(60_000);
  const begin = performance.now();
  const ten = await Promise.all(Array.from({ length: 10 }, () => permit(0)));
  await sleep(answeredAfter);
  for (const taken of ten) {
    if (status !== undefined) {
      taken.learn(status, noHeaders);
    }
    taken.end();
  }
  (await permit(60_000)).end();
  return performance.now() - begin;
}

test("what the server counts keeps to the rate, and is no slower", () =>
  passing(async () => {
    const permit = pacer();
    await lookups(permit, [[100, 200]]);
    await sleep(60_000);
    // 75 at once, and 75 in each of five seconds after that.
    assert.equal(await lookups(permit, Array(400).fill([100, 200])), 5_300);
  }));

test("round trips that differ keep to the rate", () =>
  passing(async () => {
    const permit = pacer();
    await lookups(permit, [[20, 30]]);
    await lookups(permit, [[20, 30]]);
    await sleep(60_000);
    const trips = Array.from({ length: 400 }, (_, n) => [20 + ((n * 37) % 181), 30 + ((n * 53) % 251)]);
    assert.ok((await lookups(permit, trips)) < 5_000 + 5 * 430);
  }));

test("connections that are made are no part of the least round trip", () =>
  // The first ones make a connection each.
  passing(() =>
    lookups(
      pacer(),
      Array.from({ length: 300 }, (_, n) => [n < 75 ? 450 : 50, 50]),
    ),
  ));

test("an answer that comes sooner lowers the least round trip if it is a success", () =>
  passing(async () => {
    const permit = pacer();
    // Until it is known, a request counts from its answer.
    assert.equal(await roomAfterTen(permit, 300, 200), 1_300);
    assert.equal(await roomAfterTen(permit, 300, 200), 1_000);
    for (const status of [429, 400, undefined]) {
      assert.equal(await roomAfterTen(permit, 10, status), 1_010);
      assert.equal(await roomAfterTen(permit, 300, 200), 1_000);
    }
    assert.equal(await roomAfterTen(permit, 10, 200), 1_000);
    assert.equal(await roomAfterTen(permit, 300, 200), 1_290);
  }));

test("a success makes room before a request that ended earlier without an answer", () =>
  passing(async () => {
    const permit = pacer();
    await roomAfterTen(permit, 300, 200);
    await roomAfterTen(permit, 300, 200);
    await sleep(60_000);
    const begin = performance.now();
    const [broken, ...nine] = await Promise.all(Array.from({ length: 10 }, () => permit(0)));
    await sleep(100);
    broken.end();
    await sleep(200);
    for (const taken of nine) {
      taken.learn(200, noHeaders);
      taken.end();
    }
    assert.ok(await permit(60_000));
    assert.equal(performance.now() - begin, 1_000);
  }));

test("the least round trip is bounded", () =>
  passing(async () => {
    const permit = pacer();
    await roomAfterTen(permit, 5_000, 200);
    assert.equal(await roomAfterTen(permit, 9_000, 200), 9_500);
  }));

const NOTHING_LEFT = (reset) => (name) => ({ "ratelimit-remaining": "0", "ratelimit-reset": reset })[name];

test("nothing left holds until the reset", () =>
  passing(async () => {
    for (const [pace, count, reset, turnAfter] of [
      ["unlimited", 1, "7", 7_000],
      ["published", 9, "7", 7_000],
      ["published", 9, "0", 1_000],
      // Ten requests have used up a second, and not what comes back after seven.
      ["published", 10, "7", 7_000],
    ]) {
      const [permit, begin] = [pacer(pace), performance.now()];
      for (let number = 1; number <= count; number += 1) {
        const taken = await permit(0);
        if (number === count) {
          taken.learn(200, NOTHING_LEFT(reset));
        }
        taken.end();
      }
      assert.equal(await permit(turnAfter), undefined);
      assert.equal(performance.now(), begin);
      assert.ok(await permit(60_000));
      assert.equal(performance.now() - begin, turnAfter);
    }
  }));

test("nothing left by our own requests holds nothing", () =>
  passing(async () => {
    const permit = pacer();
    await roomAfterTen(permit, 500, 200);
    await sleep(60_000);
    const begin = performance.now();
    const [last, ...nine] = await Promise.all(Array.from({ length: 10 }, () => permit(0)));
    await sleep(500);
    for (const taken of nine) {
      taken.learn(200, noHeaders);
      taken.end();
    }
    // The last answer comes when the window has room again.
    await sleep(1_000);
    last.learn(200, NOTHING_LEFT("0"));
    assert.ok(await permit(60_000));
    assert.equal(performance.now() - begin, 1_500);
  }));

test("a burst goes at once, and what is above it waits for a second after requests without an answer end", async () => {
  const permit = pacer();
  const burst = await Promise.all(Array.from({ length: 10 }, () => permit(0)));
  assert.ok(burst.every((taken) => taken));
  // Nothing is answered yet: when there is room is not known.
  assert.equal(await permit(100), undefined);
  burst.forEach((taken) => taken.end());
  const begin = performance.now();
  assert.equal(await permit(900), undefined);
  assert.ok(performance.now() - begin < 500, "it waited for what cannot come");
  assert.ok(await permit(2_000));
  assert.ok(performance.now() - begin >= 900);
});

test("those who wait go in the order in which they came, at this many times the rates", async () => {
  const permit = pacer(2);
  const order = [];
  const calls = Array.from({ length: 50 }, async (_, index) => {
    const taken = await permit(10_000);
    order.push(index);
    taken.end();
  });
  const begin = performance.now();
  await Promise.all(calls);
  assert.deepEqual(order, Array.from(order.keys()));
  assert.ok(performance.now() - begin >= 1_900);
});

test("answers lower the rates, never raise them, and hold the endpoint alone", async () => {
  const permit = pacer();
  const learn = async (headers) => {
    const taken = await permit(5_000);
    taken.learn(200, (name) => headers[name]);
    taken.end();
  };
  await learn({ "ratelimit-limit": "1000, 1000;w=1, 0;w=x, ;w=1, 99999999999999999999;w=1" });
  await learn({ "ratelimit-limit": "3, 3;w=1" });
  assert.ok(await permit(0));
  assert.equal(await permit(500), undefined);
  await learn({ "ratelimit-remaining": "0", "ratelimit-reset": "7" });
  assert.equal(await permit(6_000), undefined);
  assert.ok(await permit(0, endpointOf("GET", "/api/lists")));
});

test("a hold is bounded, and holds what has no rates too", async () => {
  const permit = pacer("unlimited");
  (await permit(0)).hold(Infinity);
  assert.equal(await permit(599_000), undefined);
  const over = new AbortController();
  const made = new Pacer("unlimited");
  (await made.permit(ADD_TO_LIST, performance.now() + 100, NEVER)).hold(50_000);
  const waiting = made.permit(ADD_TO_LIST, performance.now() + 60_000, over.signal);
  over.abort();
  assert.equal(await waiting, undefined);
});

test("the clients of an account share its rates, and those of another have their own", async () => {
  const key = newKey();
  const fetch = async (url) => (url.includes("accounts") ? json({ data: [{ type: "account", id: "a" }] }) : findsPriya());
  const limits = { time: 5_000, attempts: 1 };
  const [one, two, other] = await Promise.all([key, key, newKey()].map((key) => connect({ key, fetch, limits })));
  const began = performance.now();
  await one.accountDetails();
  await other.accountDetails();
  assert.ok(performance.now() - began < 900);
  await one.close();
  // At most one a second.
  const second = two.accountDetails();
  await second;
  assert.ok(performance.now() - began >= 1_000);
  assert.ok(second.usage.waited > 0);
  await Promise.all([two.close(), other.close()]);
});

test("a turn that would come later than the call may wait is refused at once, and was not sent", async () => {
  let sent = 0;
  const fetch = async () => {
    sent += 1;
    return json({ data: [{ type: "account", id: "a" }] });
  };
  const klaviyo = await connect({ key: newKey(), fetch, limits: { time: 300, wait: 20_000 } });
  const calls = Array.from({ length: 16 }, () => klaviyo.accountDetails());
  const begin = performance.now();
  const refused = (await Promise.allSettled(calls)).filter(({ status }) => status === "rejected");
  assert.ok(performance.now() - begin < 19_000);
  assert.equal(refused.length, 1);
  const error = await failure(Promise.reject(refused[0].reason), "timeout", "limits.wait");
  assert.ok(error.message.includes("not sent") && error.message.includes("get accounts"), error.message);
  assert.deepEqual([error.usage.requests, error.usage.attempts, sent], [1, 0, 15]);
  await klaviyo.close();
});

test("a 429 is repeated after its Retry-After, and holds the other calls meanwhile", async () => {
  const times = [];
  const fetch = async () => {
    times.push(performance.now());
    return times.length === 1 ? json({ errors: [] }, 429, { "retry-after": "2" }) : findsPriya();
  };
  const klaviyo = await connect({ key: newKey(), fetch });
  const first = klaviyo.lookup(BY);
  while (times.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const second = klaviyo.lookup(BY);
  await Promise.all([first, second]);
  assert.deepEqual([first.usage.attempts, second.usage.attempts], [2, 1]);
  assert.ok(times[1] - times[0] >= 1_900);
  assert.ok(first.usage.waited >= 1_900);
  await klaviyo.close();
});

test("limits.attempts bounds what is sent, and what may have taken effect is repeated only where that is harmless", async () => {
  for (const [answer, call, attempts] of [
    [() => json({}, 503), (klaviyo) => klaviyo.lookup(BY), 2],
    [() => json({}, 500), (klaviyo) => klaviyo.lookup(BY), 1],
    [() => json({}, 503), (klaviyo) => klaviyo.createList("New"), 1],
    [() => json({}, 429), (klaviyo) => klaviyo.createList("New"), 2],
    [() => Promise.reject(new TypeError("x")), (klaviyo) => klaviyo.createList("New"), 1],
    [() => Promise.reject(new TypeError("x")), (klaviyo) => klaviyo.lookup(BY), 2],
    [() => json({}, 503), (klaviyo) => klaviyo.callApi({ method: "post", path: "/api/events", body: "{}" }), 1],
  ]) {
    let sent = 0;
    const fetch = async () => {
      sent += 1;
      return answer();
    };
    const klaviyo = await connect({ key: newKey(), fetch, api: "all", limits: { attempts: 2 } });
    const error = await call(klaviyo).catch((failed) => failed);
    assert.deepEqual([sent, error.usage.attempts], [attempts, attempts], error.message);
    await klaviyo.close();
  }
});

test("what never reached a server is repeated, whatever it was", async () => {
  const endpoint = await withServer(
    () => {},
    async (url) => url,
  );
  await withClient({ endpoint, limits: { attempts: 2 } }, async (klaviyo) => {
    const { usage, message } = await failure(klaviyo.createList("New"), "connection", "2 attempts");
    assert.equal(usage.attempts, 2, message);
  });
});

test("retry.rs decides the same", () => {
  const status = (status) => ({ status });
  const failed = (tag, isUnsent = false) => ({ tag, isUnsent });
  for (const [outcome, always, harmless] of [
    [status(429), true, true],
    ...[502, 503, 504, 524].map((code) => [status(code), false, true]),
    ...[500, 200, 409].map((code) => [status(code), false, false]),
    [failed("connection", true), true, true],
    [failed("connection"), false, true],
    [failed("timeout"), false, true],
    ...["denied", "too-large", "other"].map((tag) => [failed(tag), false, false]),
  ]) {
    assert.deepEqual([mayRepeat(false, outcome), mayRepeat(true, outcome)], [always, harmless], JSON.stringify(outcome));
  }
  for (const [text, milliseconds] of [
    ["1", 1_000],
    ["0", 0],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
    ...["", "-1", "1.5", "soon", "+1", "2026-11-01"].map((odd) => [odd, undefined]),
  ]) {
    assert.equal(retryAfter(text), milliseconds, text);
  }
  const soon = retryAfter(new Date(Date.now() + 100_000).toUTCString());
  assert.ok(soon > 90_000 && soon <= 100_000);
  assert.ok(pauseAfter(1) >= 500 && pauseAfter(1) <= 1_000 && pauseAfter(40) >= 30_000 && pauseAfter(40) <= 60_000);
});

test("endpoints are found by their whole path", () => {
  for (const [method, path, name] of [
    ["GET", "/api/lists/", "get lists"],
    ["GET", "/api/profiles/01ABC/", "get profile"],
    ["POST", "/api/lists/Y6nRLr/relationships/profiles/", "add to list"],
    ["GET", "/api/webhooks/", "another read"],
    ["GET", "/api//lists/", "another read"],
    ["GET", "/api/profiles//lists", "another read"],
    ["DELETE", "/api/profiles/01ABC/", "another write"],
  ]) {
    assert.equal(endpointOf(method, path).name, name, `${method} ${path}`);
  }
  assert.equal(isHarmless(endpointOf("POST", "/api/events"), false), true);
  assert.equal(isHarmless(endpointOf("POST", "/api/events"), true), false);
  assert.equal(isHarmless(endpointOf("GET", "/api/webhooks"), true), true);
});

test("an account has one pace in what is imported and what is required", async () => {
  const required = createRequire(import.meta.url)("klaviyo-connector");
  assert.notEqual(required.connect, connect);
  const fetch = async () => json({ data: [{ type: "account", id: "AbC123", attributes: {} }] });
  const clients = await Promise.all([connect, required.connect].map((open) => open({ key: "pk_shared", fetch })));
  const calls = clients.map((client) => client.accountDetails());
  await Promise.all(calls);
  // One request in a second.
  assert.ok(calls[0].usage.waited < 500 && calls[1].usage.waited > 500, JSON.stringify(calls.map(({ usage }) => usage)));
  await Promise.all(clients.map((client) => client.close()));
});
