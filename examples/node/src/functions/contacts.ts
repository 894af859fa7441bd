import type { Change, NewProfile, Permission } from "../../generated/interfaces/klaviyo-connector-contacts.js";
import type { Channel, Identifier } from "../../generated/interfaces/klaviyo-connector-types.js";
import { channel, fieldsOfNewProfile, identifier, newProfile, properties, texts } from "../input.js";
import * as output from "../output.js";
import { list, optional, record, text, variant } from "../reader.js";
import type { Sandbox } from "../sandbox.js";
import type { ContactsFunctions } from "../types/contacts.js";

const permission = record<Permission>({ channels: list(channel), customSource: optional(text) });
const change = variant<Change>({
  set: newProfile,
  clear: text,
  append: properties,
  unappend: properties,
  unset: text,
});
const update = record<{ id: string; changes: Change[] }>({ id: text, changes: list(change) });
const merge = record<{ into: string; from: string }>({ into: text, from: text });
const members = record<{ list: string; profiles: string[] }>({ list: text, profiles: texts });
const target = { list: text, consent: optional(permission) };
type Target = { list: string; consent?: Permission };
const contact = record<NewProfile & Target>({ ...target, ...fieldsOfNewProfile });
const contacts = record<{ contacts: NewProfile[] } & Target>({ ...target, contacts: list(newProfile) });

type OptOut = { people: Identifier[]; channels?: Channel[]; lists?: string[] };
const optOut = record<OptOut>({ people: list(identifier), channels: optional(list(channel)), lists: optional(texts) });

export const contactsFunctions = (sandbox: Sandbox): ContactsFunctions => ({
  lookup: async (by) => sandbox.call("contacts", "lookup", identifier(by, [])),
  lookupMany: async (identifiers) =>
    sandbox.call("contacts", "lookupMany", list(identifier)(identifiers, ["identifiers"])),
  create: async (profile) => output.creation(await sandbox.call("contacts", "create", newProfile(profile, []))),
  upsert: async (profile) => sandbox.call("contacts", "upsert", newProfile(profile, [])),
  update: async (value) => {
    const { id, changes } = update(value, []);
    return sandbox.call("contacts", "update", id, changes);
  },
  merge: async (value) => {
    const { into, from } = merge(value, []);
    return sandbox.call("contacts", "merge", into, from);
  },
  subscribe: async (value) => {
    const { list, profiles } = members(value, []);
    return sandbox.call("contacts", "subscribe", list, profiles);
  },
  optIn: async (value) => {
    const { list, consent, ...profile } = contact(value, []);
    return output.receipt(await sandbox.call("contacts", "optIn", profile, list, consent));
  },
  optInMany: async (value) => {
    const many = contacts(value, []);
    return output.enrollments(await sandbox.call("contacts", "optInMany", many.contacts, many.list, many.consent));
  },
  optOut: async (value) => {
    const { people, channels = [], lists = [] } = optOut(value, []);
    return output.departures(await sandbox.call("contacts", "optOut", people, channels, lists));
  },
});
