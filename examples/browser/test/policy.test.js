// What the page does not send.

import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseApi } from "../src/policy.js";

test("api.call may ask for nothing, and every other function sends", () => {
  const denied = ({ payload }) => payload.tag === "denied" && payload.val.includes("api.call");
  for (const method of ["get", "post"]) {
    assert.throws(() => refuseApi({ method, url: "https://a.klaviyo.com/api/webhooks/", function: "api.call" }), denied);
    assert.doesNotThrow(() => refuseApi({ method, url: "https://a.klaviyo.com/api/profiles/", function: "contacts.opt-in" }));
  }
});
