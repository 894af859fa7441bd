import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "klaviyo-connector";
import { CANARY, failure, json, withClient } from "./support.js";

/** Runs a test with a client that must not send anything. */
const withoutRequests = (test) => withClient({ fetch: () => assert.fail("a request was sent") }, test);

class Contact {
  email = "priya@example.com";
}

test("a wrong argument is invalid-input, names its field, and sends nothing", async () => {
  await withoutRequests(async (klaviyo) => {
    const subscriptions = (...more) => ({ subscriptions: [{ email: "a@b.c", channels: ["email"] }, ...more] });
    const cases = [
      [klaviyo.findList(7), "name"],
      [klaviyo.findList(), "name"],
      [klaviyo.lookup(), undefined],
      [klaviyo.lookup("priya@example.com"), undefined],
      [klaviyo.lookup({}), undefined],
      [klaviyo.lookup({ email: "a@b.c", id: "01X" }), undefined],
      [klaviyo.lookup({ phone: "+919820000001" }), "phone"],
      [klaviyo.lookup({ phoneNumber: 919820000001 }), "phoneNumber"],
      [klaviyo.lookupMany({ email: "a@b.c" }), "identifiers"],
      [klaviyo.lookupMany([{ email: "a@b.c" }, { mail: "a@b.c" }]), "identifiers/1/mail"],
      [klaviyo.lookupMany([{ email: "a@b.c" }, , { email: "a@b.c" }]), "identifiers/1"],
      [klaviyo.lookupMany(new Array(2 ** 32 - 1)), "identifiers/0"],
      [klaviyo.create(null), undefined],
      [klaviyo.create([]), undefined],
      [klaviyo.create(new Contact()), undefined],
      [klaviyo.create(new Map([["email", "a@b.c"]])), undefined],
      [klaviyo.create({ email: ["a@b.c"] }), "email"],
      [klaviyo.create({ email: "a@b.c", first_name: "Priya" }), "first_name"],
      [klaviyo.create(JSON.parse('{ "email": "a@b.c", "__proto__": { "firstName": "x" } }')), "__proto__"],
      [klaviyo.create({ email: "a@b.c", firstName: "\ud800" }), "firstName"],
      [klaviyo.upsert({ email: "a@b.c", properties: [] }), "properties"],
      [klaviyo.upsert({ email: "a@b.c", properties: 7 }), "properties"],
      [klaviyo.upsert({ email: "a@b.c", properties: { n: 7n } }), "properties/n"],
      [klaviyo.upsert({ email: "a@b.c", properties: { n: NaN } }), "properties/n"],
      [klaviyo.upsert({ email: "a@b.c", properties: { f() {} } }), "properties/f"],
      [klaviyo.upsert({ email: "a@b.c", properties: { s: Symbol("s") } }), "properties/s"],
      [klaviyo.upsert({ email: "a@b.c", properties: { deep: [{ map: new Map() }] } }), "properties/deep/0/map"],
      [klaviyo.upsert({ email: "a@b.c", properties: { toJSON: () => undefined } }), "properties"],
      [klaviyo.upsert({ email: "a@b.c", properties: cyclic() }), "properties/self"],
      [klaviyo.upsert({ email: "a@b.c", properties: nested(100_000) }), `properties${"/object".repeat(7)}`],
      [klaviyo.optIn({ email: "a@b.c" }), "list"],
      [klaviyo.optIn({ list: "Y6nRLr", contact: { email: "a@b.c" } }), "contact"],
      [klaviyo.subscribe({ list: "Y6nRLr", profiles: ["01X", 2] }), "profiles/1"],
      [klaviyo.subscribe("Y6nRLr", ["01X"]), undefined],
      [klaviyo.grantConsent(subscriptions({ email: "a@b.c", channels: [7] })), "subscriptions/1/channels/0"],
      [klaviyo.grantConsent(subscriptions({ email: "a@b.c", channels: "email" })), "subscriptions/1/channels"],
      [klaviyo.grantConsent(subscriptions({ email: "a@b.c", transactional: {} })), "subscriptions/1/transactional"],
      [klaviyo.grantConsent({ ...subscriptions(), historicalImport: true }), "historicalImport"],
      [klaviyo.grantConsent({ ...subscriptions(), historicalImport: {} }), "historicalImport/now"],
      [klaviyo.revokeConsent({ unsubscriptions: [{ id: "01X", channels: ["email"] }] }), "unsubscriptions/0/id"],
      [klaviyo.consents({ customerId: "1" }), "customerId"],
      [klaviyo.submitImport([{ email: "a@b.c" }]), undefined],
      [klaviyo.submitImport({ contacts: [{ email: "a@b.c" }, { Email: "a@b.c" }] }), "contacts/1/Email"],
      [klaviyo.import({ job: "x" }), "job"],
      [klaviyo.importFailures(7), "job"],
      [klaviyo.imports("x"), undefined],
      [klaviyo.imports({ newer: "x" }), "newer"],
      [klaviyo.upsert({ email: "a@b.c", location: "Mumbai" }), "location"],
      [klaviyo.upsert({ email: "a@b.c", location: { latitude: 19.076 } }), "location/latitude"],
      [klaviyo.upsert({ email: "a@b.c", title: ["CTO"] }), "title"],
      [klaviyo.optIn({ list: "Y6nRLr", email: "a@b.c", consent: true }), "consent"],
      [klaviyo.optIn({ list: "Y6nRLr", email: "a@b.c", consent: {} }), "consent/channels"],
      [klaviyo.optInMany({ contacts: [{ email: "a@b.c" }] }), "list"],
      [klaviyo.optInMany({ list: "Y6nRLr", contacts: [{ email: "a@b.c" }, 7] }), "contacts/1"],
      [klaviyo.optOut({ channels: ["whatsapp"] }), "people"],
      [klaviyo.optOut({ people: [{ email: "a@b.c" }, { mail: "a@b.c" }], channels: ["email"] }), "people/1/mail"],
      [klaviyo.optOut({ people: [], channels: [7] }), "channels/0"],
      [klaviyo.optOut({ people: [], lists: "Y6nRLr" }), "lists"],
      [klaviyo.update("01X", []), undefined],
      [klaviyo.update({ changes: [] }), "id"],
      [klaviyo.update({ id: "01X" }), "changes"],
      [klaviyo.update({ id: "01X", changes: [{}] }), "changes/0"],
      [klaviyo.update({ id: "01X", changes: [{ clear: "title", unset: "plan" }] }), "changes/0"],
      [klaviyo.update({ id: "01X", changes: [{ unset: "plan" }, { set: { mail: "a@b.c" } }] }), "changes/1/set/mail"],
      [klaviyo.update({ id: "01X", changes: [{ append: 7 }] }), "changes/0/append"],
      [klaviyo.merge({ into: "01X" }), "from"],
      [klaviyo.merge("01X", "01Y"), undefined],
      [klaviyo.createList(), "name"],
      [klaviyo.removeFromList({ list: "Y6nRLr", profiles: "01X" }), "profiles"],
      [klaviyo.listMembers("Y6nRLr"), undefined],
      [klaviyo.listMembers({ list: "Y6nRLr", cursor: 2 }), "cursor"],
      [klaviyo.listsOfProfile({ id: "01X" }), "profile"],
      [klaviyo.segmentMembers({ list: "Y6nRLr" }), "list"],
      [klaviyo.segmentsOfProfile(7), "profile"],
      [klaviyo.checkImport({ contacts: [] }), "contacts"],
      [klaviyo.checkImport([{ phone: "1" }]), "contacts/0/phone"],
      [klaviyo.track({ metric: "M", profile: { id: "01X" } }), "uniqueId"],
      [klaviyo.track({ metric: "M", profile: "01X", uniqueId: "1" }), "profile"],
      [klaviyo.track({ metric: "M", profile: { id: "01X" }, uniqueId: "1", value: 29.99 }), "value"],
      [klaviyo.track({ metric: "M", profile: { id: "01X" }, uniqueId: "1", properties: { n: NaN } }), "properties/n"],
      [klaviyo.trackMany([{ metric: 7 }]), "events/0/metric"],
      [klaviyo.history(), undefined],
      [klaviyo.history({ id: "01X" }, 10), undefined],
      [klaviyo.history({ id: "01X" }, { limit: 1.5 }), "limit"],
      [klaviyo.history({ id: "01X" }, { limit: -1 }), "limit"],
      [klaviyo.history({ id: "01X" }, { limit: 2 ** 32 }), "limit"],
      [klaviyo.history({ id: "01X" }, { from: "2026-01-01T00:00:00Z" }), "from"],
      [klaviyo.changedProfiles(), "from"],
      [klaviyo.changedProfiles("2026-01-01T00:00:00Z"), "from"],
      [klaviyo.changedProfiles({ since: "2026-01-01T00:00:00Z" }), "from/since"],
      [klaviyo.changedProfiles({ since: { time: new Date(0) } }), "from/since/time"],
      [klaviyo.changedProfiles({ since: { time: "2026-01-01T00:00:00Z", lookBack: 0.5 } }), "from/since/lookBack"],
      [klaviyo.changedProfiles({ since: { time: "2026-01-01T00:00:00Z" }, cursor: "x" }), "from"],
      [klaviyo.joinedMembers("Y6nRLr", { cursor: "x" }), "of"],
      [klaviyo.joinedMembers({ list: "Y6nRLr", segment: "XyZ123" }, { cursor: "x" }), "of"],
      [klaviyo.joinedMembers({ list: "Y6nRLr" }), "from"],
      [klaviyo.newEvents({ cursor: 7 }), "from/cursor"],
      [klaviyo.suppress("a@b.c"), "emails"],
      [klaviyo.unsuppress(["a@b.c", { email: "b@b.c" }]), "emails/1"],
      [klaviyo.deleteProfiles("a@b.c"), undefined],
    ];
    const refused = cases.map(async ([call, pointer]) => {
      const error = await failure(call, "invalid-input");
      assert.equal(error.details.length, 1);
      assert.equal(error.details[0].pointer, pointer, error.message);
      assert.ok(error.message.length < 300, error.message);
    });
    await Promise.all(refused);
  });
});

function cyclic() {
  const object = {};
  object.self = object;
  return object;
}

function nested(depth) {
  let object = {};
  for (let level = 0; level < depth; level += 1) {
    object = { object };
  }
  return object;
}

test("what the connector refuses is invalid-input as well", async () => {
  await withoutRequests(async (klaviyo) => {
    const cases = [
      [klaviyo.create({}), "email"],
      [klaviyo.create({ email: "priya" }), "email"],
      [klaviyo.create({ phoneNumber: "98200 00001" }), "phoneNumber"],
      [klaviyo.upsert({ email: "a@b.c", properties: "[]" }), "properties"],
      [klaviyo.optIn({ list: "", email: "a@b.c" }), "list"],
      [klaviyo.optIn({ list: "..", email: "a@b.c" }), "list"],
      [klaviyo.update({ id: "01X", changes: [{ clear: "title" }, { set: { title: "CTO" } }] }), "changes/1/title"],
      [klaviyo.history({ id: "01X" }, { limit: 0 }), "limit"],
      [klaviyo.changedProfiles({ since: { time: "yesterday" } }), "from/since/time"],
      [klaviyo.joinedMembers({ list: "" }, { since: { time: "2026-01-01T00:00:00Z" } }), "of"],
      [klaviyo.newEvents({ cursor: "x" }), "from/cursor"],
    ];
    const refused = cases.map(async ([call, pointer]) => {
      assert.equal((await failure(call, "invalid-input")).details[0]?.pointer, pointer);
    });
    await Promise.all(refused);
  });
});

/** The body of the request that a profile is created with. */
async function createdWith(profile) {
  let body;
  const fetch = async (_, init) => {
    body = Buffer.from(init.body).toString();
    return json({ data: { type: "profile", id: "01X", attributes: {} } }, 201);
  };
  await withClient({ fetch }, (klaviyo) => klaviyo.create(profile));
  return body;
}

test("null and undefined are no value, own members alone count, and each is read once", async () => {
  const attributes = async (profile) => JSON.parse(await createdWith(profile)).data.attributes;
  const expected = { email: "a@b.c" };
  assert.deepEqual(await attributes({ email: "a@b.c", firstName: null, lastName: undefined }), expected);
  assert.deepEqual(await attributes(Object.assign(Object.create(null), expected)), expected);
  Object.prototype.lastName = "from a polluted prototype";
  try {
    assert.deepEqual(await attributes({ email: "a@b.c" }), expected);
  } finally {
    delete Object.prototype.lastName;
  }
  let reads = 0;
  const changing = {
    get email() {
      reads += 1;
      return reads === 1 ? "a@b.c" : { toString: () => "x" };
    },
  };
  assert.deepEqual(await attributes(changing), expected);
  assert.equal(reads, 1);
});

test("properties are an object, or a text in which numbers keep their digits", async () => {
  const date = new Date(0);
  const object = { plan: "pro", since: date, __proto__x: null, nested: { list: [1, "ä", true] }, none: null };
  const body = await createdWith({ email: "a@b.c", properties: object });
  assert.deepEqual(JSON.parse(body).data.attributes.properties, JSON.parse(JSON.stringify(object)));
  const text = '{"n":12345678901234567890.10}';
  assert.ok((await createdWith({ email: "a@b.c", properties: text })).includes(text.slice(1, -1)));
});

test("text keeps all of its characters", async () => {
  // A byte order mark among them, which decoders like to take away.
  const name = "\ufeffPriya \0 \u{1f44b} \u202e \ufeff";
  const fetch = async () => json({ data: [{ type: "profile", id: "01X", attributes: { first_name: name } }] });
  await withClient({ fetch }, async (klaviyo) => {
    assert.equal((await klaviyo.lookup({ email: "a@b.c" })).firstName, name);
  });
});

test("an argument larger than the memory ends its call and no other", async () => {
  await withClient({ fetch: () => assert.fail("a request was sent") }, async (klaviyo) => {
    await failure(klaviyo.create({ email: "a@b.c", firstName: "x".repeat(80_000_000) }), "trap", "limits.memory");
    await failure(klaviyo.create({ email: "a" }), "invalid-input");
  });
});

test("options that cannot work are told when connecting, without the key", async () => {
  for (const [options, pointer] of [
    [null, undefined],
    [CANARY, undefined],
    [{}, "key"],
    [{ key: undefined }, "key"],
    [{ key: "" }, "key"],
    [{ key: " \n" }, "key"],
    [{ key: [CANARY] }, "key"],
    [{ key: `${CANARY} x` }, "key"],
    [{ key: `${CANARY}\r\nx: y` }, "key"],
    [{ key: `${CANARY}\0` }, "key"],
    [{ key: `${CANARY}ä` }, "key"],
    [{ apiKey: CANARY }, "apiKey"],
    [{ key: CANARY, endpoint: 7 }, "endpoint"],
    [{ key: CANARY, fetch: "fetch" }, "fetch"],
    [{ key: CANARY, limits: 7 }, "limits"],
    [{ key: CANARY, retries: 3 }, "retries"],
    [{ key: CANARY, api: "none" }, "api"],
    [{ key: CANARY, api: true }, "api"],
    [{ key: CANARY, api: {} }, "api/allow"],
    [{ key: CANARY, api: { allow: "all", below: "/api/events" } }, "api/below"],
    [{ key: CANARY, api: { allow: "all", below: ["/api/events", "/api/../x"] } }, "api/below/1"],
  ]) {
    const error = await failure(connect(options), "invalid-input");
    assert.equal(error.details[0].pointer, pointer, error.message);
    assert.ok(!(error.message + JSON.stringify(error)).includes(CANARY), pointer);
  }
  for (const endpoint of [
    "",
    "a.klaviyo.com",
    "//a.klaviyo.com",
    "ftp://a.klaviyo.com",
    "https://",
    "https://a.klaviyo.com/api",
    "https://a.klaviyo.com?x",
    "https://a.klaviyo.com#x",
    "https://a@b.c",
    "https://a.klaviyo.com\\x",
    "https://a.klaviyo.com:99999",
    "https://*.example.com",
    "https://a b.com",
    "https://a.klaviyo.com\n",
  ]) {
    await failure(connect({ key: CANARY, endpoint }), "invalid-input", "endpoint");
  }
  await withClient({ key: ` ${CANARY}\n`, endpoint: "http://[::1]:4010/" }, async () => {});
});
