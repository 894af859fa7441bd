// A proxy from the environment, as the README does it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect as reach } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { EnvHttpProxyAgent, fetch } from "undici";
import { CANARY, findsPriya, withClient, withServer, answer } from "../support.js";

/** Runs a test with a proxy that makes tunnels to `target`, whatever is asked for, or refuses them without one. */
async function withProxy(target, test) {
  const asked = [];
  const sockets = new Set();
  const proxy = createServer();
  proxy.on("connect", ({ url, headers }, socket) => {
    asked.push([url, JSON.stringify(headers)]);
    sockets.add(socket);
    socket.on("error", () => {});
    if (target === undefined) {
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    const server = reach(Number(new URL(target).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      server.pipe(socket).pipe(server);
    });
    sockets.add(server.on("error", () => {}));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    return await test(`http://127.0.0.1:${proxy.address().port}`, asked);
  } finally {
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => proxy.close(resolve));
  }
}

test("a proxy of the environment is used, but for what NO_PROXY names", async () => {
  const found = await (await findsPriya()).text();
  await withServer(
    (socket) => socket.write(answer(200, "content-type: application/vnd.api+json\r\n", found)),
    (server, requests) =>
      withProxy(server, async (proxy, asked) => {
        for (const [noProxy, tunnels] of [
          ["", 1],
          ["localhost", 2],
          ["127.0.0.1", 2],
        ]) {
          const dispatcher = new EnvHttpProxyAgent({ httpProxy: proxy, noProxy });
          const send = (url, init) => fetch(url, { ...init, headers: [...init.headers], dispatcher });
          await withClient({ endpoint: server, fetch: send }, async (klaviyo) => {
            assert.equal((await klaviyo.lookup({ email: "a@b.c" })).firstName, "Priya");
          });
          await dispatcher.destroy();
          assert.equal(asked.length, tunnels, noProxy);
        }
        assert.equal(requests.length, 3);
        assert.ok(requests.every((request) => request.includes(CANARY)));
      }),
  );
});

test("the README's lines ask the proxy for a tunnel to Klaviyo, and give it no key", async () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, lines] = /^```js\n([^`]*EnvHttpProxyAgent[^`]*)```/m.exec(readme);
  const script = fileURLToPath(new URL(`../../proxy-${process.pid}.mjs`, import.meta.url));
  writeFileSync(script, lines);
  try {
    await withProxy(undefined, async (proxy, asked) => {
      const env = { ...process.env, KLAVIYO_API_KEY: CANARY, HTTPS_PROXY: proxy, NO_PROXY: "" };
      const child = spawn(process.execPath, [script], { env, stdio: ["ignore", "pipe", "pipe"] });
      const [said, code] = await Promise.all([
        child.stderr.toArray().then((chunks) => chunks.join("")),
        new Promise((resolve) => child.once("exit", resolve)),
      ]);
      assert.ok(code === 1 && said.includes("KlaviyoError") && !said.includes(CANARY), said);
      assert.ok(asked.length > 0);
      for (const [tunnel, headers] of asked) {
        assert.equal(tunnel, "a.klaviyo.com:443");
        assert.ok(!headers.includes(CANARY));
      }
    });
  } finally {
    rmSync(script);
  }
});
