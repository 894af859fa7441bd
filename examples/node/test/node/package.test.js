// What is packed: the same from a copy of the folder, and with the addresses of the repository in a release.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pack, PACKAGE } from "./pack.js";

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "klaviyo-package-"));
});
after(() => rmSync(folder, { recursive: true }));

test("a copy of the folder makes the same package, when it is told where the project is", () => {
  const copy = join(folder, "elsewhere");
  const made = ["node_modules", "dist", "compiled", "generated"].map((name) => join(PACKAGE, name));
  cpSync(PACKAGE, copy, { recursive: true, filter: (path) => !made.includes(path) });
  symlinkSync(join(PACKAGE, "node_modules"), join(copy, "node_modules"));
  const build = (project) => {
    const env = { ...process.env, KLAVIYO_CONNECTOR: project };
    execFileSync(process.execPath, ["build/index.js"], { cwd: copy, env, stdio: "pipe", encoding: "utf8" });
  };
  assert.throws(() => build(""), { status: 1, stderr: /KLAVIYO_CONNECTOR/ });
  build(join(PACKAGE, "../.."));
  for (const name of ["index.js", "commonjs/index.js", "workerd.js", "index.d.ts"]) {
    assert.equal(readFileSync(join(copy, "dist", name), "utf8"), readFileSync(join(PACKAGE, "dist", name), "utf8"), name);
  }
});

test("a release has the addresses of the repository and no scripts, and package.json is left as it was", () => {
  const copy = join(folder, "copy");
  cpSync(PACKAGE, copy, { recursive: true, filter: (path) => !path.includes("node_modules") });
  const before = readFileSync(join(copy, "package.json"), "utf8");
  const release = (address) => {
    const env = { ...process.env, KLAVIYO_CONNECTOR_REPOSITORY: address };
    return pack(folder, process.execPath, [join(copy, "release.js")], { env, stdio: "pipe" });
  };
  assert.throws(() => release(""), { status: 2 });
  const file = release("https://git.example.com/klaviyo/connector/");
  const written = JSON.parse(execFileSync("tar", ["--extract", "--to-stdout", "--file", file, "package/package.json"], { encoding: "utf8" }));
  assert.deepEqual(written.repository, {
    type: "git",
    url: "git+https://git.example.com/klaviyo/connector.git",
    directory: "examples/node",
  });
  assert.ok(written.homepage.startsWith("https://git.example.com/klaviyo/connector/"));
  assert.deepEqual(written.publishConfig, { access: "public", provenance: true });
  assert.equal(written.bugs, "https://git.example.com/klaviyo/connector/issues");
  assert.equal(written.scripts, undefined);
  assert.equal(readFileSync(join(copy, "package.json"), "utf8"), before);
});
