// jco makes a module of a component: node transpile.mjs COMPONENT FOLDER. The module imports `http` from ./http.mjs.

import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const [component, folder] = process.argv.slice(2);
const map = { "klaviyo:connector/http": "./http.mjs" };
const { files } = await transpileBytes(readFileSync(component), { name: "klaviyo", map });
for (const [name, content] of Object.entries(files)) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
