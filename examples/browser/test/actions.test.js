// The other functions, and the components that misbehave, clicked through.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ACTIONS, ATTACKS } from "../src/actions.js";
import { situationsOf } from "../src/situations.js";
import { launch, visit } from "./browser.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const returned = async ({ page }) => JSON.parse(await page.textContent("#outcome pre"));

/** What each function sends in an account without profiles, and what is looked at of what it returns. */
const FUNCTIONS = {
  "consent.grant": [["consent 202"], ({ accepted, refused }) => [accepted, refused], [1, []]],
  "consent.status": [["read 200"], ({ channels }) => channels.map(({ channel }) => channel).includes("email"), true],
  "consent.revoke": [["revoke 202"], ({ accepted, refused }) => [accepted, refused], [1, []]],
  "bulk.submit": [["import 202"], ({ jobs }) => jobs.map(({ rows }) => rows.length), [3]],
  "events.history": [["search 200", "history 200"], ({ events }) => events.map(({ metric }) => metric), ["Placed Order"]],
  "lists.all": [["lists 200"], (lists) => lists.length, 3],
};

for (const [id, [requests, look, expected]] of Object.entries(FUNCTIONS)) {
  test(`${id} is called, and fails as it should`, async () => {
    await visit(browser, {}, async (page) => {
      await page.action(id);
      // What will be sent is what is sent.
      assert.equal((await page.run()).ghosts, requests.length);
      const run = await page.press();
      assert.deepEqual([run.result, run.requests, run.ghosts], ["done", requests, 0]);
      assert.deepEqual(look(await returned(page)), expected);
      for (const { id: situation, group, repeat } of situationsOf(id)) {
        if (group !== "It fails") continue;
        await page.choose(situation);
        const failed = await page.press();
        assert.deepEqual([failed.result, failed.ended], ["failed", 1], situation);
        if (repeat) assert.equal((await page.repeat()).result, "done", situation);
      }
    });
  });
}

test("an import is followed to its end", async () => {
  await visit(browser, {}, async (page) => {
    await page.action("bulk.submit");
    await page.press();
    await page.page.locator("#follow").click();
    const { status, total, completed, failed } = await returned(page);
    assert.deepEqual([status, total, completed, failed], ["complete", 3, 3, 0]);
    assert.equal((await page.holdings()).people.length, 3);
  });
});

test("consent that is taken back is gone", async () => {
  await visit(browser, {}, async (page) => {
    const email = async () => {
      await page.action("consent.status");
      await page.press();
      return (await returned(page)).channels.find(({ channel }) => channel === "email").state;
    };
    await page.action("consent.grant");
    await page.press();
    assert.equal(await email(), "SUBSCRIBED");
    await page.action("consent.revoke");
    await page.press();
    // Klaviyo works on it, and its time goes on.
    while ((await email()) === "SUBSCRIBED");
    assert.equal(await email(), "UNSUBSCRIBED");
  });
});

/** How each component that misbehaves is stopped: the code, and the setting that the sentence names. */
const STOPPED = {
  "other-host": ["denied", "policy.origins"],
  "own-authorization": ["denied", "policy.hostHeaders"],
  spin: ["timeout", "limits.time"],
  "grow-memory": ["trap", "limits.memory"],
};

for (const [id, [code, setting]] of Object.entries(STOPPED)) {
  test(`a component that misbehaves is stopped: ${id}`, async () => {
    await visit(browser, {}, async (page) => {
      await page.action(id);
      const run = await page.press();
      assert.equal(run.code, code);
      assert.ok((await page.page.locator("#outcome .message code").allTextContents()).includes(setting));
      assert.equal(parseInt(run.record["reached Klaviyo"]) || 0, 0);
      assert.match(await page.page.textContent("#code-text"), /contacts@0\.1\.0#lookup/);
      // The thread is ended, and the page goes on.
      for (const worker of page.page.workers()) await worker.waitForEvent("close");
      await page.action("contacts.opt-in");
      assert.equal((await page.optIn()).result, "done");
    });
  });
}

test("each function and each component is tried", () => {
  assert.deepEqual(ACTIONS.map(({ id }) => id).sort(), ["contacts.opt-in", ...Object.keys(FUNCTIONS)].sort());
  assert.deepEqual(ATTACKS.map(({ id }) => id).sort(), Object.keys(STOPPED).sort());
});
