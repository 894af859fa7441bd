// Installs the bundlers in target/bundlers, and the package as `npm pack` makes it.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Where programs find the package and the bundlers. */
export const FOLDER = path("../../../../target/bundlers");

const npm = (...options) => execFileSync("npm", options, { cwd: FOLDER, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

export function install() {
  mkdirSync(FOLDER, { recursive: true });
  const lock = "package-lock.json";
  const text = (file) => existsSync(file) && readFileSync(file, "utf8");
  // What npm writes when it has installed all of a lock file.
  const isDone = existsSync(join(FOLDER, "node_modules/.package-lock.json"));
  if (!isDone || text(join(FOLDER, lock)) !== text(path(lock))) {
    for (const name of ["package.json", lock]) {
      cpSync(path(name), join(FOLDER, name));
    }
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent");
  }
  const [{ filename }] = JSON.parse(npm("pack", path("../.."), "--json", "--silent"));
  const to = join(FOLDER, "node_modules/klaviyo-connector");
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  execFileSync("tar", ["-xzf", join(FOLDER, filename), "--strip-components", "1", "-C", to]);
}
