// What people write for an email and a phone number: it is cleaned, or refused with nothing sent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { failure, json, withClient } from "./support.js";

const read = (name) => readFileSync(new URL(`../../../host-test/cases/${name}`, import.meta.url), "utf8");

/** The fields of a line of CSV. */
const fields = (line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain);

/** Runs a test with a call that looks somebody up, and tells the filter of the request, if one was sent. */
async function withLookup(run) {
  const asked = [];
  const fetch = async (url) => {
    asked.push(new URL(url).searchParams.get("filter"));
    return json({ data: [] });
  };
  await withClient({ fetch }, (klaviyo) =>
    run(async (by, isRight) => {
      const call = klaviyo.lookup(by);
      if (isRight) assert.equal(await call, undefined);
      else await failure(call, "invalid-input");
      return asked.splice(0);
    }),
  );
}

test("phone numbers come out right", async () => {
  const rows = read("phones.csv").trim().split(/\r?\n/).slice(1).map(fields);
  const withCountryCode = rows.filter(([, region]) => region === "");
  assert.ok(withCountryCode.length > 40);
  await withLookup(async (lookup) => {
    for (const [written, , right] of withCountryCode) {
      const isRight = right.startsWith("+");
      const asked = await lookup({ phoneNumber: written }, isRight);
      assert.deepEqual(asked, isRight ? [`equals(phone_number,"${right}")`] : [], written);
    }
  });
});

test("emails come out right", async () => {
  const cases = read("emails.jsonl").trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(cases.length > 25);
  await withLookup(async (lookup) => {
    for (const { written, right } of cases) {
      const isRight = !right.includes("refused");
      const asked = await lookup({ email: written }, isRight);
      assert.deepEqual(asked, isRight ? [`equals(email,"${right.replaceAll('"', '\\"')}")`] : [], written);
    }
  });
});
