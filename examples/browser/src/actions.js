// What can be tried: functions of the contract with what the form has, and components that misbehave.

import { PERMISSION, contact, order } from "./story.js";
import { person } from "./situations.js";

const EMAIL = [{ tag: "email" }];
const by = ({ email }) => ({ tag: "email", val: email.trim() });
/** One person, on the marketing emails. */
const emails = ({ email }) => [{ email: email.trim(), channels: EMAIL, transactional: [] }];

/**
 * - `id`: the function. `button`: what it is called where it is pressed.
 * - `fields`: those of the form that it takes. `values`: its arguments, from the form.
 * - `earlier`: calls of before, for a person whom Klaviyo does not know, as functions of the form and of the profile's id.
 */
export const ACTIONS = [
  {
    id: "contacts.opt-in",
    button: "Opt in",
    label: "Opt somebody in",
    about: "sends SUBSCRIBE on WhatsApp",
    fields: ["email", "name", "phone", "list"],
    values: (form) => [contact(form), form.list, PERMISSION],
  },
  {
    id: "consent.grant",
    button: "Give consent",
    label: "Give consent",
    about: "ticks the box for emails in a shop",
    fields: ["email", "list"],
    values: (form) => [emails(form), form.list, { customSource: "Checkout" }],
  },
  {
    id: "consent.status",
    button: "Read consent",
    label: "Read consent",
    about: "asks what they are subscribed to",
    fields: ["email"],
    values: (form) => [by(form)],
    earlier: ["contacts.opt-in"],
  },
  {
    id: "consent.revoke",
    button: "Take consent back",
    label: "Take consent back",
    about: "sends STOP",
    fields: ["email"],
    values: (form) => [emails(form), undefined],
    earlier: ["contacts.opt-in"],
  },
  {
    id: "bulk.submit",
    button: "Import three people",
    label: "Import many at once",
    about: "comes with a file of customers",
    fields: ["email", "name", "phone", "list"],
    values: (form) => [[form, person(6), person(7)].map(contact), form.list],
  },
  {
    id: "events.history",
    button: "Read the history",
    label: "Read a history",
    about: "writes to the bot again",
    fields: ["email"],
    values: (form) => [by(form), { limit: 20 }],
    earlier: ["contacts.opt-in", "events.track"],
  },
  {
    id: "lists.all",
    button: "Read the lists",
    label: "Read the lists",
    about: "wants to choose a list",
    fields: [],
    values: () => [],
  },
];

/** Components in the connector's place, each with the name of its file. They are asked to look the person up. */
export const ATTACKS = [
  { id: "other-host", label: "Ask another host", about: "It asks https://evil.example instead of Klaviyo." },
  { id: "own-authorization", label: "Bring its own key", about: "It asks Klaviyo with an Authorization header of its own." },
  { id: "spin", label: "Compute for ever", about: "It computes, and never returns." },
  { id: "grow-memory", label: "Take all memory", about: "It takes memory until there is none." },
];

/** What the component is asked for. */
export const LOOKUP = { id: "contacts.lookup", values: (form) => [by(form)] };

/** Makes the calls before an action, so that Klaviyo knows the person. */
export function known(host, action, form) {
  let receipt;
  for (const name of action.earlier ?? []) {
    const values = name === "events.track" ? [order(receipt.profileId)] : ACTIONS[0].values(form);
    const { result } = host.record(name, values);
    if (result.err) return;
    receipt ??= result.ok;
  }
  // Klaviyo works on it.
  if (receipt) host.wait(60);
}
