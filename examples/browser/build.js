// Makes dist/index.html: one file with the page, the connector and a Klaviyo in it.

import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.js";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What each component may import. What it cannot ask for, it cannot have. */
const COMPONENTS = { klaviyo: ["klaviyo:connector/http"], "klaviyo-mock": [] };

async function component(name, allowed) {
  const file = at(`../../target/component/${name}.wasm`);
  if (!existsSync(file)) fail(`there is no component at ${file}; run \`cargo xtask build\``);
  const bytes = readFileSync(file);
  // An error that a component returned is told from a defect.
  const errors = { noComponentErrorWrapping: false };
  const options = { name, instantiation: "async", nodejsCompat: false, wasiShim: false, ...errors };
  const { files, imports } = await transpileBytes(bytes, options);
  if (imports.join() !== allowed.join()) {
    fail(`${name}.wasm imports ${imports.join(", ") || "nothing"}, and may import ${allowed.join(", ") || "nothing"}`);
  }
  for (const [path, content] of Object.entries(files)) {
    if (path.endsWith(".js")) writeFileSync(at(`generated/${path}`), whole(new TextDecoder().decode(content)));
    // Half as large; a browser unpacks it in a few milliseconds.
    if (path.endsWith(".wasm")) writeFileSync(at(`generated/${path}.gz`), gzipSync(content, { level: 9 }));
  }
  return { bytes: bytes.length, imports };
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
const [connector] = await Promise.all(Object.entries(COMPONENTS).map(([name, allowed]) => component(name, allowed)));

// No end tag may be in a script.
const script = (await bundle(at("src/main.js"), { CONNECTOR: JSON.stringify(connector) })).replaceAll("</script", "<\\/script");
const style = (await bundle(at("src/style.css"))).trim();
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)} 'wasm-unsafe-eval'`,
  `style-src ${hash(style)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const parts = { policy, style, script };
const page = readFileSync(at("src/index.html"), "utf8").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
writeFileSync(at("dist/index.html"), page);
console.log(`dist/index.html, ${Buffer.byteLength(page)} bytes`);
