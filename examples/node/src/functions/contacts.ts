import type { Change, NewProfile, Permission } from "../../generated/interfaces/klaviyo-connector-contacts.js";
import type { Channel, Identifier } from "../../generated/interfaces/klaviyo-connector-types.js";
import { channel, fieldsOfNewProfile, identifier, newProfile, texts } from "../input.js";
import { properties } from "../json.js";
import { contractField } from "../names.js";
import * as output from "../output.js";
import { list, optional, record, text, variant } from "../reader.js";
import type { Functions } from "../call.js";
import type { ContactsFunctions } from "../types/contacts.js";

const permission = record<Permission>({ channels: list(channel), customSource: optional(text) });
const change = variant<Change>({
  set: newProfile,
  clear: (value, place) => contractField(text(value, place)),
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

export const contactsFunctions: Functions<ContactsFunctions> = {
  lookup: async (call, by) => {
    const found = await call("contacts", "lookup", identifier(by, []));
    return found && output.profile(found);
  },
  lookupMany: async (call, identifiers) => {
    const found = await call("contacts", "lookupMany", list(identifier)(identifiers, ["identifiers"]));
    return found.map((profile) => profile && output.profile(profile));
  },
  create: async (call, profile) => output.creation(await call("contacts", "create", newProfile(profile, []))),
  upsert: async (call, value) => {
    const { profile, created } = await call("contacts", "upsert", newProfile(value, []));
    return { profile: output.profile(profile), created };
  },
  update: async (call, value) => {
    const { id, changes } = update(value, []);
    return output.profile(await call("contacts", "update", id, changes));
  },
  merge: async (call, value) => {
    const { into, from } = merge(value, []);
    return call("contacts", "merge", into, from);
  },
  subscribe: async (call, value) => {
    const { list, profiles } = members(value, []);
    return call("contacts", "subscribe", list, profiles);
  },
  optIn: async (call, value) => {
    const { list, consent, ...profile } = contact(value, []);
    return output.receipt(await call("contacts", "optIn", profile, list, consent));
  },
  optInMany: async (call, value) => {
    const many = contacts(value, []);
    return output.enrollments(await call("contacts", "optInMany", many.contacts, many.list, many.consent));
  },
  optOut: async (call, value) => {
    const { people, channels = [], lists = [] } = optOut(value, []);
    return output.departures(await call("contacts", "optOut", people, channels, lists));
  },
};
