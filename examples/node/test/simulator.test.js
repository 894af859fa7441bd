// Over real sockets, against the simulator of this repository.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, withClient } from "./support.js";
import { simulator } from "./simulator.js";

const LIST = "Y6nRLr";
const PRIYA = { list: LIST, email: "priya@example.com", phoneNumber: "+91 98200 00001", firstName: "Priya" };

let klaviyo;

before(async () => {
  klaviyo = await simulator();
});

after(() => klaviyo.stop());

const account = (run) => withClient({ key: klaviyo.key, endpoint: klaviyo.url }, run);

async function stored() {
  const { accounts } = await klaviyo.state();
  return accounts[0];
}

/** Asks again and again, until there is something. */
async function until(ask) {
  for (const end = performance.now() + 20_000; ;) {
    const got = await ask();
    if (got !== undefined || performance.now() > end) {
      return got;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("somebody new opts in, and the same person again", async () => {
  await account(async (client) => {
    const receipt = await client.optIn(PRIYA);
    const { profileId } = receipt;
    assert.deepEqual(receipt, { profileId, profileName: "Priya", listId: LIST, created: true, warnings: [] });
    assert.deepEqual(await client.optIn(PRIYA), { ...receipt, created: false });
    const { lists } = await stored();
    assert.deepEqual(lists.find(({ id }) => id === LIST).members, [profileId]);
    assert.equal((await client.lookup({ phoneNumber: "+919820000001" })).id, profileId);
    assert.deepEqual(await client.create({ email: PRIYA.email }), { created: false, id: profileId });
  });
});

test("a wrong key, a list that does not exist, somebody who does not exist", async () => {
  await withClient({ key: "pk_wrong", endpoint: klaviyo.url }, async (client) => {
    assert.equal((await failure(client.optIn(PRIYA), "unauthenticated")).status, 401);
  });
  await account(async (client) => {
    const error = await failure(client.optIn({ ...PRIYA, list: "ZZZZZZ" }), "not-found");
    assert.equal(error.status, 404);
    assert.ok(error.details.length > 0 && error.body.length > 0);
    assert.equal(await client.lookup({ email: "nobody@example.com" }), undefined);
    assert.equal(await client.findList("No such list"), undefined);
    assert.equal((await client.findList("WhatsApp Opt-Ins")).id, LIST);
    assert.deepEqual(
      (await client.lookupMany([{ email: "nobody@example.com" }, { email: PRIYA.email }])).map((found) => found?.email),
      [undefined, PRIYA.email],
    );
  });
});

test("a 429 is told with its Retry-After, and is not repeated here", async () => {
  await account(async (client) => {
    await klaviyo.faults("GET /api/lists: always status 429 retry-after 7");
    const { requests: before } = await klaviyo.state();
    assert.equal((await failure(client.lists(), "rate-limited")).retryAfter, 7);
    assert.equal((await klaviyo.state()).requests - before, 1);
    await klaviyo.faults();
    assert.equal((await client.lists()).length, 3);
  });
});

test("consent is given, read and taken back", async () => {
  await account(async (client) => {
    const person = { email: "meera@example.com", channels: ["email"] };
    const granted = await client.grantConsent({
      subscriptions: [person, { channels: ["sms"] }],
      list: LIST,
      customSource: "test",
    });
    assert.equal(granted.accepted, 1);
    assert.deepEqual(
      granted.refused.map(({ index }) => index),
      [1],
    );
    // Klaviyo works on it later, and so does the simulator.
    const { channels } = await until(() => client.consents({ email: person.email }));
    assert.equal(channels.find(({ channel }) => channel === "email").state, "SUBSCRIBED");
    assert.equal((await client.revokeConsent({ unsubscriptions: [person] })).accepted, 1);
  });
});

test("ten thousand contacts are imported, and the one that cannot be is told", async () => {
  await account(async (client) => {
    const contacts = Array.from({ length: 10_000 }, (_, index) => ({
      email: index === 17 ? "nobody" : `contact${index}@example.com`,
      firstName: `Contact ${index}`,
      properties: { plan: "pro", index },
    }));
    const submission = await client.submitImport({ contacts, list: LIST });
    assert.deepEqual(
      submission.refused.map(({ index }) => index),
      [17],
    );
    assert.equal(submission.stopped, undefined);
    const [{ job, rows }] = submission.jobs;
    assert.ok(Array.isArray(rows));
    assert.equal(rows.length, 9_999);
    assert.equal(rows[17], 18);
    assert.equal((await client.import(job)).total, 9_999);
    assert.equal((await client.imports())[0].id, job);
    assert.deepEqual(await client.imports({ newerThan: job }), []);
    assert.deepEqual(await client.importFailures(job), []);
  });
});

test("forty people opt in at once, while things go wrong, and are members once", async () => {
  await account(async (client) => {
    await klaviyo.faults("POST /api/profiles: 20% reset-after", "* /api/lists/*: 20% status 503");
    const people = Array.from({ length: 40 }, (_, index) => ({ list: LIST, email: `at-once${index}@example.com` }));
    // What the connector does not: repeat.
    const persistent = async (person) => {
      for (;;) {
        try {
          return await client.optIn(person);
        } catch (error) {
          assert.ok(["unavailable", "connection"].includes(error.code), error.message);
        }
      }
    };
    const receipts = await Promise.all(people.map(persistent));
    await klaviyo.faults();
    const { lists } = await stored();
    const { members } = lists.find(({ id }) => id === LIST);
    for (const { profileId } of receipts) {
      assert.equal(members.filter((member) => member === profileId).length, 1);
    }
    assert.equal(new Set(receipts.map(({ profileId }) => profileId)).size, 40);
  });
});
