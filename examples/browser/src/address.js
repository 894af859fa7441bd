// The part of the page's address after `#`: what is chosen. `#rate` is an opt-in, `#consent.grant/down` another action,
// `#spin` a component that misbehaves.

import { ATTACKS } from "./attacks.js";
import { actionOf } from "./catalogue.js";
import { OPT_IN, situationsOf } from "./situations.js";

/** What an address chooses; undefined where it is none of the page's. */
export function chosen(hash) {
  const [first, second] = hash.replace(/^#/, "").split("/");
  if (ATTACKS.some(({ id }) => id === first) && second === undefined) return { name: first };
  const [name, situation] = actionOf(first) ? [first, second] : [OPT_IN, first];
  const all = situationsOf(name);
  const found = situation === undefined ? all[0] : all.find(({ id }) => id === situation);
  return found && { name, situation: found.id };
}

/** The address of what is chosen. */
export function address({ name, situation }) {
  if (name === OPT_IN) return `#${situation}`;
  const usual = situation === undefined || situation === situationsOf(name)[0].id;
  return usual ? `#${name}` : `#${name}/${situation}`;
}
