// The part of the page's address after `#`: what is chosen. `#rate` is an opt-in, `#consent.grant/down` another function,
// `#spin` a component that misbehaves.

import { ACTIONS, ATTACKS } from "./actions.js";
import { situationsOf } from "./situations.js";

const [OPT_IN] = ACTIONS;

/** What an address chooses; undefined where it is none of the page's. */
export function chosen(hash) {
  const [first, second] = hash.replace(/^#/, "").split("/");
  if (ATTACKS.some(({ id }) => id === first) && second === undefined) return { action: first };
  const [action, situation] = ACTIONS.some(({ id }) => id === first) ? [first, second] : [OPT_IN.id, first];
  const all = situationsOf(action);
  const found = situation === undefined ? all[0] : all.find(({ id }) => id === situation);
  return found && { action, situation: found.id };
}

/** The address of what is chosen. */
export function address({ action, situation }) {
  if (action === OPT_IN.id) return `#${situation}`;
  const usual = situation === undefined || situation === situationsOf(action)[0].id;
  return usual ? `#${action}` : `#${action}/${situation}`;
}
