// What the tests share: clients that are closed, answers from memory, servers that do as they are told, and copies of
// the package.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, KlaviyoError } from "klaviyo-connector";

/** A key that can be recognised. */
export const CANARY = "pk_canary_5d41402abc4b2a76b9719d91";

/**
 * Runs a test with a client, which is closed whatever happens. Unless the test says otherwise, requests go out at once, and
 * once: most tests are about something else.
 */
export async function withClient({ limits, ...options }, test, open = connect) {
  const klaviyo = await open({ key: CANARY, pace: "unlimited", limits: { attempts: 1, ...limits }, ...options });
  try {
    return await test(klaviyo);
  } finally {
    await klaviyo.close();
  }
}

/** An answer of Klaviyo's. */
export function json(value, status = 200, headers = {}) {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/vnd.api+json", ...headers },
  });
}

export const PRIYA = {
  data: [
    {
      type: "profile",
      id: "01GMTZY2TEKN4KFRP30JZ59KGB",
      attributes: { email: "priya@example.com", first_name: "Priya" },
    },
  ],
};

/** A `fetch` that finds Priya, whoever is looked up. */
export const findsPriya = async () => json(PRIYA);

/** A `fetch` without an answer, and what waits until it is called. */
export function silent() {
  let called;
  const asked = new Promise((resolve) => (called = resolve));
  const fetch = (_, { signal }) => {
    called(signal);
    return new Promise(() => {});
  };
  return { fetch, asked };
}

/** A `fetch` that finds one more page of lists, always. */
export function endlessPages(name = "List") {
  let page = 0;
  return async () => {
    page += 1;
    return json({
      data: [{ type: "list", id: `L${page}`, attributes: { name } }],
      links: { next: `https://a.klaviyo.com/api/lists/?page%5Bcursor%5D=${page}` },
    });
  };
}

/** The error that a call fails with: a KlaviyoError with this code. Its message has the word, such as a limit's name. */
export async function failure(call, code, word = "") {
  const error = await call.then(
    (value) => assert.fail(`expected ${code}, and it returned ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  assert.ok(error instanceof KlaviyoError || error.constructor.name === "KlaviyoError", String(error.stack ?? error));
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.includes(word), `${JSON.stringify(error.message)} does not name ${word}`);
  return error;
}

/**
 * A server on a loopback port. `respond` gets the socket and the text of each request, and writes what it likes.
 * `requests` are those that came.
 */
export async function withServer(respond, test) {
  const sockets = new Set();
  const requests = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    // A client that goes away is what most of the tests are about.
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n") + 4;
      const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
      if (end > 3 && text.length >= end + length) {
        const request = text;
        text = "";
        requests.push(request);
        respond(socket, request);
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await test(`http://127.0.0.1:${server.address().port}`, requests);
  } finally {
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => server.close(resolve));
  }
}

/** An HTTP answer, byte for byte. */
export function answer(status, headers, body) {
  return `HTTP/1.1 ${status}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Runs a test with the folder of a copy of the package. */
export async function withCopy(test) {
  const folder = mkdtempSync(join(tmpdir(), "klaviyo-connector-"));
  try {
    for (const name of ["package.json", "dist", "generated"]) {
      cpSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), join(folder, name), { recursive: true });
    }
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
