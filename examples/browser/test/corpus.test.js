// The corpus of fixtures, played by the page's connector in the browser, and compared as strictly as in Node.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import * as compare from "../../node/test/compare.js";
import { files, fixture, read } from "../../node/test/fixture.js";
import { parse, stringify } from "../../node/test/json.js";
import { bundle } from "../bundle.js";
import { ACTIONS } from "../src/catalogue.js";
import { SITUATIONS } from "../src/situations.js";
import { launch, visit } from "./browser.js";

/** Where `cargo xtask build` writes the corpus. */
const CORPUS = new URL("../../../target/fixtures/", import.meta.url);
/** Those of its cases that are files of their own. */
const SPECIAL = new URL("../../../host-test/fixtures/", import.meta.url);

let browser;
let page;
before(async () => {
  browser = await launch();
  page = await browser.newPage();
  await page.addScriptTag({ type: "module", content: await bundle(fileURLToPath(new URL("player.js", import.meta.url))) });
  await page.waitForFunction(() => globalThis.play);
});
after(() => browser?.close());

/** Plays fixtures; of each, what differed. */
async function replay(fixtures) {
  const calls = fixtures.map(({ call, exchanges }) => ({
    name: call.function,
    values: call.arguments.map((value) => JSON.parse(stringify(value))),
    answers: exchanges.map(({ response }) => ({ ...response, body: response.body?.toString("base64") })),
  }));
  const played = await page.evaluate(
    (calls) =>
      calls.map((call) => {
        try {
          return play(call);
        } catch (error) {
          return { trap: `${error}` };
        }
      }),
    calls,
  );
  return played.map((outcome, index) => differences(fixtures[index], outcome));
}

function differences({ exchanges, returns }, { sent, got, trap }) {
  if (trap) return [trap];
  const requests = sent.flatMap((request, index) => {
    const exchange = exchanges[index];
    if (!exchange) return [`not expected: ${request.method} ${request.url}`];
    return compare.request(exchange.request, { ...request, body: Buffer.from(request.body, "base64") });
  });
  const missing = exchanges.slice(sent.length).map(({ request }) => `never sent: ${request.method} ${request.url}`);
  return [...requests, ...missing, ...compare.returned(returns, parse(JSON.stringify(got)))];
}

test("the corpus passes in the browser", async () => {
  const all = files(CORPUS);
  assert.ok(all.length > files(SPECIAL).length, `${all.length} fixtures`);
  const failed = [];
  // Not all at once: some fixtures have megabytes.
  for (let start = 0; start < all.length; start += 50) {
    const some = all.slice(start, start + 50);
    const results = await replay(some.map(read));
    results.forEach((differ, index) => {
      if (differ.length > 0) failed.push(`${some[index].href.slice(CORPUS.href.length)}: ${differ.join("; ")}`);
    });
  }
  assert.deepEqual(failed, []);
});

/** A fixture that passes, as text, with something in it replaced. */
const CASE = {
  name: "subscribe",
  call: { function: "contacts.subscribe", arguments: ["Y6nRLr", ["01X"]] },
  exchanges: [
    {
      request: {
        method: "POST",
        url: "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/",
        headers: { revision: "2025-01-15" },
        auth: "Klaviyo-API-Key",
        json: { data: [{ id: "01X", type: "profile" }] },
      },
      response: { status: 204 },
    },
  ],
  returns: { ok: 1 },
};

async function judged(change) {
  const changed = structuredClone(CASE);
  change(changed);
  const [differ] = await replay([fixture(JSON.stringify(changed))]);
  return differ.length === 0;
}

test("arguments at the end, and empty fields of what is returned, may be left out", async () => {
  const call = { function: "consent.revoke", arguments: [[]] };
  const nobody = { name: "nobody", call, returns: { ok: { accepted: 0 } } };
  assert.deepEqual(await replay([fixture(JSON.stringify(nobody))]), [[]]);
});

test("a fixture that is altered fails", async () => {
  assert.ok(await judged(() => {}));
  const request = (change) => (altered) => change(altered.exchanges[0].request);
  const alterations = {
    method: request((sent) => (sent.method = "PATCH")),
    auth: request((sent) => (sent.auth = "Bearer")),
    url: request((sent) => (sent.url = sent.url.replace("Y6nRLr", "Other"))),
    header: request((sent) => (sent.headers.revision = "2026-01-15")),
    body: request((sent) => (sent.json = { data: [] })),
    "one request more": (altered) => altered.exchanges.push(structuredClone(altered.exchanges[0])),
    "no request": (altered) => (altered.exchanges = []),
    value: (altered) => (altered.returns = { ok: 2 }),
    error: (altered) => (altered.returns = { err: { code: "other" } }),
    function: (altered) => (altered.call.function = "lists.all"),
    "no function": (altered) => (altered.call.function = "contacts.nothing"),
    answer: (altered) => (altered.exchanges[0].response = { status: 503 }),
    failure: (altered) => (altered.exchanges[0].response = { error: { timeout: "slow" } }),
  };
  for (const [name, change] of Object.entries(alterations)) {
    assert.equal(await judged(change), false, `${name} was altered, and it passed`);
  }
});

test("what the page copies as a fixture is one, and passes", async () => {
  const copied = [];
  await visit(browser, {}, async (page) => {
    const copy = async () => copied.push(fixture(await page.copied("#fixture")));
    for (const { id } of SITUATIONS) {
      await page.choose(id);
      await page.optIn();
      await copy();
    }
    await page.choose("new");
    await page.optIn();
    await page.later();
    await copy();
    for (const { name } of ACTIONS) {
      await page.action(name);
      await page.press();
      await copy();
    }
  });
  assert.equal(copied.length, SITUATIONS.length + 1 + ACTIONS.length);
  assert.deepEqual(new Set(copied.map(({ call }) => call.function)), new Set(ACTIONS.map(({ name }) => name)));
  const differ = await replay(copied);
  assert.deepEqual(differ.map((found, index) => [copied[index].name, found]).filter(([, found]) => found.length > 0), []);
});
