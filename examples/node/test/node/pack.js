// Packing the package.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

/** Packs the package into a folder, with a program: the file. */
export function pack(folder, program, values, options) {
  const own = ["--json", "--pack-destination", folder];
  const said = execFileSync(program, [...values, ...own], { cwd: PACKAGE, encoding: "utf8", ...options });
  const [{ filename }] = JSON.parse(said);
  return join(folder, filename);
}
