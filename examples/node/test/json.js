// JSON with the digits of its numbers: what `JSON.parse` makes of 1.0, or of a number of 20 digits, is something else.

const NUMBER = "\0number";
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const WRAPPED = /\{"\\u0000number":"([^"]*)"\}/g;

export function parse(text) {
  // What is no JSON must not become JSON.
  JSON.parse(text);
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, (part) => (part.startsWith('"') ? part : `{"\\u0000number":"${part}"}`)),
  );
}

export function stringify(value) {
  return JSON.stringify(value).replace(WRAPPED, "$1");
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !Object.hasOwn(value, NUMBER);
}

/** A number as JavaScript has it. */
export function number(value) {
  return Number(value[NUMBER]);
}
