// Packs a release: `npm pack`, with the addresses of the repository in package.json, which KLAVIYO_CONNECTOR_REPOSITORY has, and
// without the scripts, which run files that are not packed.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const file = `${folder}package.json`;
const address = process.env.KLAVIYO_CONNECTOR_REPOSITORY?.replace(/\/+$/, "");

if (!address?.startsWith("https://")) {
  console.error("set KLAVIYO_CONNECTOR_REPOSITORY to the address of the repository, https://…");
  process.exit(2);
}
const before = readFileSync(file, "utf8");
const written = JSON.parse(before);
Object.assign(written, {
  repository: { type: "git", url: `git+${address}.git`, directory: "examples/node" },
  homepage: `${address}/tree/v${written.version}/examples/node`,
  bugs: `${address}/issues`,
  // Where it is published, which is in the repository's own workflow, tells the registry from which commit it is.
  publishConfig: { access: "public", provenance: true },
  scripts: undefined,
});
try {
  writeFileSync(file, JSON.stringify(written, undefined, 2));
  const { status } = spawnSync("npm", ["pack", ...process.argv.slice(2)], { cwd: folder, stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  writeFileSync(file, before);
}
