// What differs between what a fixture says and what happened: the rules of host-test/replay/src/compare.rs.

import { isObject, parse } from "./json.js";

/** Compares a request with what a fixture expects; each difference is a phrase. */
export function request(expected, sent) {
  const differences = [];
  const differs = (what, expected, got) => {
    differences.push(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
  };
  if (expected.method !== sent.method) {
    differs("method", expected.method, sent.method);
  }
  if (expected.auth !== sent.auth) {
    differs("auth", expected.auth, sent.auth);
  }
  if (!sameUrl(expected.url, sent.url)) {
    differs("url", expected.url, sent.url);
  }
  for (const [name, value] of Object.entries(expected.headers)) {
    const got = sent.headers
      .filter(([sentName]) => sentName.toLowerCase() === name.toLowerCase())
      .map(([, sentValue]) => sentValue);
    if (got.length !== 1 || got[0] !== value) {
      differs(`header ${name}`, [value], got);
    }
  }
  for (const [name] of sent.headers) {
    if (["authorization", "host"].includes(name.toLowerCase())) {
      differences.push(`header ${name}: it is the host's, and was sent`);
    }
  }
  return [...differences, ...rawUrl(sent.url), ...body(expected, sent.body)];
}

function body(expected, sent) {
  const text = sent.toString();
  if (!Object.hasOwn(expected, "json")) {
    const wanted = expected.body ?? "";
    return wanted === text ? [] : [`body: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(text)}`];
  }
  try {
    return values("body", expected.json, parse(text), isNull);
  } catch (error) {
    return [`body: it is not JSON (${error.message}): ${JSON.stringify(text)}`];
  }
}

/** By hand, since a fixture's URL is for people: it need not be encoded. */
function parts(url) {
  const [rest, query] = cut(url, "?");
  const [scheme, address] = rest.includes("://") ? cut(rest, "://") : ["", rest];
  const [host, path] = cut(address, "/");
  const trimmed = path.replace(/\/$/, "");
  const pairs = query.split("&").filter((pair) => pair !== "");
  return {
    origin: `${scheme}://${host}`,
    hasEscapes: trimmed.includes("%"),
    segments: trimmed.split("/").map(decoded),
    query: pairs
      .map((pair) => JSON.stringify(cut(pair, "=").map(decoded)))
      .sort()
      .join(),
  };
}

function sameUrl(expected, got) {
  const [a, b] = [parts(expected), parts(got)];
  // An expected path with escapes means them: a slash in an id is not a slash between segments.
  const separator = a.hasEscapes ? "\0" : "/";
  return a.origin === b.origin && a.segments.join(separator) === b.segments.join(separator) && a.query === b.query;
}

function cut(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decoded(text) {
  const bytes = Buffer.from(text).toString("latin1");
  const unescaped = bytes.replace(/%([0-9a-fA-F]{2})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(unescaped, "latin1").toString();
}

/** What is wrong with a URL as it was sent, byte for byte. */
export function rawUrl(url) {
  const [, query] = cut(url, "?");
  if (!/^(?:[A-Za-z0-9\-._~=&]|%[0-9a-fA-F]{2})*$/.test(query)) {
    return [`url: the query must be percent-encoded: ${url}`];
  }
  if (!URL.canParse(url)) {
    return [`url: ${url} is not a URL`];
  }
  const { href } = new URL(url);
  return href === url ? [] : [`url: ${url} is read as ${href}`];
}

/** Compares what a call returned, `{ ok }` or `{ err }`, with what a fixture expects. */
export function returned(expected, got) {
  const name = expected.case === "err" ? "err" : "ok";
  return Object.hasOwn(got, name)
    ? values(name, expected.value, got[name], expected.case === "ok" ? isNoneOrEmpty : () => true)
    : [`returned: expected ${name}, got ${JSON.stringify(got)}`];
}

const isNull = (value) => value === null;
/** What a field may be that a record has got since a fixture was written. */
const isNoneOrEmpty = (value) => isNull(value) || (Array.isArray(value) && value.length === 0);

/**
 * Compares two values. An expected member that is missing is null; one that is not expected is such that it
 * `mayBeMore`.
 */
function values(place, expected, got, mayBeMore) {
  if (isObject(expected) && isObject(got)) {
    const names = Object.keys(expected).concat(
      Object.keys(got).filter((name) => !Object.hasOwn(expected, name) && !mayBeMore(got[name])),
    );
    const member = (value, name) => (Object.hasOwn(value, name) ? value[name] : null);
    return names.flatMap((name) => values(`${place}.${name}`, member(expected, name), member(got, name), mayBeMore));
  }
  if (Array.isArray(expected) && Array.isArray(got)) {
    return expected.length === got.length
      ? expected.flatMap((item, index) => values(`${place}[${index}]`, item, got[index], mayBeMore))
      : [`${place}: expected ${expected.length} elements, got ${got.length}`];
  }
  const [a, b] = [JSON.stringify(expected), JSON.stringify(got)];
  return a === b ? [] : [`${place}: expected ${a}, got ${b}`];
}
