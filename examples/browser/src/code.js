// A call as code: for each language, what one writes to make it. The only place that knows how the packages are called.

import { curl } from "./curl.js";

export const LANGUAGES = { rust: "Rust", node: "Node", python: "Python", curl: "curl" };

/** The code that makes this call. `exchanges` is what the connector sends for it, which curl would have to send. */
export function code(language, { name, values, exchanges }) {
  return language === "curl" ? curl(exchanges) : { rust, node, python }[language](name, values);
}

/** A value of another type, such as `NewProfile`, by its fields. */
const typed = (type, fields) => ({ type, fields });
/** A value of a type with one field that has no name. */
const wrapped = (type, value) => ({ type, value });

// Node

const NODE = {
  "contacts.opt-in": ([contact, list, consent]) => ["optIn", { list, ...contact, consent: { ...consent, channels: words(consent.channels) } }],
  "consent.grant": ([subscriptions, list, options]) => ["grantConsent", { subscriptions: subscriptions.map(inWords), list, ...options }],
  "consent.status": ([by]) => ["consents", { [by.tag]: by.val }],
  "consent.revoke": ([unsubscriptions]) => ["revokeConsent", { unsubscriptions: unsubscriptions.map(inWords) }],
  "bulk.submit": ([contacts, list]) => ["submitImport", { contacts, list }],
  "events.history": ([by, period]) => ["history", { [by.tag]: by.val }, period],
  "lists.all": () => ["lists"],
};

const words = (channels) => channels.map(({ tag }) => tag);
const inWords = ({ email, channels }) => ({ email, channels: words(channels) });

function node(name, values) {
  const [method, ...given] = NODE[name](values);
  return `import { connect } from "klaviyo-connector";

const klaviyo = await connect({ key: process.env.KLAVIYO_API_KEY, endpoint: process.env.KLAVIYO_ENDPOINT });
console.log(await klaviyo.${method}(${given.map((value) => literal(value, JAVASCRIPT)).join(", ")}));
await klaviyo.close();
`;
}

const JAVASCRIPT = {
  step: "  ",
  text: JSON.stringify,
  open: () => ["{ ", "{", "}", " }"],
  field: (name, value) => `${name}: ${value}`,
  list: ["[", "]"],
};

// Python

const PYTHON = {
  "contacts.opt-in": ([contact, list, consent]) => ["opt_in", typed("NewProfile", contact), { list, consent: typed("Permission", { ...consent, channels: words(consent.channels) }) }],
  "consent.grant": ([subscriptions, list, options]) => [
    "grant_consent",
    subscriptions.map((one) => typed("Subscription", inWords(one))),
    { list, options: typed("ConsentOptions", options) },
  ],
  "consent.status": ([by]) => ["consents", wrapped("Email", by.val)],
  "consent.revoke": ([unsubscriptions]) => ["revoke_consent", unsubscriptions.map((one) => typed("Unsubscription", inWords(one)))],
  "bulk.submit": ([contacts, list]) => ["submit_import", contacts.map((one) => typed("NewProfile", one)), { list }],
  "events.history": ([by, period]) => ["history", wrapped("Email", by.val), typed("Period", period)],
  "lists.all": () => ["lists"],
};

function python(name, values) {
  const [method, ...given] = PYTHON[name](values);
  const { length } = given;
  const last = given[length - 1];
  // The names of arguments are at the end.
  const named = length && !last.type && !Array.isArray(last) ? given.pop() : {};
  const all = [...given.map((value) => literal(value, PYTHONIC)), ...fieldsOf(named, PYTHONIC)];
  const types = ["Klaviyo", ...typesIn([given, named])].sort();
  return `import os

from klaviyo_connector import ${types.join(", ")}

with Klaviyo(key=os.environ["KLAVIYO_API_KEY"], endpoint=os.environ.get("KLAVIYO_ENDPOINT")) as klaviyo:
    print(klaviyo.${method}(${spread(all, PYTHONIC.step, "    ")}))
`;
}

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const PYTHONIC = {
  step: "    ",
  // What JSON writes for a text, Python reads as the same text.
  text: JSON.stringify,
  open: (type) => [`${type}(`, `${type}(`, ")", ")"],
  field: (name, value) => `${snake(name)}=${value}`,
  list: ["[", "]"],
};

// Rust

const owned = (value) => ({ owned: value });
const some = (value) => (value === undefined ? { raw: "None" } : { some: owned(value) });
const channels = (all) => all.map(({ tag }) => ({ raw: `Channel::${tag[0].toUpperCase()}${tag.slice(1)}`, uses: "Channel" }));
const NONE = { raw: "None" };
const NOTHING = { raw: "Vec::new()" };

const RUST = {
  profile: (contact) => typed("NewProfile", { ...optional(contact), rest: true }),
  "contacts.opt-in": ([contact, list, { channels: all, customSource }]) => [
    "opt_in",
    { lent: RUST.profile(contact) },
    list,
    { some: { lent: typed("Permission", { channels: { vec: channels(all) }, customSource: some(customSource) }) } },
  ],
  "consent.grant": ([subscriptions, list, { customSource }]) => [
    "grant_consent",
    { lent: subscriptions.map(({ email, channels: all }) =>
      typed("Subscription", { id: NONE, email: some(email), phoneNumber: NONE, channels: { vec: channels(all) }, transactional: NOTHING, consentedAt: NONE, dateOfBirth: NONE })) },
    { some: list },
    { lent: typed("ConsentOptions", { customSource: some(customSource), historicalImport: NONE }) },
  ],
  "consent.status": ([by]) => ["consents", { lent: wrapped("Identifier::Email", owned(by.val)) }],
  "consent.revoke": ([unsubscriptions]) => [
    "revoke_consent",
    { lent: unsubscriptions.map(({ email, channels: all }) =>
      typed("Unsubscription", { email: some(email), phoneNumber: NONE, channels: { vec: channels(all) }, transactional: NOTHING })) },
    NONE,
  ],
  "bulk.submit": ([contacts, list]) => ["submit_import", { lent: contacts.map(RUST.profile) }, { some: list }],
  "events.history": ([by, { limit }]) => [
    "history",
    { lent: wrapped("Identifier::Email", owned(by.val)) },
    { lent: typed("Period", { since: NONE, until: NONE, limit: { some: limit } }) },
  ],
  "lists.all": () => ["lists"],
};

const optional = (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value === undefined ? undefined : some(value)]));

function rust(name, values) {
  const [method, ...given] = RUST[name](values);
  const types = typesIn(given).map((type) => type.split("::")[0]).sort();
  const used = types.length === 1 ? types[0] : `{${types.join(", ")}}`;
  const call = spread(given.map((value) => literal(value, RUSTIC)), RUSTIC.step, "    ");
  return `${types.length ? `use klaviyo_host::types::${used};\n` : ""}use klaviyo_host::{Connector, Secret, Tenant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connector = Connector::builder().load("klaviyo.wasm")?;
    let tenant = Tenant::new(&connector, Secret::from_env("KLAVIYO_API_KEY")?);
    let answer = tenant.${method}(${call}).await?;
    println!("{:?}", answer.value);
    Ok(())
}
`;
}

/** Rust has escapes of its own, and refuses bare characters that turn the direction of text. */
const rustText = (text) => {
  const plain = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" };
  const special = /["\\]|\p{C}|[\u2028\u2029]/gu;
  const escape = (c) => (/\p{Cs}/u.test(c) ? "\\u{fffd}" : `\\u{${c.codePointAt(0).toString(16)}}`);
  return `"${text.replace(special, (c) => plain[c] ?? escape(c))}"`;
};

const RUSTIC = {
  step: "    ",
  text: rustText,
  open: (type) => [`${type} { `, `${type} {`, "}", " }"],
  field: (name, value) => (name === "rest" ? "..NewProfile::default()" : `${snake(name)}: ${value}`),
  list: ["[", "]"],
};

// What they share

const WIDTH = 88;

/** Items on one line where that is short, and else on a line each. */
function spread(items, step, indent = "") {
  const line = items.join(", ");
  if (line.length + indent.length < WIDTH && !line.includes("\n")) return line;
  // Nothing comes after the rest of a struct in Rust, no comma either.
  const end = (item) => (item.startsWith("..") ? "" : ",");
  const deeper = items.map((item) => `${indent}${step}${item.replaceAll("\n", `\n${indent}${step}`)}${end(item)}\n`);
  return `\n${deeper.join("")}${indent}`;
}

function fieldsOf(fields, language) {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => language.field(name, literal(value, language)));
}

/** A value as this language writes it. */
function literal(value, language) {
  const within = (inner) => literal(inner, language);
  if (typeof value === "string") return language.text(value);
  if (typeof value === "number") return `${value}`;
  if (Array.isArray(value)) return `${language.list[0]}${spread(value.map(within), language.step)}${language.list[1]}`;
  if (value.raw !== undefined) return value.raw;
  if (value.owned !== undefined) return `${within(value.owned)}.to_owned()`;
  if (value.some !== undefined) return `Some(${within(value.some)})`;
  if (value.lent !== undefined) return `&${within(value.lent)}`;
  if (value.vec !== undefined) return `vec!${within(value.vec)}`;
  if (value.value !== undefined) return `${value.type}(${within(value.value)})`;
  const items = fieldsOf(value.fields ?? value, language);
  const [flat, open, close, end] = language.open(value.type);
  const body = spread(items, language.step);
  return body.startsWith("\n") ? `${open}${body}${close}` : `${flat}${body}${end}`;
}

/** The types that are named in values. */
function typesIn(value, found = new Set()) {
  if (value === null || typeof value !== "object") return [...found];
  if (typeof value.type === "string") found.add(value.type);
  if (typeof value.uses === "string") found.add(value.uses);
  for (const inner of Object.values(value)) typesIn(inner, found);
  return [...found];
}
