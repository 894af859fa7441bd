// The fixture format (CONTRIBUTING.md): one call, and everything that crosses `http` meanwhile.

import { readFileSync, readdirSync } from "node:fs";
import { isObject, number, parse, stringify } from "./json.js";

const MEMBERS = { name: "string", call: "object", exchanges: "array", returns: "object" };
const ERRORS = ["denied", "timeout", "connection", "too-large", "other"];

/** All fixture files below a folder, sorted. */
export function files(folder) {
  const found = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".json"));
  return found.map((name) => new URL(name, folder)).sort((a, b) => (a.href < b.href ? -1 : 1));
}

export function read(file) {
  return fixture(readFileSync(file, "utf8"));
}

export function fixture(text) {
  const { call, exchanges = [], ...rest } = members(parse(text), MEMBERS, ["name", "call", "returns"]);
  const returns = Object.entries(members(rest.returns, { ok: "any", "ok-includes": "any", err: "any" }, []));
  if (returns.length !== 1) {
    refuse("`returns` has one of ok, ok-includes, err");
  }
  return {
    name: rest.name,
    call: { arguments: [], ...members(call, { function: "string", arguments: "array" }, ["function"]) },
    exchanges: exchanges.map((exchange) => {
      const { request, response } = members(exchange, { request: "object", response: "object" }, [
        "request",
        "response",
      ]);
      return { request: requested(request), response: answer(response) };
    }),
    returns: { case: returns[0][0], value: returns[0][1] },
  };
}

function requested(value) {
  const known = { method: "string", url: "string", headers: "texts", auth: "string", json: "any", body: "string" };
  const request = members(value, known, ["method", "url", "auth"]);
  if (Object.hasOwn(request, "json") && Object.hasOwn(request, "body")) {
    refuse("a request has `json` or `body`, not both");
  }
  return { headers: {}, ...request };
}

/** An answer as it is played: a status, headers and bytes, or a failure. */
function answer(value) {
  const known = { status: "number", headers: "texts", json: "any", text: "string", base64: "string", error: "texts" };
  const { status, headers = {}, error, ...bodies } = members(value, known, []);
  const [body, more] = Object.entries(bodies);
  if (error && !status && !body && Object.keys(headers).length === 0) {
    const failures = Object.entries(error);
    return failures.length === 1 && ERRORS.includes(failures[0][0])
      ? { failure: failures[0] }
      : refuse("an unknown `error`");
  }
  if (error || !status || more) {
    refuse("a response has a `status` and at most one of `json`, `text` and `base64`, or an `error`");
  }
  return { status: number(status), headers: Object.entries(headers), body: bytes(body) };
}

function bytes([kind, value] = []) {
  switch (kind) {
    case "json":
      return Buffer.from(stringify(value));
    case "text":
      return Buffer.from(value);
    case "base64":
      return Buffer.from(value, "base64").toString("base64") === value
        ? Buffer.from(value, "base64")
        : refuse("no base64");
    default:
      return Buffer.alloc(0);
  }
}

function members(value, known, needed) {
  if (!isObject(value)) {
    refuse("an object is missing");
  }
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(known, name) || !is(known[name], member)) {
      refuse(`\`${name}\` is unknown, or not what it should be`);
    }
  }
  const missing = needed.find((name) => !Object.hasOwn(value, name));
  return missing ? refuse(`\`${missing}\` is missing`) : value;
}

function is(kind, value) {
  switch (kind) {
    case "any":
      return true;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "texts":
      return isObject(value) && Object.values(value).every((member) => typeof member === "string");
    case "number":
      return Number.isInteger(number(value)) && number(value) <= 65_535;
    default:
      return typeof value === kind;
  }
}

function refuse(reason) {
  throw new Error(`it is not a fixture: ${reason}`);
}
