// The code of the READMEs: each block is compiled as somebody would who pastes it, and run.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulator } from "../simulator.js";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

/** The blocks of JavaScript and TypeScript of a file, each with its name. */
function blocks(name) {
  const found = readFileSync(new URL(`../../${name}`, import.meta.url), "utf8").matchAll(/^```(?:js|ts)\n(.*?)^```$/gms);
  return [...found].map(([, code], index) => ({ name: `${name} ${index + 1}`, code }));
}

const BLOCKS = [...blocks("README.md"), ...blocks("../../README.md")];

/** Lines of the README are about a client and what made it; a block that makes its own hides these. */
const GIVEN = `declare const klaviyo: import("klaviyo-connector").Klaviyo;
declare const connect: typeof import("klaviyo-connector").connect;
`;

/** Gives a block what it is about, and sends what goes to Klaviyo to the simulator. */
const PRELOAD = `import { connect } from "klaviyo-connector";
const send = globalThis.fetch;
globalThis.fetch = (url, init) => send(String(url).replace("https://a.klaviyo.com", process.env.KLAVIYO_ENDPOINT), init);
globalThis.connect = connect;
globalThis.klaviyo = await connect();
`;

const OPTIONS = ["--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--outDir", "out"];

/** Compiles all blocks in the folder of somebody who has installed the package, and runs a test there. */
async function compiled(test) {
  const folder = mkdtempSync(join(tmpdir(), "klaviyo-readme-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(PACKAGE, join(folder, "node_modules/klaviyo-connector"));
    for (const name of ["@types", "undici-types", "undici"].filter((name) => existsSync(join(PACKAGE, "node_modules", name)))) {
      symlinkSync(join(PACKAGE, "node_modules", name), join(folder, "node_modules", name));
    }
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "given.d.ts"), GIVEN);
    writeFileSync(join(folder, "preload.js"), PRELOAD);
    const files = BLOCKS.map(({ code }, index) => {
      // A module, whatever is in it.
      writeFileSync(join(folder, `block${index}.ts`), `${code}\nexport {};\n`);
      return `block${index}.ts`;
    });
    const tsc = join(PACKAGE, "node_modules/typescript/bin/tsc");
    const { stdout, status } = spawnSync(process.execPath, [tsc, ...OPTIONS, "given.d.ts", ...files], {
      cwd: folder,
      encoding: "utf8",
    });
    const named = stdout.replace(/block(\d+)\.ts/g, (_, index) => BLOCKS[index].name);
    await test(folder, { errors: named, status });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("every block of the READMEs compiles as it is, and runs against the simulator", async () => {
  assert.ok(BLOCKS.length > 4);
  await compiled(async (folder, { errors, status }) => {
    assert.deepEqual([errors, status], ["", 0]);
    const klaviyo = await simulator();
    const env = { ...process.env, KLAVIYO_API_KEY: klaviyo.key, KLAVIYO_ENDPOINT: klaviyo.url };
    try {
      for (const [index, { name, code }] of BLOCKS.entries()) {
        // One with a library of others has a test of its own.
        if (/from "(?!node:|klaviyo-connector)/.test(code)) continue;
        const options = { cwd: folder, env, encoding: "utf8" };
        const { stderr, status: exit } = spawnSync(process.execPath, ["--import", "./preload.js", `out/block${index}.js`], options);
        assert.deepEqual([stderr, exit], ["", 0], name);
      }
    } finally {
      await klaviyo.stop();
    }
  });
});
