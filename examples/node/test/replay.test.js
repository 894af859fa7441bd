import assert from "node:assert/strict";
import { test } from "node:test";
import { rawUrl } from "./compare.js";
import { files, fixture } from "./fixture.js";
import { corpus, Replayer, sayable } from "./replay.js";

test("the whole corpus goes as it is written", async () => {
  const { passed, failed } = await corpus();
  assert.deepEqual(failed, []);
  assert.equal(passed, sayable().length);
  const special = files(new URL("../../../host-test/fixtures/", import.meta.url)).length;
  assert.ok(passed > special, `there are only ${passed} fixtures, and ${special} of them are files of their own`);
});

const SUBSCRIBE = {
  name: "subscribe",
  call: { function: "contacts.subscribe", arguments: ["Y6nRLr", ["01X"]] },
  exchanges: [
    {
      request: {
        method: "POST",
        url: "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/",
        headers: { Revision: "2025-01-15", "content-type": "application/vnd.api+json" },
        auth: "Klaviyo-API-Key",
        json: { data: [{ id: "01X", type: "profile" }] },
      },
      response: { status: 204 },
    },
  ],
  returns: { ok: 1 },
};

/** Whether a fixture passes. */
async function passes(value) {
  const replayer = new Replayer();
  try {
    const differences = await replayer.replay(fixture(JSON.stringify(value)));
    return differences.length === 0;
  } catch {
    return false;
  } finally {
    }
}

/** The fixture with one member replaced or added. */
function altered(path, value) {
  const copy = structuredClone(SUBSCRIBE);
  const names = path.split("/");
  const last = names.pop();
  names.reduce((object, name) => object[name], copy)[last] = value;
  return copy;
}

const REQUEST = "exchanges/0/request";

test("what may differ does not count", async () => {
  assert.ok(await passes(SUBSCRIBE));
  for (const url of [
    "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles",
    "https://a.klaviyo.com/api/lists/%59%36nRLr/relationships/profiles/",
  ]) {
    assert.ok(await passes(altered(`${REQUEST}/url`, url)), url);
  }
});

test("whatever differs fails", async () => {
  for (const [path, value] of [
    [`${REQUEST}/method`, "PATCH"],
    [`${REQUEST}/auth`, "Bearer"],
    [`${REQUEST}/url`, "https://a.klaviyo.com/api/lists/Other/relationships/profiles/"],
    [`${REQUEST}/url`, "http://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/"],
    [`${REQUEST}/url`, "https://b.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/"],
    [`${REQUEST}/url`, "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/?a=b"],
    [`${REQUEST}/url`, "https://a.klaviyo.com/api/lists%2FY6nRLr/relationships/profiles/"],
    [`${REQUEST}/headers/revision`, "2026-01-15"],
    [`${REQUEST}/headers/x-more`, ""],
    [`${REQUEST}/json`, { data: [] }],
    [`${REQUEST}/json`, { data: [{ id: "01X", type: "profile", x: 1 }] }],
    [`${REQUEST}/body`, "both"],
    ["exchanges/1", SUBSCRIBE.exchanges[0]],
    ["exchanges", []],
    ["returns", { ok: 2 }],
    ["returns", { ok: 1, err: {} }],
    ["returns", { err: { code: "other" } }],
    ["call/function", "contacts.nothing"],
    ["call/function", "lists.all"],
    ["call/arguments", [7, ["01X"]]],
    ["call/arguments", ["Y6nRLr"]],
    ["call/arguments", ["Y6nRLr", ["01X"], null]],
    ["exchanges/0/response", { status: 204, text: "", json: {} }],
    ["exchanges/0/response", { status: 204, error: { timeout: "" } }],
    ["exchanges/0/response", { error: { unheard: "" } }],
    ["exchanges/0/response", {}],
    ["exchanges/0/response", { status: 204, base64: "?" }],
    ["exchanges/0/response/statsu", 204],
    ["unknown", 1],
  ]) {
    assert.equal(await passes(altered(path, value)), false, `${path} = ${JSON.stringify(value)} passed`);
  }
});

test("included fields are compared at every depth", async () => {
  const lookup = {
    name: "lookup",
    call: { function: "contacts.lookup", arguments: [{ id: "01X" }] },
    exchanges: [
      {
        request: { method: "GET", url: "https://a.klaviyo.com/api/profiles/01X/", auth: "Klaviyo-API-Key" },
        response: { status: 200, json: { data: { id: "01X", attributes: { email: "a@b" } } } },
      },
    ],
  };
  for (const [returns, expected] of [
    [{ "ok-includes": { email: "a@b" } }, true],
    [{ "ok-includes": { email: "a@b", warnings: [] } }, true],
    [{ "ok-includes": { "last-name": null } }, true],
    [{ "ok-includes": { email: "b@a" } }, false],
    [{ "ok-includes": { warnings: ["x"] } }, false],
    [{ "ok-includes": { "unheard-of": 1 } }, false],
    [{ ok: { id: "01X", email: "a@b", properties: "{}", warnings: [] } }, true],
    [{ ok: { id: "01X", email: "a@b", properties: "{}" } }, true],
    [{ ok: { id: "01X", email: "a@b", warnings: [] } }, false],
    [{ ok: { id: "01X", email: "a@b", properties: "{}", warnings: null } }, false],
    [{ ok: { id: "01X" } }, false],
  ]) {
    assert.equal(await passes({ ...lookup, returns }), expected, JSON.stringify(returns));
  }
});

test("arguments at the end, and empty fields of what is returned, may be left out", async () => {
  const call = { function: "consent.revoke", arguments: [[]] };
  assert.ok(await passes({ name: "nobody", call, returns: { ok: { accepted: 0 } } }));
});

test("a number keeps its digits, in what is compared as in what is played", async () => {
  const text = (digits, expected) => `{
    "name": "digits",
    "call": { "function": "contacts.upsert", "arguments": [{ "external-id": "1", "properties": "{\\"n\\":${digits}}" }] },
    "exchanges": [{
      "request": { "method": "POST", "url": "https://a.klaviyo.com/api/profile-import/", "auth": "Klaviyo-API-Key",
        "json": { "data": { "type": "profile", "attributes": { "external_id": "1", "properties": { "n": ${expected} } } } } },
      "response": { "status": 200, "json": { "data": { "id": "01X", "attributes": { "properties": { "n": ${digits} } } } } }
    }],
    "returns": { "ok-includes": { "profile": { "properties": "{\\"n\\":${expected}}" } } }
  }`;
  const replayer = new Replayer();
  const replay = async (...digits) => (await replayer.replay(fixture(text(...digits)))).length;
  assert.equal(await replay("12345678901234567890.10", "12345678901234567890.10"), 0);
  assert.notEqual(await replay("12345678901234567890.10", "12345678901234567890.1"), 0);
  assert.notEqual(await replay("12345678901234567890", "12345678901234567891"), 0);
});

test("what is sent is encoded byte for byte", () => {
  for (const url of ["https://h/?a=b%20c", "https://h/a%2Fb?x=%22&y=%C3%A9", "https://h/"]) {
    assert.deepEqual(rawUrl(url), []);
  }
  for (const url of ["?a=b c", '?a="', "?a=+", "?a=é", "?a=1%", "?a=%zz", "?a=b#c", "a/../b", "a b"].map(
    (end) => `https://h/${end}`,
  )) {
    assert.notDeepEqual(rawUrl(url), [], url);
  }
  assert.notDeepEqual(rawUrl("https://H/"), []);
  assert.notDeepEqual(rawUrl("h/a"), []);
  assert.notDeepEqual(rawUrl(""), []);
});
