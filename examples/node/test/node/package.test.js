// The packed file, as somebody gets it who has nothing else.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulator } from "../simulator.js";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

let folder;
let installed;

/** Packs the package with a program: the file, and what is in it. */
function pack(program, values, options) {
  const said = execFileSync(program, [...values, "--json", "--pack-destination", folder], { encoding: "utf8", ...options });
  const [{ filename, files }] = JSON.parse(said);
  return { file: join(folder, filename), files: files.map(({ path }) => path) };
}

let packed;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "klaviyo-packed-"));
  packed = pack("npm", ["pack"], { cwd: PACKAGE });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", packed.file], { cwd: folder });
  installed = join(folder, "node_modules/klaviyo-connector");
});
after(() => rmSync(folder, { recursive: true }));

test("it has the licence of the repository, and neither sources nor tests", () => {
  assert.equal(
    readFileSync(join(installed, "LICENSE"), "utf8"),
    readFileSync(new URL("../../../../LICENSE", import.meta.url), "utf8"),
  );
  assert.deepEqual(packed.files.filter((path) => /^(?:src|test|node_modules)\//.test(path)), []);
});

test("the links of its README lead somewhere", () => {
  const readme = readFileSync(join(installed, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
  assert.ok(links.includes("who.js"));
  const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => `#${heading.toLowerCase().replaceAll(" ", "-")}`);
  const lost = links.filter((link) => !link.startsWith("https://") && !headings.includes(link) && !packed.files.includes(link));
  assert.deepEqual(lost, []);
});

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

test("a release has the addresses of the repository, and package.json is left as it was", () => {
  const copy = join(folder, "copy");
  cpSync(PACKAGE, copy, { recursive: true, filter: (path) => !path.includes("node_modules") });
  const before = readFileSync(join(copy, "package.json"), "utf8");
  const release = (address) => {
    const env = { ...process.env, KLAVIYO_CONNECTOR_REPOSITORY: address };
    return pack(process.execPath, [join(copy, "release.js")], { env, stdio: "pipe" });
  };
  assert.throws(() => release(""), { status: 2 });
  const { file } = release("https://git.example.com/klaviyo/connector/");
  const written = JSON.parse(execFileSync("tar", ["--extract", "--to-stdout", "--file", file, "package/package.json"], { encoding: "utf8" }));
  assert.deepEqual(written.repository, {
    type: "git",
    url: "git+https://git.example.com/klaviyo/connector.git",
    directory: "examples/node",
  });
  assert.ok(written.homepage.startsWith("https://git.example.com/klaviyo/connector/"));
  assert.equal(written.bugs, "https://git.example.com/klaviyo/connector/issues");
  assert.equal(readFileSync(join(copy, "package.json"), "utf8"), before);
  assert.equal(JSON.parse(readFileSync(join(installed, "package.json"), "utf8")).repository, undefined);
});

test("its scripts run in an empty folder, with nothing but it", async () => {
  const klaviyo = await simulator();
  try {
    const env = { PATH: process.env.PATH, KLAVIYO_API_KEY: klaviyo.key, KLAVIYO_ENDPOINT: klaviyo.url };
    const run = (name, ...values) => {
      copyFileSync(join(installed, name), join(folder, name));
      return execFileSync(process.execPath, [name, ...values], { cwd: folder, env, encoding: "utf8" });
    };
    assert.ok(run("opt-in.js", "Y6nRLr", "priya@example.com", "+919820000001", "Priya").includes("created: true"));
    assert.ok(run("who.js", "priya@example.com").includes("WhatsApp Opt-Ins"));
  } finally {
    await klaviyo.stop();
  }
});
