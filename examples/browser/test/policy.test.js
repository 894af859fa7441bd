// What the page does not send.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withMemory } from "../src/memory.js";
import { policy, refuse } from "../src/policy.js";

const REQUEST = { method: "get", url: "https://a.klaviyo.com/api/lists/", headers: [], function: "lists.all" };

const denied = (request, called = request.function) => {
  try {
    refuse(request, called);
  } catch ({ payload }) {
    assert.equal(payload.tag, "denied");
    return payload.val;
  }
};

test("what a component may ask for is sent, and the rest denied by the setting that decides it", () => {
  assert.equal(denied(REQUEST), undefined);
  assert.equal(denied({ ...REQUEST, headers: [{ name: "revision", value: "2025-01-15" }] }), undefined);
  const urls = ["https://evil.example/", "http://a.klaviyo.com/", "https://a.klaviyo.com.evil.example/", "https://a.klaviyo.com:8443/"];
  for (const url of urls) assert.match(denied({ ...REQUEST, url }), /`policy\.origins`/, url);
  for (const name of policy.hostHeaders) {
    for (const spelt of [name, name.toUpperCase()]) {
      assert.match(denied({ ...REQUEST, headers: [{ name: spelt, value: "x" }] }), /`policy\.hostHeaders`/, spelt);
    }
  }
  for (const method of ["get", "post", "patch", "delete"]) {
    const sentence = denied({ ...REQUEST, method, function: "api.call" });
    if (policy.api.includes(method)) assert.equal(sentence, undefined, method);
    else assert.match(sentence, /`policy\.api`/, method);
  }
});

test("what could be read in two ways is denied", () => {
  const path = "/api/lists/";
  const urls = [`https://user@a.klaviyo.com${path}`, `https://A.klaviyo.com${path}`, `https://a.klaviyo.com:443${path}`, `${REQUEST.url}#x`, ` ${REQUEST.url}`, path];
  for (const url of urls) assert.ok(denied({ ...REQUEST, url }), url);
  assert.ok(denied(REQUEST, "contacts.lookup"));
});

test("a memory grows to its maximum and no further", async () => {
  const section = [5, 3, 1, 0, 2];
  const exported = [7, 5, 1, 1, 0x6d, 2, 0];
  const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section, ...exported);
  for (const pages of [2, 127, 128, 1024]) {
    const { instance } = await WebAssembly.instantiate(withMemory(module, pages * 65_536));
    const { m } = instance.exports;
    assert.equal(m.grow(pages - 2), 2);
    assert.throws(() => m.grow(1), RangeError);
  }
  assert.throws(() => withMemory(module, 65_536), RangeError);
});
