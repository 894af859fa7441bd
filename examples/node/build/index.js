// Makes generated/, what the sources need of the component, compiled/, the sources as JavaScript, and dist/, the package.
// Takes away what was built before.

import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { suspendable } from "./core.js";
import { contract } from "./wit.js";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
/** The project. A copy of this folder is told where it is. */
const project = resolve(process.env.KLAVIYO_CONNECTOR || path("../../.."));
const component = join(project, "target/component/klaviyo.wasm");

if (!existsSync(component)) {
  console.error(
    `there is no component at ${component}; run \`cargo xtask build\` in the project, and in a copy of this folder set ` +
      "KLAVIYO_CONNECTOR to the project's folder",
  );
  process.exit(1);
}

for (const folder of ["../generated", "../compiled", "../dist"]) {
  rmSync(path(folder), { recursive: true, force: true });
}

/** Writes a file of generated/. */
function write(name, content) {
  const file = join(path("../generated"), name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

/** Writes a module of generated/ that exports a value. */
function writeModule(name, value, type) {
  write(`${name}.js`, `export default ${JSON.stringify(value)};\n`);
  write(`${name}.d.ts`, `${type.imports ?? ""}declare const value: ${type.name};\nexport default value;\n`);
}

// jco takes the component apart, and says in TypeScript what its functions are.
const { files } = await transpileBytes(readFileSync(component), { name: "klaviyo", instantiation: "sync" });
for (const [name, bytes] of Object.entries(files)) {
  if (name.endsWith(".d.ts")) {
    // jco 1.35 forgets this word for a function whose name JavaScript reserves, such as `delete`.
    write(name === "klaviyo.d.ts" ? "world.d.ts" : name, new TextDecoder().decode(bytes).replace(/^function /gm, "declare function "));
  }
}

const functions = contract(join(project, "wit"));
const { bytes, memory } = suspendable(files["klaviyo.core.wasm"], functions);
write("klaviyo.wasm", bytes);
write("klaviyo.d.wasm.ts", "declare const component: WebAssembly.Module;\nexport default component;\n");
writeModule("klaviyo", gzipSync(bytes, { level: 9 }).toString("base64"), { name: "string" });
writeModule("contract", { ...functions, memory }, {
  imports: 'import type { WrittenContract } from "../src/abi/contract.js";\n',
  name: "WrittenContract",
});
writeModule("endpoints", JSON.parse(readFileSync(path("../src/endpoints.json"), "utf8")), {
  imports: 'import type { Endpoint } from "../src/endpoints.js";\n',
  name: "{ endpoints: Endpoint[]; another_read: Endpoint; another_write: Endpoint }",
});

const { status } = spawnSync("npx", ["tsc"], { cwd: path(".."), stdio: "inherit" });
if (status !== 0) {
  process.exit(1);
}

/** One file of everything that an entry imports, but for `external`. */
function bundle(entry, outfile, format, external = []) {
  return build({
    entryPoints: [path(`../compiled/${entry}`)],
    outfile: path(`../dist/${outfile}`),
    format,
    external,
    bundle: true,
    platform: "neutral",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
}

await bundle("index.js", "index.js", "esm");
await bundle("index.js", "commonjs/index.js", "cjs");
await bundle("workerd.js", "workerd.js", "esm", ["*.wasm"]);
// The types are the same for those who `require` it, and have to be there once more.
writeFileSync(path("../dist/commonjs/package.json"), '{ "type": "commonjs" }\n');
const isOfTypes = (name) => !name.endsWith(".js");
for (const folder of ["../dist", "../dist/commonjs"]) {
  for (const name of ["index.d.ts", "error.d.ts", "limits.d.ts", "types"]) {
    cpSync(path(`../compiled/${name}`), path(`${folder}/${name}`), { recursive: true, filter: isOfTypes });
  }
}
