// Values of the contract: as the component's JavaScript has them, and in the contract's own JSON.

import { casesOf, plain } from "./catalogue.js";
import { camel, kebab } from "./names.js";

/** The arguments of an action as the component's JavaScript takes them, from one object with all of them. */
export const given = ({ arguments: { properties } }, values) =>
  Object.entries(properties).map(([name, schema]) => toJavaScript(schema, values[name], name));

/** A value of JSON that fits this schema, as JavaScript. What may be left out is filled in; `place` is where it stands. */
export function toJavaScript(schema, value, place) {
  const { nullable, oneOf, type, properties, items, minimum, maximum } = plain(schema);
  const nothing = value === undefined || value === null;
  if (nothing && (nullable || oneOf)) return undefined;
  if (oneOf) return variant({ oneOf }, value, place);
  if (type === "object") {
    const members = Object.entries(properties);
    return Object.fromEntries(members.map(([name, inner]) => [camel(name), toJavaScript(inner, value?.[name], `${place}/${name}`)]));
  }
  if (type === "array") return (value ?? []).map((item, index) => toJavaScript(items, item, `${place}/${index}`));
  if (type !== "integer" || (Number.isInteger(value) && value >= minimum && value <= maximum)) return value;
  throw refused(place, `expected a whole number from ${minimum} to ${maximum}`);
}

function variant(schema, value, place) {
  const cases = casesOf(schema);
  // Cases without values are words, unless others have one.
  if (cases.every((one) => !one.schema)) return value;
  if (typeof value === "string") return { tag: value };
  const [[tag, inner]] = Object.entries(value);
  return { tag, val: toJavaScript(cases.find(({ key }) => key === tag).schema, inner, `${place}/${tag}`) };
}

/** An error as the contract has it, of a value that no component can be given. */
function refused(pointer, detail) {
  const entry = { code: "invalid-input", title: "Invalid input", detail, pointer };
  return { payload: { code: "invalid-input", message: `\`${pointer}\`: ${detail}`, details: [entry] } };
}

/** A value of the component's JavaScript in the contract's JSON. */
export function toContract(value) {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint32Array) return [...value];
  if (Array.isArray(value)) return value.map(toContract);
  if (typeof value !== "object") return value;
  if ("tag" in value) return value.val === undefined ? value.tag : { [value.tag]: toContract(value.val) };
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [kebab(name), toContract(member)]));
}
