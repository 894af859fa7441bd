// JSON, of which the contract has the text and JavaScript the values.

import { isInvalidDate, kind } from "./kind.js";
import { fail, isPlain, text, type Place, type Reader } from "./reader.js";

/** The most objects and arrays in each other. Klaviyo takes 10 in the properties of an event. */
const LEVELS = 100;

/** The text of a JSON object, or an object of which one is made. */
export const properties: Reader<string> = (value, place) =>
  typeof value === "string"
    ? text(value, place)
    : isPlain(value)
      ? JSON.stringify(copy(value, place, []))
      : fail(place, `expected a plain object, or the text of a JSON object, found ${kind(value)}`);

/** The text of a JSON document, or an object or array of which one is made. */
export const document: Reader<string> = (value, place) =>
  typeof value === "string"
    ? text(value, place)
    : isPlain(value) || Array.isArray(value)
      ? JSON.stringify(copy(value, place, []))
      : fail(place, `expected a plain object, an array, or the text of a JSON document, found ${kind(value)}`);

/**
 * A copy with nothing in it but values of JSON: `JSON.stringify` would leave the others out, or write null or an empty object
 * for them. Each member is read once.
 */
function copy(value: unknown, place: Place, around: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
      return text(value, place);
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : refuse(value, place);
    case "object":
      return value === null ? null : copyOfObject(value, place, around);
    default:
      return refuse(value, place);
  }
}

function copyOfObject(value: object, place: Place, around: readonly object[]): unknown {
  if (around.includes(value)) {
    fail(place, "it is inside itself, and JSON has no cycles");
  }
  if (around.length > LEVELS) {
    fail(place, `its objects and arrays nest in more than ${LEVELS} levels`);
  }
  const inside = [...around, value];
  if (Array.isArray(value)) {
    // Not `map`, which passes over holes.
    return Array.from(value as unknown[], (item, index) => copy(item, [...place, index], inside));
  }
  if ("toJSON" in value && typeof value.toJSON === "function" && !isInvalidDate(value)) {
    return copy(written(value as { toJSON(): unknown }, place), place, inside);
  }
  if (!isPlain(value)) {
    return refuse(value, place);
  }
  // Without a prototype, so that `__proto__` is a name as any other.
  const members: Record<string, unknown> = Object.create(null);
  for (const [name, member] of Object.entries(value)) {
    members[text(name, place)] = copy(member, [...place, name], inside);
  }
  return members;
}

/** What an object, such as a Date, writes itself as. */
function written(value: { toJSON(): unknown }, place: Place): unknown {
  try {
    return value.toJSON();
  } catch (error) {
    return fail(place, `its toJSON threw ${error instanceof Error ? error.message.slice(0, 100) : kind(error)}`);
  }
}

function refuse(value: unknown, place: Place): never {
  const instead = value === undefined ? "leave it out, or write null" : "write a string, number, boolean, array or plain object";
  fail(place, `expected a value of JSON, found ${kind(value)}; ${instead}`);
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** What a number beyond those that JavaScript holds has: 16 digits, or an exponent. */
const MAYBE_LARGE = /\d{16}|\d[eE]/;

/**
 * The members of a JSON object. A number beyond ±9,007,199,254,740,991, of which JavaScript would change digits, is the string
 * of its digits.
 */
export function members(json: string): Record<string, unknown> {
  const safe = MAYBE_LARGE.test(json) ? json.replace(STRING_OR_NUMBER, quotedIfLarge) : json;
  return JSON.parse(safe) as Record<string, unknown>;
}

function quotedIfLarge(token: string): string {
  const isLarge = !token.startsWith('"') && Math.abs(Number(token)) > Number.MAX_SAFE_INTEGER;
  return isLarge ? `"${token}"` : token;
}
