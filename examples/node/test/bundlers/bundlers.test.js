// The package, as it is packed, where people put it: in other runtimes, and in one file by bundlers. The files are run
// in a folder without node_modules and without a .wasm.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { simulator } from "../simulator.js";
import { FOLDER, install } from "./install.js";

const OWN = fileURLToPath(new URL("../../node_modules/.bin/", import.meta.url));
const ENTRIES = join(FOLDER, "entries");
const entry = (name) => join(ENTRIES, name);
const bundler = (name) => import(pathToFileURL(createRequire(join(FOLDER, "package.json")).resolve(name)).href);

let klaviyo;
let folder;
let people = 0;

before(async () => {
  install();
  rmSync(ENTRIES, { recursive: true, force: true });
  cpSync(fileURLToPath(new URL("entries", import.meta.url)), ENTRIES, { recursive: true });
  writeFileSync(entry("package.json"), '{ "type": "module" }');
  folder = mkdtempSync(join(tmpdir(), "klaviyo-bundled-"));
  klaviyo = await simulator();
});

after(async () => {
  await klaviyo?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

/** The arguments of a program: somebody new opts in. */
const values = () => [klaviyo.url, klaviyo.key, `bundled${people++}@example.com`];

/** Runs a program, and returns what it prints. */
async function printed(program, options, settings = {}) {
  const child = spawn(program, options, { stdio: ["ignore", "pipe", "pipe"], cwd: folder, ...settings });
  let [text, errors] = ["", ""];
  child.stdout.on("data", (chunk) => (text += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, errors + text);
  return text;
}

const ENDED = { created: true, isFound: true, refused: "invalid-input" };

/** Runs a program that opts somebody in and looks them up. */
async function works(program, ...options) {
  assert.deepEqual(JSON.parse(await printed(program, [...options, ...values()])), ENDED);
}

/** The arguments of a program, as a query. */
const asQuery = (all) => new URLSearchParams(all.map((value) => ["value", value]));

/** Waits until a program prints this. */
function line(child, pattern) {
  let text = "";
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const [found] = pattern.exec(text) ?? [];
      if (found) resolve(found);
    });
    child.once("exit", () => reject(new Error(`it has ended: ${text}`)));
  });
}

/** The one file that a bundler has made. */
function only(name) {
  const files = readdirSync(join(folder, name));
  assert.equal(files.length, 1, files.join());
  return join(folder, name, files[0]);
}

/** A bundle by esbuild in a folder of its own. */
async function bundled(name, from, extension, settings) {
  const outfile = join(folder, name, `bundle.${extension}`);
  await build({ entryPoints: [entry(from)], outfile, bundle: true, platform: "node", logLevel: "error", ...settings });
  return only(name);
}

test("Node imports it", () => works(process.execPath, entry("main.js")));

test("Node requires it", () => works(process.execPath, entry("main.cjs")));

test("Jest requires it", async () => {
  const config = { rootDir: ENTRIES, testMatch: ["**/jest.test.cjs"], transform: {} };
  const jest = join(FOLDER, "node_modules/jest/bin/jest.js");
  const options = [jest, "--config", JSON.stringify(config), "--runInBand", "--json"];
  const env = { ...process.env, VALUES: JSON.stringify(values()) };
  const { numPassedTests, success } = JSON.parse(await printed(process.execPath, options, { env }));
  assert.deepEqual([numPassedTests, success], [1, true]);
});

test("esbuild makes one file of it, which runs in Node, Deno and Bun", async () => {
  const file = await bundled("esbuild", "main.js", "mjs", { format: "esm" });
  await works(process.execPath, file);
  // It may read no file.
  await works(join(OWN, "deno"), "run", "--no-config", "--allow-net", "--allow-env", file);
  await works(join(OWN, "bun"), file);
});

test("a handler of AWS Lambda is one file, and is called again", async () => {
  const file = await bundled("lambda", "lambda.js", "cjs", { format: "cjs", minify: true });
  const { handler } = createRequire(import.meta.url)(file);
  for (let call = 0; call < 2; call += 1) {
    assert.deepEqual(JSON.parse((await handler({ values: values() })).body), ENDED);
  }
});

test("webpack makes one file of it", async () => {
  const { default: webpack } = await bundler("webpack");
  const output = { path: join(folder, "webpack"), filename: "bundle.mjs", module: true, chunkFormat: "module" };
  const settings = { entry: entry("main.js"), mode: "production", target: "node20", output, experiments: { outputModule: true } };
  const stats = await new Promise((resolve, reject) =>
    webpack(settings, (error, stats) => (error ? reject(error) : resolve(stats))),
  );
  assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }).errors, []);
  await works(process.execPath, only("webpack"));
});

test("Vite makes one file of it for a server", async () => {
  const vite = await bundler("vite");
  await vite.build({
    root: ENTRIES,
    configFile: false,
    logLevel: "error",
    ssr: { noExternal: true },
    build: { ssr: "main.js", outDir: join(folder, "vite"), emptyOutDir: true },
  });
  await works(process.execPath, only("vite"));
});

test("a handler of Express answers with it", async () => {
  const child = spawn(process.execPath, [entry("express.js")], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const address = await line(child, /http:\/\/127\.0\.0\.1:\d+/);
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${address}/opt-in`, { method: "POST", headers, body: JSON.stringify({ values: values() }) });
    assert.deepEqual(await answer.json(), ENDED);
  } finally {
    child.kill();
  }
});

test("a route of Next.js answers with it", async () => {
  const root = join(FOLDER, "next");
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, "app/opt-in"), { recursive: true });
  cpSync(entry("run.js"), join(root, "app/opt-in/run.js"));
  cpSync(entry("route.js"), join(root, "app/opt-in/route.js"));
  writeFileSync(join(root, "app/layout.js"), "export default ({ children }) => <html><body>{children}</body></html>;");
  writeFileSync(join(root, "next.config.mjs"), `export default { turbopack: { root: ${JSON.stringify(FOLDER)} } };`);
  const next = join(FOLDER, "node_modules/next/dist/bin/next");
  const settings = { cwd: root, env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" } };
  await printed(process.execPath, [next, "build"], settings);
  const child = spawn(process.execPath, [next, "start", "--port", "0", "--hostname", "127.0.0.1"], { ...settings, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const address = await line(child, /http:\/\/127\.0\.0\.1:\d+/);
    assert.deepEqual(await (await fetch(`${address}/opt-in?${asQuery(values())}`)).json(), ENDED);
  } finally {
    child.kill();
  }
});

test("workerd, which is Cloudflare Workers, runs it", async () => {
  const out = join(folder, "workerd");
  mkdirSync(out);
  await build({
    entryPoints: [entry("worker.js")],
    outdir: out,
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "error",
  });
  const [wasm] = readdirSync(out).filter((name) => name.endsWith(".wasm"));
  const config = `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["private", "public"]))],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
    );
    const worker :Workerd.Worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js"), (name = "${wasm}", wasm = embed "${wasm}")],
      compatibilityDate = "2026-01-01",
    );`;
  writeFileSync(join(out, "config.capnp"), config);
  const program = createRequire(join(FOLDER, "package.json")).resolve("@cloudflare/workerd-linux-64/bin/workerd");
  const child = spawn(program, ["serve", "config.capnp", "--control-fd=3"], { cwd: out, stdio: ["ignore", "inherit", "inherit", "pipe"] });
  try {
    const port = await new Promise((resolve, reject) => {
      child.stdio[3].on("data", (line) => resolve(JSON.parse(line).port));
      child.once("exit", () => reject(new Error("workerd has ended")));
    });
    const answer = await fetch(`http://127.0.0.1:${port}/?${asQuery(values())}`);
    assert.deepEqual(await answer.json(), ENDED);
  } finally {
    child.kill();
  }
});
