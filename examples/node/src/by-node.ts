// Requests by Node's own modules, which take half of the computing that its `fetch` takes.

import type { ClientRequest, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { CheckedRequest } from "./check.js";
import { Body, checkHeaders, headersTooLarge, type Exchange, type Received } from "./exchange.js";
import type { Limits } from "./limits.js";
import { NoAnswer } from "./no-answer.js";

/** Milliseconds until there is a connection. */
const CONNECTING = 10_000;

/** Bytes before the headers, which Node counts with them. */
const STATUS_LINE = 1_024;

interface Modules {
  http: typeof import("node:http");
  https: typeof import("node:https");
  zlib: typeof import("node:zlib");
}

/**
 * Node's modules. Undefined: this is another runtime, in which they stand on `fetch` or on less. They are not imported,
 * since a bundler for other runtimes would look for them.
 */
function modules(): Modules | undefined {
  const { process } = globalThis;
  const isNode = process?.release?.name === "node" && !process.versions.bun && !("Deno" in globalThis);
  const load = isNode ? process.getBuiltinModule : undefined;
  return load && { http: load("node:http"), https: load("node:https"), zlib: load("node:zlib") };
}

/** Sends requests by Node's modules, where they are. */
export function byNode(): Exchange | undefined {
  const found = modules();
  return (
    found &&
    ((request, limits) => {
      const { url, method, headers, body } = request;
      const { http, https } = found;
      const fields: Record<string, string | number> = Object.fromEntries(headers);
      fields["accept-encoding"] = "gzip, deflate";
      // As Node's `fetch` has it: some servers refuse those who do not say who they are.
      fields["user-agent"] ??= "node";
      if (body.length > 0 || method !== "GET") {
        // Node sends the body of a `DELETE` without it, and a server takes it for the next request.
        fields["content-length"] = body.length;
      }
      const sent = (url.startsWith("https:") ? https : http).request(url, {
        method,
        headers: fields,
        maxHeaderSize: limits.headerBytes + STATUS_LINE,
      });
      return { answer: read(found, sent, request, limits), stop: () => sent.destroy() };
    })
  );
}

async function read(found: Modules, sent: ClientRequest, { body }: CheckedRequest, limits: Limits): Promise<Received> {
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.on("response", resolve);
      sent.on("error", reject);
      sent.on("socket", (socket) => {
        if (socket.connecting) {
          const late = () => reject(new NoAnswer("connection", `no connection within ${CONNECTING} ms`, true));
          const timer = setTimeout(late, CONNECTING);
          socket.once("connect", () => clearTimeout(timer)).once("close", () => clearTimeout(timer));
        }
      });
      sent.end(body.length > 0 ? body : undefined);
    });
    const headers = pairs(answer.rawHeaders);
    checkHeaders(headers, limits);
    return { status: answer.statusCode ?? 0, headers, body: await whole(decompressed(found, answer), limits) };
  } catch (error) {
    sent.destroy();
    throw (error as { code?: unknown }).code === "HPE_HEADER_OVERFLOW" ? headersTooLarge(limits) : error;
  }
}

function pairs(lines: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: lines.length / 2 }, (_, at) => [lines[2 * at] ?? "", lines[2 * at + 1] ?? ""]);
}

function decompressed({ zlib }: Modules, answer: IncomingMessage): Readable {
  const coding = answer.headers["content-encoding"]?.trim().toLowerCase();
  const decoder =
    coding === "gzip" || coding === "deflate"
      ? zlib.createUnzip()
      : coding === "br"
        ? zlib.createBrotliDecompress()
        : undefined;
  if (!decoder) {
    return answer;
  }
  answer.on("error", (error) => decoder.destroy(error));
  return answer.pipe(decoder);
}

function whole(stream: Readable, limits: Limits): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const body = new Body(limits);
    stream.on("data", (chunk: Uint8Array) => {
      try {
        body.add(chunk);
      } catch (error) {
        stream.destroy();
        reject(error as Error);
      }
    });
    stream.on("end", () => resolve(body.whole()));
    stream.on("error", reject);
    stream.on("close", () => stream.readableEnded || reject(new NoAnswer("connection", "the connection broke off")));
  });
}
