import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { connect, KlaviyoError } from "klaviyo-connector";
import { CANARY, failure, findsPriya, json, withClient } from "./support.js";

/** What printing shows of a value, in whatever way this runtime has. */
function printed(value) {
  const options = { depth: Infinity, showHidden: true, getters: true };
  return [
    inspect(value, options),
    JSON.stringify(value),
    String(value),
    value?.stack,
    globalThis.Deno?.inspect(value, options),
    globalThis.Bun?.inspect(value, options),
  ].join("\n");
}

/** All that can be reached of a value without a debugger. */
function reachable(value, seen = new Set()) {
  if (seen.has(value)) {
    return [];
  }
  seen.add(value);
  if (typeof value === "string") {
    return [value];
  }
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return [];
  }
  const own = Reflect.ownKeys(value).flatMap((name) => {
    const { value: member } = Reflect.getOwnPropertyDescriptor(value, name);
    return [String(name), ...reachable(member, seen)];
  });
  return [...own, ...reachable(Object.getPrototypeOf(value), seen)];
}

function holdsNoKey(value) {
  assert.ok(!printed(value).includes(CANARY), "it is printed");
  assert.ok(!reachable(value).some((text) => text.includes(CANARY)), "it can be reached");
}

test("the key is in nothing that a client is or returns", async () => {
  await withClient({ fetch: findsPriya }, async (klaviyo) => {
    holdsNoKey(klaviyo);
    holdsNoKey(await klaviyo.lookup({ email: "priya@example.com" }));
    holdsNoKey(klaviyo.lookup);
  });
});

test("the key is in no error, whatever fetch throws, and whatever comes back", async () => {
  const thrown = [
    new TypeError("fetch failed", { cause: new Error(`connect to ${CANARY}`) }),
    new Error(CANARY),
    new DOMException(CANARY, "TimeoutError"),
    new KlaviyoError("denied", CANARY),
    Object.assign(new Error("x"), { cause: { headers: CANARY } }),
    CANARY,
    { key: CANARY },
    undefined,
  ];
  for (const reason of thrown) {
    await withClient({ fetch: async () => Promise.reject(reason) }, async (klaviyo) => {
      const error = await klaviyo.lists().catch((failed) => failed);
      assert.ok(error instanceof KlaviyoError && ["connection", "timeout", "denied"].includes(error.code));
      holdsNoKey(error);
    });
  }
  const errors = { errors: [{ code: CANARY, title: CANARY, detail: CANARY, source: { pointer: CANARY } }] };
  for (const status of [400, 401, 403, 404, 409, 429, 500]) {
    const fetch = async () => json(errors, status, { "retry-after": CANARY, "x-request-id": CANARY });
    await withClient({ fetch }, async (klaviyo) => {
      const error = await klaviyo.lists().catch((failed) => failed);
      assert.equal(error.status, status);
      holdsNoKey(error);
    });
  }
});

test("what is thrown by fetch says why there is no answer", async () => {
  const cases = [
    [
      new TypeError("fetch failed", { cause: new Error("certificate has expired") }),
      "connection",
      "certificate has expired",
    ],
    [new DOMException("too late", "TimeoutError"), "timeout", "too late"],
    ...["denied", "timeout", "connection", "too-large", "other"].map((code) => [
      new KlaviyoError(code, "so"),
      code,
      "so",
    ]),
    [new KlaviyoError("not-found", "so"), "connection", "so"],
  ];
  for (const [reason, code, word] of cases) {
    const fetches = [
      async () => Promise.reject(reason),
      () => {
        throw reason;
      },
    ];
    for (const fetch of fetches) {
      await withClient({ fetch }, (klaviyo) => failure(klaviyo.lists(), code, word));
    }
  }
  const noAnswers = [undefined, null, {}, "text", 204, { status: 0, headers: [] }, { status: "200", headers: [] }];
  for (const nothing of [
    ...noAnswers,
    { status: 200, headers: [["x", 7]] },
    { status: 200, headers: [], body: ["text"] },
  ]) {
    await withClient({ fetch: async () => nothing }, async (klaviyo) => {
      const error = await klaviyo.lists().catch((failed) => failed);
      assert.ok(error instanceof KlaviyoError && ["connection", "other"].includes(error.code), String(error));
    });
  }
});

test("the key is sent in the header that the contract asks for, and nowhere else", async () => {
  const seen = [];
  const fetch = async (url, init) => {
    seen.push([url, init]);
    return findsPriya();
  };
  await withClient({ fetch, key: `${CANARY}\n` }, (klaviyo) =>
    klaviyo.optIn({ list: "Y6nRLr", email: "priya@example.com" }).catch(() => {}),
  );
  assert.ok(seen.length >= 2);
  for (const [url, { headers, body, redirect }] of seen) {
    assert.equal(headers.get("authorization"), `Klaviyo-API-Key ${CANARY}`);
    headers.delete("authorization");
    assert.ok(![url, ...[...headers].flat(), Buffer.from(body ?? []).toString()].join().includes(CANARY));
    assert.equal(redirect, "manual");
  }
});

test("a fetch in the place of the runtime's sends the requests", async () => {
  const { fetch } = globalThis;
  globalThis.fetch = findsPriya;
  try {
    await withClient({}, async (klaviyo) => {
      assert.equal((await klaviyo.lookup({ email: "priya@example.com" })).firstName, "Priya");
    });
  } finally {
    globalThis.fetch = fetch;
  }
});

test("the key is nowhere in the memory of an instance", async () => {
  const memories = [];
  const { Memory } = WebAssembly;
  WebAssembly.Memory = function (description) {
    const memory = new Memory(description);
    memories.push(memory);
    return memory;
  };
  try {
    // A memory that grew is not cleared after the call.
    const large = "x".repeat(1_000_000);
    const echoes = async (_, { headers }) =>
      json({ errors: [{ detail: headers.get("authorization") }], large }, 400, { "x-echo": headers.get("authorization") });
    // No memory of another test has this limit.
    const klaviyo = await connect({ key: CANARY, fetch: echoes, limits: { memory: 30_000_000 } });
    await failure(klaviyo.lookup({ email: "priya@example.com" }), "rejected");
    await klaviyo.close();
  } finally {
    WebAssembly.Memory = Memory;
  }
  const all = memories.map(({ buffer }) => Buffer.from(buffer).toString("latin1")).join();
  assert.ok(all.includes("*".repeat(CANARY.length)), "no answer was seen");
  assert.ok(!all.includes(CANARY));
});
