// The page's simulator behind HTTP, for code that is to be run.

import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { instantiate } from "../generated/klaviyo-mock.js";

/** The module of the simulator, by the name that the build gave it. */
const [FILE] = readdirSync(new URL("../generated/", import.meta.url)).filter((name) => name.endsWith("-klaviyo-mock.core.wasm.gz"));

export const KEY = "pk_demo_3f9c1b7a5e2d4860";

/** Starts a Klaviyo: its `endpoint`, the `profiles` that it holds, and `close`. */
export async function simulator() {
  const { http, control } = await instantiate(() => WebAssembly.compile(gunzipSync(readFileSync(new URL(`../generated/${FILE}`, import.meta.url)))), {});
  control.reset(Math.floor(Date.now() / 1000));
  control.useKey(KEY);
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { authorization = "", ...headers } = request.headers;
    const [auth, key] = authorization.split(" ");
    control.useKey(key ?? "");
    const given = Object.entries(headers).filter(([name]) => ["revision", "accept", "content-type"].includes(name));
    const answer = http.send({
      method: request.method.toLowerCase(),
      url: `https://a.klaviyo.com${request.url}`,
      headers: given.map(([name, value]) => ({ name, value })),
      auth,
      body: Buffer.concat(chunks),
      function: "",
    });
    response.writeHead(answer.status, answer.headers.flatMap(({ name, value }) => [name, value])).end(answer.body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    profiles: () => JSON.parse(control.state()).accounts[0].profiles.map(({ attributes }) => attributes),
    close: () => server.close(),
  };
}
