// The catalogue's examples, on a Klaviyo that does not have their people, imports and lists: what they speak of is made
// with the examples of the actions that make it, and what Klaviyo calls it takes the place of what the example calls it.

import { ACTIONS, casesOf, plain } from "./catalogue.js";
import { given, toContract } from "./contract.js";

/** Examples on the Klaviyo of a host. Each action is run once at most, to make what others speak of. */
export function examples(host) {
  const made = new Map();

  function run(action) {
    if (!made.has(action)) {
      // What needs itself is not there.
      made.set(action, undefined);
      const { result } = host.record(action.name, given(action, prepared(action).values));
      made.set(action, toContract(result.ok));
      // Klaviyo works on it.
      host.wait(60);
    }
    return made.get(action);
  }

  /** What Klaviyo calls what the example of another action calls this. */
  function own(word, action) {
    for (const maker of ACTIONS.filter((one) => one !== action && one.writes && names(one, word))) {
      const found = at(run(maker), pathTo(maker.example.result, word));
      if (typeof found === "string") return found;
    }
    return word;
  }

  /** The arguments of an action's example, as this Klaviyo can answer them, and the actions that were run for that. */
  function prepared(action) {
    const before = new Set(made.keys());
    for (const read of action.writes ? [] : (action.requests ?? [])) {
      const maker = ACTIONS.find((one) => makes(one, read));
      if (maker) run(maker);
    }
    const values = replaced(action.arguments, action.example.arguments, (word) => own(word, action));
    return { values, earlier: [...made.keys()].filter((one) => !before.has(one)) };
  }

  return { prepared, forget: () => made.clear() };
}

/** Whether Klaviyo gave this name to what an action made in its example: it came back, and was not among what was sent. */
const names = ({ example, requests }, word) =>
  pathTo(example.result, word) !== undefined &&
  pathTo(example.arguments, word) === undefined &&
  requests?.some((request) => request.startsWith("POST "));

/** Whether an action makes what this request reads, and can make it again without harm. */
const makes = ({ writes, repeatable, irreversible, requests = [] }, read) =>
  writes && repeatable && !irreversible && read.startsWith("GET ") && requests.includes(read.replace("GET", "POST"));

/** Where a text is in a value, as names and indices. */
function pathTo(value, wanted) {
  if (value === wanted) return [];
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const path = pathTo(inner, wanted);
    if (path) return [key, ...path];
  }
  return undefined;
}

const at = (value, path) => path.reduce((inner, key) => inner?.[key], value);

/** A value of this schema with each text replaced, but for words of the contract, and where one chooses among what Klaviyo has. */
function replaced(schema, value, word) {
  const { oneOf, enum: words, properties, items, "x-choices": choices } = plain(schema);
  if (typeof value === "string") return oneOf || words || (choices && !choices.open) ? value : word(value);
  if (value === null || typeof value !== "object") return value;
  if (items) return value.map((item) => replaced(items, item, word));
  const members = oneOf ? Object.fromEntries(casesOf({ oneOf }).map(({ key, schema: inner }) => [key, inner])) : properties;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(members[key], inner, word)]));
}
