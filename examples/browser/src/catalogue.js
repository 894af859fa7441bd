// The catalogue of the component: what its functions are called, what they take, and an example of each.

import { CATALOGUE } from "../generated/catalogue.js";

export const { actions: ACTIONS, groups: GROUPS } = CATALOGUE;

export const actionOf = (name) => ACTIONS.find((action) => action.name === name);

/**
 * A schema without references: what it says itself, and what the schema says that it refers to. `definition` is the name
 * of that; `nullable` says that there may be nothing.
 */
export function plain({ $ref, anyOf, ...own }) {
  if ($ref) {
    const definition = $ref.replace("#/$defs/", "");
    return { definition, ...plain(CATALOGUE.$defs[definition]), ...own };
  }
  if (anyOf) return { ...plain(anyOf.find(({ type }) => type !== "null")), ...own, nullable: true };
  if (!Array.isArray(own.type)) return own;
  return { ...own, type: own.type.find((type) => type !== "null"), nullable: true };
}

/** The cases of a variant: `key`, what it is called, and the schema of its value if it has one. */
export const casesOf = ({ oneOf }) =>
  oneOf.map(({ const: word, title, description, properties }) => {
    if (word !== undefined) return { key: word, title: title ?? word, description };
    const [[key, schema]] = Object.entries(properties);
    return { key, title: title ?? key, schema };
  });
