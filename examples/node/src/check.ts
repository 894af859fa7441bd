// Looks at a request of the component before it is sent, and adds the key.

import type { Header, Request } from "../generated/interfaces/klaviyo-connector-http.js";
import { API_CALL, refusal, type Access } from "./access.js";
import { route } from "./endpoint.js";
import { endpointOf, isHarmless, type Endpoint } from "./endpoints.js";
import type { Key } from "./key.js";
import { toLatin1 } from "./latin1.js";
import type { Limits } from "./limits.js";
import { NoAnswer } from "./no-answer.js";

/** Headers that only the host may set, or that change how a message is transferred. */
const FORBIDDEN_HEADERS = new Set([
  "authorization",
  "host",
  "accept-encoding",
  "connection",
  "content-length",
  "cookie",
  "expect",
  "forwarded",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What a header's line has beside its name and value. */
const LINE = ": \r\n".length;

/** A request that may be sent. */
export interface CheckedRequest {
  url: string;
  method: string;
  headers: Headers;
  /** Empty: it has none. */
  body: Uint8Array;
  endpoint: Endpoint;
  /** Whether a second one does no harm where the first may have taken effect. */
  harmless: boolean;
}

/** What is allowed to an account's requests. */
export interface Rules {
  key: Key;
  endpoint: string | undefined;
  limits: Limits;
  api: Access | undefined;
}

/**
 * The request as it is sent while this function is called, by this revision of the API at least. Throws a `NoAnswer` where
 * it may not be.
 */
export function checked(
  { key, endpoint: origin, limits, api }: Rules,
  called: string,
  request: Request,
  revision: string | undefined,
): CheckedRequest {
  const { headerBytes, requestBytes } = limits;
  const bytes =
    request.url.length + request.auth.length + size(request.headers.map(({ name, value }) => [name, value]));
  if (bytes > headerBytes) {
    throw new NoAnswer(
      "too-large",
      `the request's address and headers have ${bytes} bytes, and limits.headerBytes allows ${headerBytes}`,
    );
  }
  if (request.body.length > requestBytes) {
    throw new NoAnswer(
      "too-large",
      `the request's body has ${request.body.length} bytes, and limits.requestBytes allows ${requestBytes}`,
    );
  }
  const routed = route(request.url, origin);
  if ("reason" in routed) {
    throw new NoAnswer("denied", routed.reason);
  }
  const path = request.url.slice(new URL(request.url).origin.length).split("?")[0] ?? "";
  const refused = refusal(api, called, { function: request.function, method: request.method, path });
  if (refused) {
    throw new NoAnswer("denied", refused);
  }
  if (!TOKEN.test(request.auth)) {
    throw new NoAnswer("denied", "the request's authorization scheme is not a single word");
  }
  const headers = new Headers();
  for (const header of request.headers) {
    headers.append(...checkedHeader(header));
  }
  headers.set("authorization", key.authorization(request.auth));
  if (revision !== undefined && (headers.get("revision") ?? "") < revision) {
    headers.set("revision", revision);
  }
  const method = request.method.toUpperCase();
  const endpoint = endpointOf(method, path);
  const harmless = isHarmless(endpoint, called === API_CALL);
  return { url: routed.url, method, headers, body: request.body, endpoint, harmless };
}

function checkedHeader({ name, value }: Header): [name: string, value: string] {
  if (!TOKEN.test(name)) {
    throw new NoAnswer("denied", `${JSON.stringify(name.slice(0, 40))} is not the name of a header`);
  }
  if (FORBIDDEN_HEADERS.has(name.toLowerCase())) {
    throw new NoAnswer("denied", `the header ${name.toLowerCase()} is the host's, and the component must not send one`);
  }
  const bytes = toLatin1(value);
  // Looked at here, since `Headers` takes line ends away where they are at an end.
  if (!HEADER_VALUE.test(bytes)) {
    throw new NoAnswer("denied", `the value of the header ${name} has characters that no header may have`);
  }
  return [name, bytes];
}

/** Bytes of headers, as lines. */
export function size(headers: readonly (readonly [string, string])[]): number {
  return headers.reduce((bytes, [name, value]) => bytes + name.length + value.length + LINE, 0);
}
