// What the catalogue says of an action.

import { h, rows } from "./dom.js";
import { kind } from "./menu.js";

const PERIODS = [["second", "second"], ["minute", "minute"], ["day", "day"]];

/** The head of a form: what the action does, and what is good to know before it is run. */
export function about(action) {
  const { name, description, details, writes, repeatable, rates, scopes, "scopes-note": note, requests } = action;
  const often = PERIODS.filter(([period]) => rates?.[period]).map(([period, word]) => `${rates[period].toLocaleString("en")} a ${word}`);
  const facts = [
    ["scopes", note ?? scopes.join(", ")],
    ["rate", often.join(", ")],
    ["requests", requests?.join(", ")],
    ["again", writes && (repeatable ? "can be run again after any failure" : "look before it is run again: it may have taken effect")],
  ];
  const more = details?.split("\n\n").map((paragraph) => h("p", {}, paragraph)) ?? [];
  return [
    h("p", { class: "marks" }, kind(action), h("code", {}, name)),
    h("p", { class: "about" }, description),
    h("details", { class: "more" }, h("summary", {}, "Scopes, rate, limits"), rows(facts.filter(([, value]) => value), "record"), more),
  ];
}
