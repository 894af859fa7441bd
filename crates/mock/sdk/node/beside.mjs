// Klaviyo's own SDK for Node beside the connector, at one account: what the one writes the other reads, and both read the
// same. Prints each step that passed; a line that begins with `? ` is a call of the connector.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { audience, dated, event, joined, known, member, metric, none, person, read, segment } from './alike.mjs';

// `require`, unlike `import`, also looks into NODE_PATH: the SDK is not installed beside this file.
const require = createRequire(import.meta.url);
const {
  AccountsApi,
  ApiKeySession,
  EventsApi,
  ListsApi,
  MetricsApi,
  ProfilesApi,
  RetryWithExponentialBackoff,
  SegmentsApi,
} = require('klaviyo-api');

const LIST = 'Y6nRLr';
const SEGMENT = 'Tq5hBs';
const SINCE = '2025-01-01T00:00:00Z';

const session = new ApiKeySession(
  process.env.KLAVIYO_API_KEY,
  new RetryWithExponentialBackoff({ numRetries: 3 }),
);
const api = (Api) => Object.assign(new Api(session), { basePath: process.env.KLAVIYO_URL });
const accounts = api(AccountsApi);
const eventsApi = api(EventsApi);
const lists = api(ListsApi);
const metricsApi = api(MetricsApi);
const profiles = api(ProfilesApi);
const segments = api(SegmentsApi);

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** What a function of the connector returns. */
const connector = async (name, ...args) => {
  console.log(`? ${JSON.stringify([name, args])}`);
  const answer = JSON.parse((await answers.next()).value);
  assert('ok' in answer, JSON.stringify(answer));
  return answer.ok;
};

const same = (step, sdk, own) => {
  assert.deepEqual(own, sdk, step);
  console.log(step);
};

const ids = (items) => items.map(({ id }) => id);
const profile = (attributes) => ({ data: { type: 'profile', attributes } });

/** All items of a collection, and the names of what is included, by the SDK's paging. */
const pages = async (call, options = {}) => {
  const items = [];
  const names = new Map();
  for (let pageCursor; ; ) {
    const { body } = await call(pageCursor ? { ...options, pageCursor } : options);
    items.push(...body.data);
    for (const { id, attributes } of body.included ?? []) names.set(id, attributes.name);
    pageCursor = body.links.next;
    if (!pageCursor) return { items, names };
  }
};

const collection = async (call, options) => (await pages(call, options)).items;

const until = async (what, poll) => {
  const deadline = Date.now() + 30_000;
  while (!(await poll())) {
    assert(Date.now() < deadline, what);
    await sleep(200);
  }
};

/** Events as the connector has them. */
const events = async (options) => {
  const { items, names } = await pages((page) => eventsApi.getEvents(page), { ...options, include: ['metric'] });
  return items.map((item) => event(item, names));
};

/** All members, by the connector's cursors. */
const members = async (name, id) => {
  const found = [];
  for (let cursor = null; ; ) {
    const page = await connector(name, id, cursor);
    found.push(...page.members.map(joined));
    cursor = page.next;
    if (cursor === null) return found;
  }
};

/** All that changed, and where the next look begins. */
const changes = async (name, position, ...of) => {
  const items = [];
  for (;;) {
    const page = await connector(name, ...of, position);
    items.push(...page.items);
    position = { cursor: page.cursor };
    if (!page.more) return { items, position };
  }
};

const newEvent = (name, attributes) => ({
  type: 'event',
  attributes: { ...attributes, metric: { data: { type: 'metric', attributes: { name } } } },
});

// People, and what they did. The SDK writes the one half, the connector the other.
const people = [];
for (let n = 0; n < 3; n += 1) {
  const { body } = await profiles.createProfile(profile({ email: `p${n}@example.com`, externalId: `c-${n}` }));
  people.push(body.data.id);
}
const [priya, noah, mei] = people;
const order = newEvent('Placed Order', {
  properties: JSON.parse('{"OrderId":"1001","note":"\\"quoted\\" 😀","__proto__":{"a":[1,null,true]}}'),
  time: new Date('2026-01-05T10:00:00Z'),
  value: 1499.5,
  valueCurrency: 'INR',
  uniqueId: 'order-1001',
});
order.attributes.profile = profile({ email: 'p0@example.com' });
await eventsApi.createEvent({ data: order });
await connector('events.track', {
  metric: 'Placed Order',
  profile: { id: noah },
  'unique-id': 'order-1002',
  time: '2026-01-06T10:00:00Z',
  value: '20.25',
  'value-currency': 'INR',
  properties: '{"OrderId":"1002","note":"\\u0022quoted\\u0022 \\ud83d\\ude00"}',
});
const digits = (number) => String(number).padStart(2, '0');
const visits = Array.from({ length: 205 }, (_, n) => ({
  metric: 'Visited "the" site 😀',
  profile: { 'external-id': 'c-0' },
  'unique-id': `visit-${n}`,
  time: `2026-02-01T10:${digits(Math.floor(n / 60))}:${digits(n % 60)}Z`,
  properties: JSON.stringify({ page: n }),
}));
assert.equal((await connector('events.track-many', visits)).accepted, 205);
const mails = [0, 1, 2].map((n) =>
  newEvent('Opened Email', { properties: { n }, time: new Date(`2026-03-01T10:00:0${n}Z`), uniqueId: `mail-${n}` }),
);
await eventsApi.bulkCreateEvents({
  data: {
    type: 'event-bulk-create-job',
    attributes: {
      eventsBulkCreate: {
        data: [
          {
            type: 'event-bulk-create',
            attributes: { profile: profile({ email: 'p2@example.com' }), events: { data: mails } },
          },
        ],
      },
    },
  },
});
await until('the events did not appear', async () => (await events({ pageSize: 1000 })).length === 210);

const history = async (by, period) =>
  (await connector('events.history', by, { limit: 1000, ...period })).events.map(read);
for (const [step, by, id, count] of [
  ['a history by email, of several pages', { email: 'p0@example.com' }, priya, 206],
  ['a history by id, of what the connector tracked', { id: noah }, noah, 1],
  ['a history by external id, of what the SDK tracked', { 'external-id': 'c-2' }, mei, 3],
]) {
  const listed = await events({ filter: `equals(profile_id,"${id}")`, sort: '-datetime', pageSize: 100 });
  assert.equal(listed.length, count);
  same(step, listed, await history(by, {}));
}

const [since, end] = ['2026-02-01T10:00:10Z', '2026-02-01T10:00:20Z'];
const period = `greater-or-equal(datetime,${since}),less-than(datetime,${end})`;
const within = await events({ filter: `equals(profile_id,"${priya}"),${period}`, sort: '-datetime', pageSize: 3 });
assert.equal(within.length, 10);
same('a history of a period', within, await history({ id: priya }, { since, until: end }));

const metrics = await collection((page) => metricsApi.getMetrics(page));
assert.equal(metrics.length, 3);
same('the metrics', metrics.map(metric), (await connector('events.metrics')).map(dated));

// Lists and segments.
await lists.addProfilesToList(LIST, { data: [priya, noah].map((id) => ({ type: 'profile', id })) });
await connector('contacts.subscribe', LIST, [mei]);
await connector('contacts.subscribe', 'More03', [mei]);
const onList = await collection((page) => lists.getProfilesForList(LIST, page), {
  pageSize: 2,
  sort: 'joined_group_at',
});
assert.deepEqual(new Set(ids(onList)), new Set(people));
same('the members of a list', onList.map(member), await members('lists.members', LIST));
const ofMei = (await profiles.getListsForProfile(mei)).body.data;
assert.equal(ofMei.length, 2);
same('the lists of a profile', ofMei.map(audience), (await connector('lists.of-profile', mei)).map(dated));
same(
  'all segments',
  (await collection((page) => segments.getSegments(page))).map(segment),
  (await connector('segments.all')).map(dated),
);
const inSegment = await collection((page) => segments.getProfilesForSegment(SEGMENT, page), {
  pageSize: 1,
  sort: 'joined_group_at',
});
assert.deepEqual(new Set(ids(inSegment)), new Set([priya, noah]));
same('the members of a segment', inSegment.map(member), await members('segments.members', SEGMENT));
const ofPriya = (await profiles.getSegmentsForProfile(priya)).body.data;
assert.deepEqual(ids(ofPriya), [SEGMENT]);
same('the segments of a profile', ofPriya.map(segment), (await connector('segments.of-profile', priya)).map(dated));

// One profile that both change.
const written = await connector('contacts.update', priya, [
  { set: { 'first-name': 'Priya', title: 'Dr.', properties: '{"plan":"pro","tags":["a"]}' } },
  { append: '{"sizes":"M"}' },
]);
assert.equal(written['first-name'], 'Priya');
assert.equal(JSON.parse(written.properties).plan, 'pro');
const shown = (await profiles.getProfile(priya)).body.data;
await profiles.updateProfile(priya, {
  data: {
    type: 'profile',
    id: priya,
    attributes: { lastName: 'Nair', title: null },
    meta: { patchProperties: { append: { tags: 'b' } } },
  },
});
// The SDK cannot: its serializer fails at `unset`, which may be a text or several.
await connector('contacts.update', priya, [{ unset: 'sizes' }]);
const then = (await profiles.getProfile(priya)).body.data;
assert.deepEqual(person(then).properties, { plan: 'pro', tags: ['a', 'b'] });
same(
  'a profile that both changed',
  [shown, then].map(person),
  [written, await connector('contacts.lookup', { id: priya })].map(known),
);

const [{ id, attributes }] = (await accounts.getAccounts()).body.data;
same(
  'the account',
  {
    id,
    organization: none(attributes.contactInformation.organizationName),
    'sender-name': none(attributes.contactInformation.defaultSenderName),
    'sender-email': none(attributes.contactInformation.defaultSenderEmail),
    website: none(attributes.contactInformation.websiteUrl),
    industry: none(attributes.industry),
    timezone: none(attributes.timezone),
    currency: none(attributes.preferredCurrency),
    locale: none(attributes.locale),
    test: none(attributes.testAccount),
  },
  await connector('account.get'),
);

// What changed since, and what changed after that.
const listedChanges = async () => ({
  profiles: (
    await collection((page) => profiles.getProfiles(page), {
      filter: `greater-than(updated,${SINCE})`,
      sort: 'updated',
      pageSize: 2,
    })
  ).map(person),
  onList: (
    await collection((page) => lists.getProfilesForList(LIST, page), {
      filter: `greater-or-equal(joined_group_at,${SINCE})`,
      sort: 'joined_group_at',
      pageSize: 2,
    })
  ).map(member),
  inSegment: (
    await collection((page) => segments.getProfilesForSegment(SEGMENT, page), {
      filter: `greater-or-equal(joined_group_at,${SINCE})`,
      sort: 'joined_group_at',
      pageSize: 1,
    })
  ).map(member),
  events: await events({ filter: `greater-or-equal(datetime,${SINCE})`, sort: 'datetime', pageSize: 100 }),
});
const look = async (from) => {
  const looks = {
    profiles: await changes('changes.profiles', from.profiles),
    onList: await changes('changes.members', from.onList, { list: LIST }),
    inSegment: await changes('changes.members', from.inSegment, { segment: SEGMENT }),
    events: await changes('changes.events', from.events),
  };
  const positions = Object.fromEntries(Object.entries(looks).map(([name, { position }]) => [name, position]));
  const told = {
    profiles: looks.profiles.items.map(known),
    onList: looks.onList.items.map(joined),
    inSegment: looks.inSegment.items.map(joined),
    events: looks.events.items.map(read),
  };
  return { told, positions };
};

const start = { since: { time: SINCE } };
const first = await look({ profiles: start, onList: start, inSegment: start, events: start });
const before = await listedChanges();
assert.deepEqual(
  Object.values(before).map(({ length }) => length),
  [3, 3, 2, 210],
);
same('what changed since', before, first.told);

await profiles.updateProfile(noah, { data: { type: 'profile', id: noah, attributes: { lastName: 'Okafor' } } });
const kim = (await profiles.createProfile(profile({ email: 'kim@example.com' }))).body.data.id;
await lists.addProfilesToList(LIST, { data: [{ type: 'profile', id: kim }] });
await connector('events.track', {
  metric: 'Placed Order',
  profile: { id: kim },
  'unique-id': 'order-1003',
  time: '2026-03-02T10:00:00Z',
});
await until('the event did not appear', async () => (await events({ pageSize: 1000 })).length === 211);
const second = await look(first.positions);
const after = await listedChanges();
assert(after.inSegment.some(([{ id }]) => id === kim));
same(
  'what changed after that',
  {
    profiles: after.profiles.filter(({ id }) => id === noah || id === kim),
    onList: after.onList.filter(([{ id }]) => id === kim),
    inSegment: after.inSegment.filter(([{ id }]) => id === kim),
    events: after.events.filter((event) => event['profile-id'] === kim),
  },
  second.told,
);
// Open, it would keep the program from its end.
process.stdin.destroy();
