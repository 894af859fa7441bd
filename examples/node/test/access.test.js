// What `api.call` may ask for, and that no other function can.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect } from "klaviyo-connector";
import { refusal, segments } from "../compiled/access.js";
import { CANARY, failure } from "./support.js";

const CASES = JSON.parse(readFileSync(new URL("../../../host-test/cases/api-access.json", import.meta.url), "utf8"));

test("what is allowed is permitted, and nothing else", () => {
  assert.ok(CASES.cases.length > 7);
  for (const { allow, below, permitted, refused } of CASES.cases) {
    const access = allow === "none" ? undefined : { allow, below: below?.map((path) => segments(path).segments) };
    for (const [requests, expected] of [
      [permitted, true],
      [refused, false],
    ]) {
      for (const request of requests) {
        const end = request.indexOf(" ");
        const asked = { function: "api.call", method: request.slice(0, end).toLowerCase(), path: request.slice(end + 1) };
        assert.equal(refusal(access, "api.call", asked) === undefined, expected, JSON.stringify({ request, allow, below }));
      }
    }
  }
});

test("no function may ask for a path that can be read in two ways", () => {
  const { permitted, refused } = CASES["every-function"];
  assert.ok(permitted.length > 5 && refused.length > 30);
  for (const [paths, expected] of [
    [permitted, true],
    [refused, false],
  ]) {
    for (const path of paths) {
      const asked = { function: "lists.all", method: "get", path };
      assert.equal(refusal(undefined, "lists.all", asked) === undefined, expected, JSON.stringify(path));
    }
  }
});

test("what is no path of the API is refused when connecting", async () => {
  for (const path of CASES["no-paths"]) {
    await failure(connect({ key: CANARY, api: { allow: "all", below: [path] } }), "invalid-input", "api.below[0]");
  }
});

test("a function that is not api.call needs no permission, and gives none", () => {
  const asked = { function: "lists.all", method: "get", path: "/api/lists/" };
  assert.equal(refusal(undefined, "lists.all", asked), undefined);
  for (const access of [undefined, { allow: "all", below: undefined }]) {
    for (const [called, name] of [
      ["lists.all", "api.call"],
      ["api.call", "lists.all"],
      ["lists.all", "LISTS.ALL"],
      ["lists.all", ""],
    ]) {
      assert.ok(refusal(access, called, { ...asked, function: name }), `${name} as ${called}`);
    }
  }
});
