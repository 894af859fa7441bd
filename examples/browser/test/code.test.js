// The code that the page shows: it is valid, it says what the form says, and it does what the page does.

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ACTIONS, casesOf, plain } from "../src/catalogue.js";
import { code } from "../src/code.js";
import { launch, visit } from "./browser.js";
import { KEY, simulator } from "./simulator.js";

const PACKAGE = fileURLToPath(new URL("../../node", import.meta.url));
/** What each language could take for something else. */
const ODD = `O'Brien\u00a0"$HOME" \`id\` \\ \\u0041 \\" \${1} #{2} {3} %s ' '' é 𝒳`;
/** And what no field of a form has. */
const ODDER = `${ODD}\n\r\t\0\b\f\v\u0085\u2028\u2029\u202e\u2066\ufeff\u007f\u0001`;

/** Leaves a test out where a program is missing, unless everything is supposed to be there. */
const needs = (...programs) => {
  const missing = programs.find((program) => spawnSync(program, ["--version"]).status !== 0);
  return { skip: !process.env.CI && missing !== undefined && `there is no ${missing}` };
};

let folder;
let browser;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "code-"));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program. Not while this one waits: it is the server. */
async function run(program, args, environment = {}) {
  const { stdout } = await promisify(execFile)(program, args, { cwd: folder, env: { ...process.env, ...environment } });
  return stdout;
}

function file(name, text) {
  writeFileSync(join(folder, name), text);
  return name;
}

/** A value with odd texts in the place of its texts, but where a word has a meaning. */
function odd(schema, value) {
  const { oneOf, enum: words, properties, items } = plain(schema);
  if (value === null || typeof value === "number" || words) return value;
  if (oneOf) {
    if (typeof value === "string") return value;
    const [[key, inner]] = Object.entries(value);
    return { [key]: odd(casesOf({ oneOf }).find((one) => one.key === key).schema, inner) };
  }
  if (typeof value === "string") return ODDER;
  if (items) return value.map((item) => odd(items, item));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, odd(properties[name], inner)]));
}
/** The example of each action, with odd texts. */
const calls = ACTIONS.map((action) => ({ action, values: odd(action.arguments, action.example.arguments) }));
const optIn = calls.find(({ action }) => action.name === "contacts.opt-in");

/** A package in the place of the real one, that prints the method and its arguments as they arrive. */
const STUBS = {
  node: `export const connect = async () => new Proxy({}, { get: (_, method) =>
    method === "then" ? undefined : (...args) => JSON.stringify([method, ...args]) });`,
  python: `
import json
class Klaviyo:
    def __init__(self, **_): pass
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def __getattr__(self, method): return lambda *args, **named: json.dumps([method, *args, named])
def __getattr__(name): return lambda *args, **named: {"type": name, "args": args, **named}
`,
};

/** All texts in a value, in the order of their alphabet. */
const texts = (value) => (typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(texts)).sort();
const oddTexts = (value) => texts(value).filter((text) => text.includes("O'Brien"));

test("Node gets each text of the form as it is", async () => {
  mkdirSync(join(folder, "node_modules/klaviyo-connector"), { recursive: true });
  file("node_modules/klaviyo-connector/package.json", '{"type":"module","exports":"./index.js"}');
  file("node_modules/klaviyo-connector/index.js", STUBS.node);
  for (const call of calls) {
    const printed = JSON.parse(await run("node", [file("call.mjs", code("node", call))]));
    assert.deepEqual(oddTexts(printed), oddTexts(call.values), call.action.name);
  }
  const wanted = { email: ODDER, phoneNumber: ODDER, firstName: ODDER, list: ODDER, consent: { channels: ["whatsapp"], customSource: ODDER } };
  const printed = JSON.parse(await run("node", [file("call.mjs", code("node", optIn))]));
  assert.deepEqual(printed, ["optIn", wanted]);
  rmSync(join(folder, "node_modules"), { recursive: true });
});

test("Python gets each text of the form as it is", needs("python3"), async () => {
  file("klaviyo_connector.py", STUBS.python);
  for (const call of calls) {
    const printed = JSON.parse(await run("python3", [file("call.py", code("python", call))], { KLAVIYO_API_KEY: KEY }));
    assert.deepEqual(oddTexts(printed), oddTexts(call.values), call.action.name);
  }
  const printed = JSON.parse(await run("python3", [file("call.py", code("python", optIn))], { KLAVIYO_API_KEY: KEY }));
  assert.deepEqual(printed, [
    "opt_in",
    { type: "NewProfile", args: [], email: ODDER, phone_number: ODDER, first_name: ODDER },
    ODDER,
    { type: "Permission", args: [], channels: ["whatsapp"], custom_source: ODDER },
    {},
  ]);
});

test("Rust's parser takes the code, and each text is in it as it is", needs("rustfmt"), async () => {
  for (const call of calls) {
    const written = code("rust", call);
    await run("rustfmt", ["--edition", "2024", "--check", "--config", "disable_all_formatting=true", file("call.rs", written)]);
    const found = [...written.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => fromRust(text));
    assert.deepEqual(oddTexts(found), oddTexts(call.values), call.action.name);
    assert.doesNotMatch(written, /[\u202a-\u202e\u2066-\u2069\r\0]/);
  }
});

/** What a literal of Rust is. */
const fromRust = (text) =>
  text.replace(/\\(?:u\{([0-9a-f]+)\}|(.))/g, (_, point, letter) =>
    point ? String.fromCodePoint(parseInt(point, 16)) : ({ n: "\n", r: "\r", t: "\t" }[letter] ?? letter),
  );

/** The code of the page for somebody with an odd name. */
async function shown(language, name) {
  let text;
  await visit(browser, {}, async (page) => {
    await page.page.fill('[data-field="first-name"] input', name);
    text = await page.code(language);
    assert.equal(await page.copied("#copy-code"), text);
  });
  return text;
}

async function sameAsInThePage(made) {
  const klaviyo = await simulator();
  try {
    await made({ KLAVIYO_ENDPOINT: klaviyo.endpoint, KLAVIYO_API_KEY: KEY });
    const people = klaviyo.profiles().map(({ email, first_name: name }) => [email, name]);
    assert.deepEqual(people, [["priya@example.com", ODD.trim()]]);
  } finally {
    klaviyo.close();
  }
}

test("curl does what the page does", needs("bash", "curl", "jq"), async () => {
  const script = file("call.sh", await shown("curl", ODD));
  await sameAsInThePage((environment) => run("bash", ["-euo", "pipefail", script], environment));
});

const built = existsSync(join(PACKAGE, "dist/index.js"));
test("Node does what the page does", { skip: !built && "the package for Node is not built" }, async () => {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(PACKAGE, join(folder, "node_modules/klaviyo-connector"));
  const script = file("real.mjs", await shown("node", ODD));
  await sameAsInThePage((environment) => run("node", [script], environment));
});

test("the package for Node takes the code of every action", { skip: !built && "the package for Node is not built" }, async () => {
  const klaviyo = await simulator();
  const environment = { KLAVIYO_ENDPOINT: klaviyo.endpoint, KLAVIYO_API_KEY: KEY };
  mkdirSync(join(folder, "every/node_modules"), { recursive: true });
  symlinkSync(PACKAGE, join(folder, "every/node_modules/klaviyo-connector"));
  try {
    for (const action of ACTIONS) {
      const written = code("node", { action, values: action.example.arguments });
      const failed = await run("node", [file(`every/${action.name}.mjs`, written)], environment).catch(({ stderr }) => stderr);
      // Klaviyo does not have what the examples speak of.
      if (/Error/.test(failed)) assert.match(failed, /code: '(not-found|rejected)'/, action.name);
    }
  } finally {
    klaviyo.close();
  }
});
