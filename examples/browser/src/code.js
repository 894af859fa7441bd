// A call as code: for each language, what one writes to make it.

import { casesOf, plain } from "./catalogue.js";
import { curl } from "./curl.js";
import { camel, pascal, snake } from "./names.js";
import { NODE, PYTHON } from "../generated/packages.js";

export const LANGUAGES = { rust: "Rust", node: "Node", python: "Python", curl: "curl" };

/** The code that runs an action with these arguments. `exchanges` is what the connector sends for it, which curl would have to send. */
export function code(language, { action, values, exchanges }) {
  return language === "curl" ? curl(exchanges) : { rust, node, python }[language](action, values);
}

/** The arguments that are given, each with its name and schema. */
const given = ({ arguments: { properties } }, values) =>
  Object.entries(properties)
    .filter(([name]) => values[name] !== undefined)
    .map(([name, schema]) => ({ name, schema, value: values[name] }));

/** What a host has to allow for this call: `api.call`, which can ask for anything, asks for nothing otherwise. */
const access = ({ name }, { request }) => (name === "api.call" ? (request?.method === "get" ? "read" : "all") : undefined);

// Rust

function rust(action, values) {
  const { name } = action;
  const allowed = access(action, values);
  const types = allowed ? "Access, ApiAccess, Connector, Secret, Tenant" : "Connector, Secret, Tenant";
  const tenant = allowed
    ? `Tenant::builder(&connector, Secret::from_env("KLAVIYO_API_KEY")?)
        .access(Access::default().api(ApiAccess::${allowed}()))
        .build()`
    : `Tenant::new(&connector, Secret::from_env("KLAVIYO_API_KEY")?)`;
  return `use klaviyo_host::{${types}};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connector = Connector::builder().load("klaviyo.wasm")?;
    let tenant = ${tenant};
    let arguments = json!(${deeper(written(values, JSON_IN_RUST), "    ")});
    let answer = tenant.run_action("${name}", &arguments).await?;
    println!("{}", answer.value);
    Ok(())
}
`;
}

/** Rust has escapes of its own, and refuses bare characters that turn the direction of text. */
const rustText = (text) => {
  const usual = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" };
  const special = /["\\]|\p{C}|[\u2028\u2029]/gu;
  const escape = (c) => (/\p{Cs}/u.test(c) ? "\\u{fffd}" : `\\u{${c.codePointAt(0).toString(16)}}`);
  return `"${text.replace(special, (c) => usual[c] ?? escape(c))}"`;
};

const JSON_IN_RUST = { step: "    ", none: "null", text: rustText, field: (name, value) => `"${name}": ${value}` };

// Node

function node(action, values) {
  const { method, takes } = NODE[action.name];
  const all = given(action, values);
  const { required = [] } = action.arguments;
  const apart = takes === Object.keys(action.arguments.properties).length && all.every(({ name }) => required.includes(name));
  const taken = apart ? all.map(({ value }) => value) : [together(all, required)];
  const list = takes === 0 ? "" : taken.map((value) => written(value, JAVASCRIPT)).join(", ");
  const allowed = access(action, values);
  const api = allowed ? `, api: "${allowed}"` : "";
  return `import { connect } from "klaviyo-connector";

const klaviyo = await connect({ key: process.env.KLAVIYO_API_KEY, endpoint: process.env.KLAVIYO_ENDPOINT${api} });
console.log(await klaviyo.${method}(${list}));
await klaviyo.close();
`;
}

/** Several arguments as one object. The members of a record that has to be there are members of it. */
function together(all, required) {
  const spread = ({ name, schema }) => required.includes(name) && plain(schema).type === "object";
  return Object.assign({}, ...all.map((one) => (spread(one) ? one.value : { [one.name]: one.value })));
}

const JAVASCRIPT = { step: "  ", none: "null", text: JSON.stringify, field: (name, value) => `${camel(name)}: ${value}` };

// Python

function python(action, values) {
  const { method, free } = PYTHON.methods[action.name];
  const all = given(action, values).map(({ name, schema, value }) => ({ parameter: parameter(action, name), value: typed(schema, value) }));
  // Behind one that is left out, the others are named.
  const gap = free.findIndex((name) => !all.some(({ parameter }) => parameter === name));
  const bare = gap < 0 ? free : free.slice(0, gap);
  const items = all.map(({ parameter, value }) => {
    const text = written(value, PYTHONIC);
    return bare.includes(parameter) ? text : `${parameter}=${text}`;
  });
  const allowed = access(action, values);
  const api = allowed ? `, api="${allowed}"` : "";
  const types = ["Klaviyo", ...new Set(all.flatMap(({ value }) => typesIn(value)))].sort();
  return `import os

from klaviyo_connector import ${types.join(", ")}

with Klaviyo(key=os.environ["KLAVIYO_API_KEY"], endpoint=os.environ.get("KLAVIYO_ENDPOINT")${api}) as klaviyo:
    print(klaviyo.${method}(${deeper(spread(items, PYTHONIC.step), "    ")}))
`;
}

/** What Python calls an argument: words of its own have a line behind them. */
function parameter({ name }, argument) {
  const { free, named } = PYTHON.methods[name];
  return [...free, ...named].find((one) => one.replace(/_$/, "") === snake(argument));
}

/** A value with the classes that the package has for it. What has none, such as a word, is what it is. */
function typed(schema, value) {
  const { oneOf, type, properties, items, definition = "" } = plain(schema);
  if (oneOf && typeof value === "object") {
    const [[key, inner]] = Object.entries(value);
    const item = typed(casesOf({ oneOf }).find((one) => one.key === key).schema, inner);
    const name = known(pascal(key), `${pascal(key)}Id`);
    if (!name) return item;
    return item?.fields && !item.type ? { ...item, type: name } : { type: name, item };
  }
  if (type === "array") return value.map((item) => typed(items, item));
  if (type !== "object") return value;
  const [group, own] = definition.split(".").map(pascal);
  const fields = Object.entries(value).map(([name, member]) => [name, typed(properties[name], member)]);
  return { type: known(own, `${group}${own}`), fields: Object.fromEntries(fields) };
}

const known = (...names) => names.find((name) => PYTHON.types.includes(name));

/** The classes that are named in a value. */
function typesIn(value) {
  if (value === null || typeof value !== "object") return [];
  const inner = Array.isArray(value) ? value : value.fields ? Object.values(value.fields) : [value.item];
  return [...(value.type ? [value.type] : []), ...inner.flatMap(typesIn)];
}

const PYTHONIC = {
  step: "    ",
  none: "None",
  // What JSON writes for a text, Python reads as the same text.
  text: JSON.stringify,
  field: (name, value) => `${snake(name)}=${value}`,
};

// What they share

const WIDTH = 72;

/** A value as a language writes it. In Python objects are made by classes. */
function written(value, language) {
  const { step, text, none, field } = language;
  if (typeof value === "string") return text(value);
  if (value === null) return none;
  if (typeof value !== "object") return `${value}`;
  if (Array.isArray(value)) return `[${spread(value.map((item) => written(item, language)), step)}]`;
  if ("item" in value) return `${value.type}(${written(value.item, language)})`;
  const fields = Object.entries(value.fields ?? value).map(([name, inner]) => field(name, written(inner, language)));
  const body = spread(fields, step);
  if (value.type) return `${value.type}(${body})`;
  return body === "" || body.startsWith("\n") ? `{${body}}` : `{ ${body} }`;
}

/** Items on one line where that is short, and else on a line each. */
function spread(items, step) {
  const line = items.join(", ");
  if (line.length < WIDTH && !line.includes("\n")) return line;
  return `\n${items.map((item) => `${step}${deeper(item, step)},\n`).join("")}`;
}

const deeper = (text, step) => text.replaceAll("\n", `\n${step}`);
