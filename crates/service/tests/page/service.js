// A service to look at: NATS, a Klaviyo, a front door, a worker and the status page, each a process of its own.

import { createHmac } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawn, execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("../../../../", import.meta.url));
const COMMAND = process.env.KLAVIYO_CONNECTOR ?? join(project, "target/debug/klaviyo-connector");
const CURRENT = join(project, "target/nats/bin/nats-server");
const NATS = process.env.KLAVIYO_NATS_SERVER || (existsSync(CURRENT) ? CURRENT : "nats-server");
const SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** Waits until something is so. */
export async function until(what, isSo) {
  const end = Date.now() + 60000;
  for (;;) {
    const value = await isSo();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Service {
  #processes = [];
  #folder = mkdtempSync(join(tmpdir(), "status-page-"));
  #count = 0;

  async start() {
    const listening = /client connections on 127\.0\.0\.1:(\d+)/;
    const nats = ["-js", "-sd", join(this.#folder, "nats"), "-a", "127.0.0.1", "-p", "-1"];
    this.nats = this.#spawn(NATS, nats, "stderr");
    const [, port] = await this.nats.line((line) => listening.exec(line));
    this.queue = `nats://127.0.0.1:${port}`;
    const mock = await this.#command(["mock", "--port", "0", "--rates", "off"]);
    [this.klaviyo, this.key] = [mock.url, mock.keys[0].key];
    // The first has its key, the second another one, the third none.
    for (const account of ["shop-1", "shop-2", "shop-3"]) this.#secret(`${account}.signing-secret`, `whsec_${SECRET}`);
    this.#secret("shop-1.api-key", this.key);
    this.#secret("shop-2.api-key", "pk_of_nobody");
    const common = ["--nats", this.queue, "--listen", "127.0.0.1:0"];
    const secrets = ["--secrets", this.#folder];
    this.door = (await this.#command(["serve", ...common, ...secrets, "--health-listen", "127.0.0.1:0"])).url;
    const component = ["--component", join(project, "target/component/klaviyo.wasm")];
    this.worker = (await this.#command(["worker", ...common, ...secrets, ...component])).url;
    this.page = (await this.#command(["status", ...common])).url;
  }

  stop() {
    for (const { child } of this.#processes) child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Puts an opt-in into the queue. */
  async optIn(account, more) {
    const body = JSON.stringify({ account, list: "Y6nRLr", ...more });
    const [id, at] = [`msg_${this.#count++}`, Math.floor(Date.now() / 1000)];
    const mac = createHmac("sha256", Buffer.from(SECRET, "base64")).update(`${id}.${at}.${body}`).digest("base64");
    const headers = { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1,${mac}` };
    const response = await fetch(`${this.door}/v1/opt-ins`, { method: "POST", headers, body });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  }

  /** The dead letters, as the command lists them. */
  dead() {
    return JSON.parse(execFileSync(COMMAND, ["dead", "list", "--nats", this.queue, "--json"], { encoding: "utf8" })).ok;
  }

  /** Asks the Klaviyo. */
  ask(path, options) {
    const headers = { authorization: `Klaviyo-API-Key ${this.key}`, revision: "2025-01-15", "content-type": "application/vnd.api+json" };
    return fetch(`${this.klaviyo}${path}`, { headers, ...options });
  }

  #secret(name, text) {
    writeFileSync(join(this.#folder, name), text, { mode: 0o600 });
  }

  async #command(words) {
    const line = await this.#spawn(COMMAND, [...words, "--json"], "stdout").line((text) => text);
    return JSON.parse(line).ok;
  }

  #spawn(program, words, output) {
    const env = { ...process.env, ...(this.klaviyo && { KLAVIYO_ENDPOINT: this.klaviyo }) };
    const stdio = ["ignore", "ignore", "ignore"];
    stdio[output === "stdout" ? 1 : 2] = "pipe";
    const child = spawn(program, words, { env, stdio });
    const lines = createInterface({ input: child[output] });
    const line = (find) =>
      new Promise((resolve, reject) => {
        lines.on("line", (text) => find(text) && resolve(find(text)));
        child.on("error", reject);
        child.on("exit", (code) => reject(new Error(`${program} ${words[0]} ended with ${code}`)));
      });
    const process_ = { child, line };
    this.#processes.push(process_);
    return process_;
  }
}
