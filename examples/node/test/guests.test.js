// Guests that misbehave, in the thread where the component runs: what they ask for, and what they do instead of ending.
// Each is a function of JavaScript in the component's place, which can do more than the component can.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CANARY, failure, findsPriya, withGuest } from "./support.js";

const BY = (id) => ({ id });

/** Sends what it is told to look up, as a request, and tells what came of it. */
const SENDS = `(by, send) => {
  const request = JSON.parse(by.val);
  try {
    return send({ ...request, body: new Uint8Array(request.body) });
  } catch (error) {
    return error;
  }
}`;

const REQUEST = {
  method: "get",
  url: "https://a.klaviyo.com/api/lists/",
  headers: [{ name: "accept", value: "*/*" }],
  auth: "Klaviyo-API-Key",
  body: 0,
  function: "contacts.lookup",
};

const header = (name, value = "x") => ({ headers: [{ name, value }] });

const DENIED = {
  "http instead of https": { url: "http://a.klaviyo.com/api/lists/" },
  "another host": { url: "https://evil.example/api/lists/" },
  "a host that begins alike": { url: "https://a.klaviyo.com.evil.example/" },
  "a host behind an @": { url: "https://a.klaviyo.com@evil.example/" },
  "user information": { url: "https://user:password@a.klaviyo.com/" },
  "another port": { url: "https://a.klaviyo.com:8443/" },
  "the port that goes without saying": { url: "https://a.klaviyo.com:443/" },
  "an address": { url: "https://127.0.0.1/" },
  "an address in disguise": { url: "https://2130706433/" },
  "a host in capitals": { url: "https://A.klaviyo.com/" },
  "a host with a dot at its end": { url: "https://a.klaviyo.com./" },
  "a backslash": { url: "https://a.klaviyo.com\\@evil.example/" },
  "a path that goes up": { url: "https://a.klaviyo.com/api/../lists/" },
  "a fragment": { url: "https://a.klaviyo.com/#x" },
  "an empty fragment": { url: "https://a.klaviyo.com/#" },
  "a space": { url: " https://a.klaviyo.com/" },
  "a line end in the URL": { url: "https://a.klaviyo.com/\n" },
  "a file": { url: "file:///etc/passwd" },
  data: { url: "data:,x" },
  "no URL": { url: "/api/lists/" },
  "what another function asks for": { function: "lists.all" },
  "what api.call asks for": { function: "api.call" },
  "no function": { function: "" },
  authorization: header("Authorization"),
  host: header("host"),
  "content-length": header("Content-Length", "0"),
  "transfer-encoding": header("transfer-encoding", "chunked"),
  cookie: header("cookie"),
  "a line end in a header's value": header("x", "a\r\nb: c"),
  "a line end at the end of a header's value": header("x", "a\r\n"),
  "a NUL in a header's value": header("x", "a\0"),
  "a line end in a header's name": header("x\r\ny"),
  "a header without a name": header(""),
  "a name that is no token": header("ä"),
  "a scheme with a line end": { auth: "Klaviyo-API-Key\r\nx:" },
  "a scheme of two words": { auth: "Klaviyo-API-Key a" },
  "no scheme": { auth: "" },
};

test("what a guest may not ask for is denied, and nothing is sent", async () => {
  let sent = 0;
  const fetch = async () => {
    sent += 1;
    return findsPriya();
  };
  await withGuest(SENDS, async (withClient) => {
    await withClient({ fetch, api: "all" }, async (klaviyo) => {
      for (const [name, members] of Object.entries(DENIED)) {
        const told = await klaviyo.lookup(BY(JSON.stringify({ ...REQUEST, ...members })));
        assert.equal(told.tag, "denied", name);
        assert.ok(!JSON.stringify(told).includes(CANARY), name);
      }
      const large = { headers: Array.from({ length: 25_000 }, () => ({ name: "x", value: "y" })) };
      for (const members of [{ body: 5_000_001 }, header("x", "y".repeat(17_000)), large]) {
        assert.equal((await klaviyo.lookup(BY(JSON.stringify({ ...REQUEST, ...members })))).tag, "too-large");
      }
      assert.equal(sent, 0);
      assert.equal((await klaviyo.lookup(BY(JSON.stringify(REQUEST)))).status, 200);
      assert.equal(sent, 1);
    });
  });
});

test("an endpoint stands for Klaviyo, and for nothing else", async () => {
  const urls = [];
  const fetch = async (url) => {
    urls.push(url);
    return findsPriya();
  };
  await withGuest(SENDS, async (withClient) => {
    await withClient({ fetch, endpoint: "http://127.0.0.1:4010/" }, async (klaviyo) => {
      const url = "https://a.klaviyo.com/api/lists/?x=%2F";
      assert.equal((await klaviyo.lookup(BY(JSON.stringify({ ...REQUEST, url })))).status, 200);
      for (const other of ["http://127.0.0.1:4010/api/lists/", "https://127.0.0.1:4010/"]) {
        assert.equal((await klaviyo.lookup(BY(JSON.stringify({ ...REQUEST, url: other })))).tag, "denied");
      }
    });
  });
  assert.deepEqual(urls, ["http://127.0.0.1:4010/api/lists/?x=%2F"]);
});

const STUCK = {
  "computes without an end": "() => { for (;;); }",
  "waits without an end": "() => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }",
};

for (const [name, body] of Object.entries(STUCK)) {
  test(`a call that ${name} is ended by limits.time, and the next one has a new thread`, async () => {
    await withGuest(`(by) => by.val === "stuck" ? (${body})() : { id: by.val }`, async (withClient) => {
      await withClient({ limits: { time: 3_000, concurrentCalls: 2 } }, async (klaviyo) => {
        const stuck = failure(klaviyo.lookup(BY("stuck")), "timeout", "limits.time");
        // The calls beside it do not notice.
        assert.deepEqual(await klaviyo.lookup(BY("beside")), { id: "beside" });
        await stuck;
        assert.deepEqual(await klaviyo.lookup(BY("after")), { id: "after" });
      });
    });
  });
}

const BROKEN = {
  traps: 'throw new WebAssembly.RuntimeError("unreachable")',
  "runs out of stack": "const deeper = () => deeper() + 1; deeper()",
  "ends its thread": "process.exit(3)",
};

for (const [name, body] of Object.entries(BROKEN)) {
  test(`a call that ${name} fails alone, and its thread is not used again`, async () => {
    const lookup = `(by) => {
      globalThis.calls = (globalThis.calls ?? 0) + 1;
      if (by.val === "broken") { ${body}; }
      return { calls: globalThis.calls };
    }`;
    await withGuest(lookup, async (withClient) => {
      await withClient({ limits: { concurrentCalls: 1 } }, async (klaviyo) => {
        assert.deepEqual(await klaviyo.lookup(BY("well")), { calls: 1 });
        assert.deepEqual(await klaviyo.lookup(BY("well")), { calls: 2 });
        await failure(klaviyo.lookup(BY("broken")), "trap");
        assert.deepEqual(await klaviyo.lookup(BY("well")), { calls: 1 });
      });
    });
  });
}

test("the thread has nothing of the environment, the command line or the key", async () => {
  const everything = `() => ({
    text: JSON.stringify([process.env, process.argv.slice(2), process.execArgv, Object.keys(globalThis)]),
  })`;
  process.env.KLAVIYO_CANARY = CANARY;
  try {
    await withGuest(everything, async (withClient) => {
      await withClient({}, async (klaviyo) => {
        const { text } = await klaviyo.lookup(BY("x"));
        assert.ok(!text.includes(CANARY) && !text.includes("KLAVIYO"), text);
        assert.deepEqual(JSON.parse(text)[0], {});
      });
    });
  } finally {
    delete process.env.KLAVIYO_CANARY;
  }
});

const UNLOADABLE = {
  "is not there": { "klaviyo.core.wasm": null },
  "is not WebAssembly": { "klaviyo.core.wasm": "not WebAssembly" },
  "is empty": { "klaviyo.core.wasm": "" },
  "is cut off": { "klaviyo.core.wasm": Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 0x80) },
  "has no JavaScript": { "klaviyo.js": null },
  "has other JavaScript": { "klaviyo.js": "export const nothing = 1;" },
  "cannot be instantiated": { "klaviyo.js": 'export function instantiate() { throw new Error("no"); }' },
};

for (const [name, files] of Object.entries(UNLOADABLE)) {
  test(`a component that ${name} is told when connecting`, async () => {
    await withGuest(
      undefined,
      async (_, connect) => {
        const error = await failure(connect({ key: CANARY }), "unloadable", "npm run build");
        assert.ok(!error.message.includes(CANARY));
      },
      files,
    );
  });
}
