// An opt-in, and what the account holds then: node opt-in.mjs FOLDER.

import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const LIST = "Y6nRLr";

const { contacts } = await import(pathToFileURL(join(process.argv[2], "klaviyo.js")).href);
const call = contacts.optIn({ email: "asha@example.com" }, LIST, undefined);
assert.ok(call instanceof Promise, "the function is async");
const { profileId, created, listId } = await call;
assert.deepEqual([created, listId], [true, LIST]);
assert.equal((await contacts.lookup({ tag: "email", val: "asha@example.com" })).id, profileId);
await assert.rejects(contacts.lookup({ tag: "email", val: "asha" }), { code: "invalid-input" });

const state = await (await fetch(`${process.env.KLAVIYO_ENDPOINT}/_mock/state`)).json();
assert.deepEqual(state.accounts[0].lists.find(({ id }) => id === LIST).members, [profileId]);
