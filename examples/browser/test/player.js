// Plays a fixture in the browser: the connector of the page, and the answers that it gets.

import { startConnector } from "../src/components.js";
import { camel, kebab, toContract, toJavaScript } from "../src/contract.js";

let send;
const connector = await startConnector({ send: (request) => send(request) });

/** A case of a variant. */
const variant = (value) => {
  const [[tag, val]] = Object.entries(value);
  return { tag: kebab(tag), val };
};
const each = (convert) => (values) => (values ?? []).map(convert);
const channel = (value) => (typeof value === "string" ? { tag: value } : variant(value));
const person = ({ channels, transactional, ...rest }) => ({
  ...rest,
  channels: each(channel)(channels),
  transactional: each(channel)(transactional),
});
const permission = (value) => value && { ...value, channels: each(channel)(value.channels) };
const event = ({ profile, ...rest }) => ({ ...rest, profile: variant(profile) });
const record = (value) => value ?? {};

/** The arguments in which there is a variant, or a record that may be left out: how the connector's JavaScript has them. */
const ARGUMENTS = {
  "api.call": [({ query, ...rest }) => ({ ...rest, query: query ?? [] })],
  "contacts.lookup": [variant],
  "contacts.lookup-many": [each(variant)],
  "contacts.update": [undefined, each(variant)],
  "contacts.opt-in": [undefined, undefined, permission],
  "contacts.opt-in-many": [undefined, undefined, permission],
  "contacts.opt-out": [each(variant), each(channel), each((list) => list)],
  "changes.profiles": [variant],
  "changes.members": [variant, variant],
  "changes.events": [variant],
  "consent.grant": [each(person), undefined, record],
  "consent.revoke": [each(person)],
  "consent.status": [variant],
  "events.track": [event],
  "events.track-many": [each(event)],
  "events.history": [variant, record],
  "privacy.delete": [variant],
};

/** Makes a call with these answers: what was sent, and what was returned, in the contract's JSON. */
globalThis.play = ({ name, values, answers }) => {
  const sent = [];
  send = ({ method, body, ...request }) => {
    const headers = request.headers.map((header) => [header.name, header.value]);
    sent.push({ ...request, method: method.toUpperCase(), headers, body: encoded(body) });
    const answer = answers[sent.length - 1];
    if (!answer) throw { tag: "other", val: "the fixture expects no further request" };
    if (answer.failure) throw { tag: answer.failure[0], val: answer.failure[1] };
    const given = answer.headers.map(([header, value]) => ({ name: header, value }));
    return { status: answer.status, headers: given, body: Uint8Array.from(atob(answer.body), (c) => c.charCodeAt()) };
  };
  const [group, method] = name.split(".").map(camel);
  const call = connector[group][method];
  if (values.length > call.length) throw new Error(`${name} takes ${call.length} arguments`);
  // Arguments that are left out at the end are null.
  const all = Array.from({ length: call.length }, (_, index) => values[index] ?? null);
  const given = all.map((value, at) => (ARGUMENTS[name]?.[at] ?? ((same) => same))(toJavaScript(value)));
  try {
    return { sent, got: { ok: toContract(call(...given)) } };
  } catch (error) {
    // Anything else is no answer of the connector's.
    if (error?.payload === undefined) throw error;
    return { sent, got: { err: toContract(error.payload) } };
  }
};

function encoded(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
