// Guests that misbehave: what they ask for, and what they do instead of ending.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connected } from "../compiled/connect.js";
import { withGuest, withSender } from "./guest.js";
import { CANARY, failure, findsPriya } from "./support.js";

const BY = { id: "01X" };

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
  const sends = (members, run) =>
    withSender({ ...REQUEST, ...members }, (withClient) => withClient({ fetch, api: "all" }, (klaviyo) => run(klaviyo.lookup(BY))));
  for (const [name, members] of Object.entries(DENIED)) {
    await sends(members, async (call) => {
      const error = await failure(call, "denied");
      assert.ok(!JSON.stringify(error).includes(CANARY), name);
    });
  }
  const large = { headers: Array.from({ length: 4_500 }, () => ({ name: "x", value: "y" })) };
  for (const members of [header("x", "y".repeat(17_000)), large]) {
    await sends(members, (call) => failure(call, "too-large"));
  }
  assert.equal(sent, 0);
  await sends({}, async (call) => assert.equal(await call, undefined));
  assert.equal(sent, 1);
});

test("an endpoint stands for Klaviyo, and for nothing else", async () => {
  const urls = [];
  const fetch = async (url) => {
    urls.push(url);
    return findsPriya();
  };
  const options = { fetch, endpoint: "http://127.0.0.1:4010/" };
  const lookup = (url, run) => withSender({ ...REQUEST, url }, (withClient) => withClient(options, (klaviyo) => run(klaviyo.lookup(BY))));
  await lookup("https://a.klaviyo.com/api/lists/?x=%2F", async (call) => assert.equal(await call, undefined));
  for (const other of ["http://127.0.0.1:4010/api/lists/", "https://127.0.0.1:4010/"]) {
    await lookup(other, (call) => failure(call, "denied"));
  }
  assert.deepEqual(urls, ["http://127.0.0.1:4010/api/lists/?x=%2F"]);
});

/** A result without a profile. */
const NOBODY = "(i32.const 512)";
/** An error whose code is the first one, and whose message is where it says. */
const error = (at, length) =>
  `(i32.store8 (i32.const 512) (i32.const 1)) (i32.store (i32.const 520) (i32.const ${at})) (i32.store (i32.const 524) (i32.const ${length})) (i32.const 512)`;

const BROKEN = {
  traps: "(unreachable)",
  "runs out of stack": "(call $deeper (i32.const 0))",
  "reads outside of its memory": "(i32.load (i32.const -8))",
  "returns what is outside of its memory": "(i32.const -8)",
  "returns a text outside of its memory": error(10_000_000, 1_000),
  "returns a text that is none": `(i32.store8 (i32.const 600) (i32.const 255)) ${error(600, 1)}`,
  "returns a case that there is not": `(i32.store8 (i32.const 512) (i32.const 9)) ${NOBODY}`,
  "returns a list longer than its memory": `(i32.store (i32.const 544) (i32.const 2000000000)) ${error(0, 0)}`,
  "asks for a request outside of its memory": `(call $send ${"(i32.const -8) ".repeat(12)}) ${NOBODY}`,
};

for (const [name, body] of Object.entries(BROKEN)) {
  test(`a call that ${name} fails alone`, async () => {
    // What is looked up by email breaks down.
    const lookup = `(if (result i32) (local.get 0) (then ${NOBODY}) (else ${body}))`;
    await withGuest(lookup, async (withClient) => {
      await withClient({}, async (klaviyo) => {
        const [before, broken] = [klaviyo.lookup(BY), klaviyo.lookup({ email: "priya@example.com" })];
        assert.equal(await before, undefined);
        await failure(broken, "trap", "nothing was sent");
        assert.equal(await klaviyo.lookup(BY), undefined);
      });
    });
  });
}

/** How many memories are made while this runs. */
async function memoriesOf(run) {
  const { Memory } = WebAssembly;
  let made = 0;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor) {
      super(descriptor);
      made += 1;
    }
  };
  try {
    await run();
  } finally {
    WebAssembly.Memory = Memory;
  }
  return made;
}

for (const hasRoom of [true, false]) {
  test(`nothing is left of one call in the next, whose memory ${hasRoom ? "is used again" : "is another, since it grew"}`, async () => {
    const once = `(if (i32.load (i32.const 700)) (then (unreachable))) (i32.store (i32.const 700) (i32.const 1)) ${NOBODY}`;
    const limits = { memory: hasRoom ? 6_000_000 : 5_000_000 };
    const test = (withClient) =>
      withClient({ limits }, async (klaviyo) => {
        const made = await memoriesOf(async () => {
          for (let call = 0; call < 3; call += 1) {
            assert.equal(await klaviyo.lookup(BY), undefined);
          }
        });
        assert.equal(made, hasRoom ? 1 : 3);
      });
    await withGuest(once, test, { hasRoom });
  });
}

test("calls at once have a memory each, and those of another limit get none of theirs", async () => {
  const own = `(if (i32.load (i32.const 700)) (then (unreachable))) (i32.store (i32.const 700) (i32.const 1)) ${NOBODY}`;
  const calls = (withClient, memory) => () =>
    withClient({ limits: { memory } }, (klaviyo) => Promise.all(Array.from({ length: 4 }, () => klaviyo.lookup(BY))));
  await withGuest(own, async (withClient) => {
    for (const made of [4, 0]) assert.equal(await memoriesOf(calls(withClient, 7_000_000)), made);
    assert.equal(await memoriesOf(calls(withClient, 8_000_000)), 4);
  }, { hasRoom: true });
});

test("the memory of a call that failed is not used again", async () => {
  const test = (withClient) =>
    withClient({ limits: { memory: 9_000_000 } }, async (klaviyo) => {
      const made = await memoriesOf(async () => {
        for (let call = 0; call < 3; call += 1) await failure(klaviyo.lookup(BY), "trap");
      });
      assert.equal(made, 3);
    });
  await withGuest("(unreachable)", test, { hasRoom: true });
});

test("limits.memory holds for a guest that takes all it gets", async () => {
  const grows = `(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)`;
  await withGuest(grows, async (withClient) => {
    await withClient({ limits: { memory: 1_048_576 } }, async (klaviyo) => {
      await failure(klaviyo.lookup(BY), "trap", "it had 1048576 of the 1048576 bytes that limits.memory allows");
    });
  });
});

test("the component can ask for http, and for nothing else", () => {
  const module = new WebAssembly.Module(readFileSync(new URL("../generated/klaviyo.wasm", import.meta.url)));
  assert.deepEqual(
    WebAssembly.Module.imports(module).map(({ module, name, kind }) => [module, name, kind]),
    [
      ["klaviyo:connector/http@0.1.0", "send", "function"],
      ["env", "memory", "memory"],
    ],
  );
});

test("a component that cannot be compiled is told when connecting", async () => {
  for (const bytes of [[], [1, 2, 3], [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 0x80]]) {
    const error = await failure(connected(() => WebAssembly.compile(Uint8Array.from(bytes)), { key: CANARY }), "unloadable");
    assert.ok(!error.message.includes(CANARY));
  }
});
