// The packed file, as somebody gets it who has nothing else: KLAVIYO_CONNECTOR_PACKED, or one that is packed here.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { simulator } from "../simulator.js";
import { pack } from "./pack.js";

const { KLAVIYO_CONNECTOR_PACKED, KLAVIYO_CONNECTOR_REPOSITORY } = process.env;

let folder;
let installed;
let files;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "klaviyo-packed-"));
  const packed = KLAVIYO_CONNECTOR_PACKED ?? pack(folder, "npm", ["pack"]);
  const listed = execFileSync("tar", ["--list", "--file", packed], { encoding: "utf8" });
  files = listed.trim().split("\n").map((path) => path.replace("package/", ""));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", packed], { cwd: folder });
  installed = join(folder, "node_modules/klaviyo-connector");
});
after(() => rmSync(folder, { recursive: true }));

test("it has the licence of the repository, and neither sources nor tests", () => {
  assert.equal(
    readFileSync(join(installed, "LICENSE"), "utf8"),
    readFileSync(new URL("../../../../LICENSE", import.meta.url), "utf8"),
  );
  assert.deepEqual(files.filter((path) => /^(?:src|test|node_modules)\//.test(path)), []);
});

test("a release has the licences of what is in the component", { skip: !KLAVIYO_CONNECTOR_PACKED && "no release is packed" }, () => {
  assert.match(readFileSync(join(installed, "LICENSE.third-party.txt"), "utf8"), /^ {2}serde_json [\d.]+: MIT OR Apache-2\.0$/m);
});

test("the links of its README lead somewhere", () => {
  const readme = readFileSync(join(installed, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
  assert.ok(links.includes("who.js"));
  const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => `#${heading.toLowerCase().replaceAll(" ", "-")}`);
  const lost = links.filter((link) => !link.startsWith("https://") && !headings.includes(link) && !files.includes(link));
  assert.deepEqual(lost, []);
});

/** The files that an entry of `exports` leads to. */
const targets = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry).flatMap(targets));

test("each file that it exports is there, and package.json is one of them", () => {
  const own = createRequire(join(folder, "package.json"))("klaviyo-connector/package.json");
  assert.equal(own.name, "klaviyo-connector");
  const named = [own.main, ...targets(own.exports)].map((path) => path.replace("./", ""));
  assert.deepEqual(named.filter((path) => !files.includes(path)), []);
});

test("only a release has the address of the repository", () => {
  const { repository } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  assert.equal(repository !== undefined, Boolean(KLAVIYO_CONNECTOR_PACKED && KLAVIYO_CONNECTOR_REPOSITORY));
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
