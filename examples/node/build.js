// Makes generated/: the component as JavaScript and core WebAssembly modules, by jco, and the table of Klaviyo's endpoints.
// Takes away what was built before.

import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const component = fileURLToPath(new URL("../../target/component/klaviyo.wasm", import.meta.url));
const generated = fileURLToPath(new URL("generated", import.meta.url));

if (!existsSync(component)) {
  console.error(`there is no component at ${component}; run \`cargo xtask build\``);
  process.exit(1);
}

const { files, imports } = await transpileBytes(readFileSync(component), {
  name: "klaviyo",
  // Whoever instantiates it supplies `http`: each thread its own.
  instantiation: "sync",
  minify: true,
  // An error that the component returned is told from a trap.
  noComponentErrorWrapping: false,
  nodejsCompat: false,
  wasiShim: false,
});
// What the component cannot ask for, it cannot have.
if (imports.join() !== "klaviyo:connector/http") {
  console.error(`the component imports ${imports.join(", ")}, and may import klaviyo:connector/http alone`);
  process.exit(1);
}
for (const folder of [generated, fileURLToPath(new URL("dist", import.meta.url))]) {
  rmSync(folder, { recursive: true, force: true });
}
for (const [name, bytes] of Object.entries(files)) {
  const file = join(generated, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, name.endsWith(".d.ts") ? declared(new TextDecoder().decode(bytes)) : bytes);
}

// A module, since not every runtime and bundler reads JSON that a module imports.
const table = JSON.parse(readFileSync(new URL("src/endpoints.json", import.meta.url), "utf8"));
writeFileSync(join(generated, "endpoints.js"), `export default ${JSON.stringify(table)};\n`);
writeFileSync(
  join(generated, "endpoints.d.ts"),
  `import type { Endpoint } from "../src/endpoints.js";
declare const table: { endpoints: Endpoint[]; another_read: Endpoint; another_write: Endpoint };
export default table;
`,
);

/** jco 1.35 forgets this word for a function whose name JavaScript reserves, such as `delete`. */
function declared(types) {
  return types.replace(/^function /gm, "declare function ");
}
