// What an integration does with an account, by Klaviyo's own SDK for Node. Prints each step that passed.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

// `require`, unlike `import`, also looks into NODE_PATH: the SDK is not installed beside this file.
const require = createRequire(import.meta.url);
const { ApiKeySession, FilterBuilder, ListsApi, ProfilesApi, RetryWithExponentialBackoff } =
  require('klaviyo-api');

const EMAIL = 'ada+opt.in@example.com';
const PHONE = '+14155550100';
const LIST = process.env.KLAVIYO_LIST;

const once = new RetryWithExponentialBackoff({ numRetries: 1 });
const session = new ApiKeySession(process.env.KLAVIYO_API_KEY, once);
const lists = new ListsApi(session);
const profiles = new ProfilesApi(session);
lists.basePath = process.env.KLAVIYO_URL;
profiles.basePath = process.env.KLAVIYO_URL;

const passed = (step) => console.log(step);
const ids = (body) => body.data.map(({ id }) => id);
const profile = (attributes) => ({ data: { type: 'profile', attributes } });

const find = async (email) => {
  const filter = new FilterBuilder().equals('email', email).build();
  return (await profiles.getProfiles({ filter })).body;
};

const until = async (what, poll) => {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const result = await poll();
    if (result) return result;
    assert(Date.now() < deadline, what);
    // Ten requests a second are allowed.
    await sleep(150);
  }
};

const all = [];
for (let pageCursor; ; ) {
  const { body } = await lists.getLists(pageCursor ? { pageCursor } : {});
  all.push(...ids(body));
  pageCursor = body.links.next;
  if (!pageCursor) break;
}
assert.equal(new Set(all).size, 15);
assert(all.includes(LIST));
passed('all pages of lists');

const named = await lists.getLists({ filter: 'equals(name,"WhatsApp Opt-Ins")' });
assert.deepEqual(ids(named.body), [LIST]);
passed('a list by its name');

assert.deepEqual(ids(await find(EMAIL)), []);
passed('nobody is found');

const created = await profiles.createProfile(
  profile({
    email: EMAIL,
    phoneNumber: PHONE,
    firstName: 'Ada',
    title: 'Countess',
    properties: { plan: 'pro', visits: 1 },
  }),
);
const ada = created.body.data.id;
assert.equal(created.response.status, 201);
assert.equal(ada.length, 26);
passed('a profile is created');

assert.deepEqual(ids(await find(EMAIL)), [ada]);
passed('the profile is found');

const refused = await profiles.createProfile(profile({ email: EMAIL.toUpperCase() })).then(
  () => assert.fail('it was not refused'),
  (error) => error.response,
);
assert.equal(refused.status, 409);
assert.equal(refused.data.errors[0].code, 'duplicate_profile');
assert.equal(refused.data.errors[0].meta.duplicate_profile_id, ada);
passed('a duplicate is refused');

await lists.addProfilesToList(LIST, { data: [{ type: 'profile', id: ada }] });
assert.deepEqual(ids((await lists.getProfileIdsForList(LIST)).body), [ada]);
passed('the profile is on the list');

const updated = await profiles.createOrUpdateProfile(
  profile({ email: EMAIL, lastName: 'King', title: null, properties: { visits: 2 } }),
);
assert.equal(updated.response.status, 200);
assert.equal(updated.body.data.id, ada);
assert.equal(updated.body.data.attributes.firstName, 'Ada');
passed('the profile is updated');

await profiles.createProfile(profile({ email: 'taken@example.com' }));
const submitted = await profiles.bulkImportProfiles({
  data: {
    type: 'profile-bulk-import-job',
    attributes: {
      profiles: {
        data: [
          { type: 'profile', attributes: { email: 'alan@example.com' } },
          { type: 'profile', attributes: { email: 'edsger@example.com', firstName: 'Edsger' } },
          { type: 'profile', attributes: { email: 'taken@example.com', phoneNumber: PHONE } },
        ],
      },
    },
    relationships: { lists: { data: [{ type: 'list', id: LIST }] } },
  },
});
const job = submitted.body.data.id;
const { totalCount, completedCount, failedCount } = await until('the import did not complete', async () => {
  const { attributes } = (await profiles.getBulkImportProfilesJob(job)).body.data;
  return attributes.status === 'complete' && attributes;
});
assert.deepEqual([totalCount, completedCount, failedCount], [3, 2, 1]);
passed('an import completes');

const errors = (await profiles.getErrorsForBulkImportProfilesJob(job)).body.data;
assert.deepEqual(
  errors.map(({ attributes }) => [attributes.code, attributes.source.pointer]),
  [['duplicate_profile', '/data/attributes/profiles/data/2']],
);
passed('the import tells what failed');

await profiles.bulkSubscribeProfiles({
  data: {
    type: 'profile-subscription-bulk-create-job',
    attributes: {
      profiles: {
        data: [
          {
            type: 'profile',
            attributes: {
              email: 'grace@example.com',
              subscriptions: { email: { marketing: { consent: 'SUBSCRIBED' } } },
            },
          },
        ],
      },
    },
    relationships: { list: { data: { type: 'list', id: 'X7kQpz' } } },
  },
});
const found = async () => ids(await find('grace@example.com'))[0];
const grace = await until('the subscription had no effect', found);
const shown = await profiles.getProfile(grace, { additionalFieldsProfile: ['subscriptions'] });
assert.equal(shown.body.data.attributes.subscriptions.email.marketing.consent, 'SUBSCRIBED');
passed('a subscription takes effect');
