// Makes dist/index.html: one file with the page, the connector and a Klaviyo in it.

import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.js";
import { node, python } from "./packages.js";
import { section } from "./section.js";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** A file of the project. A copy of this folder is told where it is. */
const ofProject = (path) => resolve(process.env.KLAVIYO_CONNECTOR || at("../.."), path);

/** Components that misbehave, of those in host-test/hostile. */
const GUESTS = ["other-host", "own-authorization", "spin", "grow-memory"];

/** What each component may import. What it cannot ask for, it cannot have. */
const COMPONENTS = { klaviyo: ["klaviyo:connector/http"], "klaviyo-mock": [] };

/** Where a component is. */
function built(file) {
  const path = ofProject(`target/component/${file}.wasm`);
  if (!existsSync(path)) fail(`there is no component at ${path}; run \`cargo xtask build\` in the project, and in a copy of this folder set KLAVIYO_CONNECTOR to the project's folder`);
  return path;
}

async function transpiled(file, name) {
  const bytes = readFileSync(built(file));
  // An error that a component returned is told from a defect.
  const errors = { noComponentErrorWrapping: false };
  const options = { name, instantiation: "async", nodejsCompat: false, wasiShim: false, ...errors };
  return { bytes: bytes.length, ...(await transpileBytes(bytes, options)) };
}

async function component(name, allowed) {
  const { bytes, files, imports } = await transpiled(name, name);
  if (imports.join() !== allowed.join()) {
    fail(`${name}.wasm imports ${imports.join(", ") || "nothing"}, and may import ${allowed.join(", ") || "nothing"}`);
  }
  for (const [path, content] of Object.entries(files)) {
    if (path.endsWith(".js")) writeFileSync(at(`generated/${path}`), whole(new TextDecoder().decode(content)));
  }
  return { name, bytes, imports, modules: modules(files) };
}

/** A component that misbehaves: its modules, for the connector's JavaScript, and the text that it was made of. */
async function guest(name) {
  const { files } = await transpiled(`hostile/${name}`, "klaviyo");
  const text = readFileSync(ofProject(`host-test/hostile/${name}.wat`), "utf8");
  return { name, modules: modules(files), text };
}

/** The modules of a component, half as large: a browser unpacks them in a few milliseconds. */
function modules(files) {
  const wasm = Object.entries(files).filter(([path]) => path.endsWith(".wasm"));
  return wasm.map(([path, content]) => [path, gzipSync(content, { level: 9 })]);
}

/** A module of JavaScript with the bytes of all WebAssembly modules. */
function writeModules(components, guests) {
  const imports = [];
  const members = (modules) =>
    modules.map(([path, bytes]) => {
      const file = `${imports.length}-${path}.gz`;
      writeFileSync(at(`generated/${file}`), bytes);
      imports.push(`import m${imports.length} from "./${file}";`);
      return `${JSON.stringify(path)}: m${imports.length - 1}`;
    });
  const own = components.flatMap((component) => members(component.modules));
  const strange = guests.map(({ name, modules, text }) => {
    return `${JSON.stringify(name)}: { modules: { ${members(modules).join(", ")} }, text: ${JSON.stringify(text)} }`;
  });
  const lines = [`export const MODULES = { ${own.join(", ")} };`, `export const GUESTS = { ${strange.join(", ")} };`];
  writeFileSync(at("generated/modules.js"), [...imports, ...lines, ""].join("\n"));
}

/** A module of JavaScript with these values. */
function writeValues(name, values) {
  const lines = Object.entries(values).map(([key, value]) => `export const ${key} = ${JSON.stringify(value)};\n`);
  writeFileSync(at(`generated/${name}.js`), lines.join(""));
}

/** The catalogue of actions that the connector carries. */
function catalogue() {
  const text = section(readFileSync(built("klaviyo")), "klaviyo:actions");
  if (text === undefined) fail("klaviyo.wasm has no catalogue of actions; run `cargo xtask build` in the project");
  return JSON.parse(text);
}

/** What the page says of the product: what the package says of itself. */
function product() {
  const { name, version, license, homepage, repository } = JSON.parse(readFileSync(ofProject("examples/node/package.json"), "utf8"));
  const url = repository?.url ?? repository;
  return { name, version, license, homepage: homepage ?? url?.replace(/^git\+/, "").replace(/\.git$/, "") };
}

/**
 * jco 1.35 decodes strings as files are decoded: without the U+FEFF that they may start with. A string of a component
 * is not to lose a character.
 */
function whole(script) {
  const [before, after, ...more] = script.split("new TextDecoder()");
  if (after === undefined || more.length > 0) fail("jco's output has changed: see which of its decoders keep U+FEFF");
  return `${before}new TextDecoder("utf-8", { ignoreBOM: true })${after}`;
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

/** The policy's name for a script or style: its hash. */
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

rmSync(at("generated"), { recursive: true, force: true });
mkdirSync(at("generated"));
mkdirSync(at("dist"), { recursive: true });
const own = await Promise.all(Object.entries(COMPONENTS).map(([name, allowed]) => component(name, allowed)));
writeModules(own, await Promise.all(GUESTS.map(guest)));
writeValues("catalogue", { CATALOGUE: catalogue() });
writeValues("packages", { NODE: node(ofProject(".")), PYTHON: python(ofProject(".")) });
const [{ bytes, imports }] = own;

// No end tag may be in a script.
// jco's scripts would read modules from beside themselves, if the page did not hand them over; a worker has no such place.
const define = { "import.meta.url": '""', CONNECTOR: JSON.stringify({ bytes, imports }), PRODUCT: JSON.stringify(product()) };
const script = (await bundle(at("src/index.js"), define)).replaceAll("</script", "<\\/script");
const style = (await bundle(at("src/style.css"))).trim();
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)} 'wasm-unsafe-eval'`,
  // The same script, in a thread that can be ended. It has this policy too.
  "worker-src blob:",
  `style-src ${hash(style)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const parts = { policy, style, script };
const page = readFileSync(at("src/index.html"), "utf8").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
writeFileSync(at("dist/index.html"), page);
console.log(`dist/index.html, ${Buffer.byteLength(page)} bytes`);
