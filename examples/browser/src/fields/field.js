// A schema of the catalogue as a field of a form: its controls, and what they hold as JSON.
//
// Each field has
// - `element`: what is put into the page;
// - `read()`: its value, undefined where there is none; `write(value)`: shows this value instead;
// - `inside()`: the fields within it, by name, index or case;
// - `complain(sentence)`: says what is wrong with it, or with undefined that nothing is;
// - `refresh()`: asks anew what there is to choose from.
//
// What a field is told is
// - `schema`, and `title` where another one than the schema's is meant; `name`: the contract's;
// - `optional`: it may have no value; `bare`: what it is called stands before it already;
// - `example`: what it may be;
// - `offers(action)`: what there is to choose from.

import { plain } from "../catalogue.js";
import { choice } from "./choice.js";
import { list } from "./list.js";
import { record } from "./record.js";
import { select, text } from "./text.js";
import { variant } from "./variant.js";

/** A field for a value of a schema. */
export function field(told) {
  const made = drawn(told);
  if (told.name) made.element.dataset.field = told.name;
  return made;
}

function drawn({ schema, ...told }) {
  const full = plain(schema);
  const given = { title: full.title, ...told, schema: full, optional: told.optional || full.nullable };
  if (full["x-choices"]) return choice(given);
  if (full.oneOf) return variant(given, field);
  if (full.enum) return select(given, full.enum.map((word) => ({ value: word, label: word })));
  if (full.type === "object") return record(given, field);
  if (full.type === "array") return list(given, field);
  if (full.type === "boolean") return select(given, [true, false].map((value) => ({ value, label: `${value}` })));
  return text(given);
}

/** All fields in a field, itself first, each with the pointer to it. */
export function* within(one, pointer = "") {
  yield [pointer, one];
  for (const [key, inner] of one.inside()) yield* within(inner, `${pointer}/${key}`);
}

/**
 * The field that an error is about. Its pointer begins at an argument, or, where that is clear, within one; where the
 * field itself is not there, it is the one around it.
 */
export function pointed(form, pointer) {
  const all = [...within(form)];
  for (let path = `/${pointer.replace(/^\//, "")}`; path; path = path.slice(0, path.lastIndexOf("/"))) {
    const found = all.find(([at]) => at === path) ?? all.find(([at]) => at.endsWith(path));
    if (found) return found[1];
  }
  return undefined;
}
