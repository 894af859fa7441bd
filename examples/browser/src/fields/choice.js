// A value that is chosen from what an action returns, or typed.

import { h } from "../dom.js";
import { labelled, newId } from "./label.js";

/** It can be no value of Klaviyo's. */
const TYPED = "\0";

export function choice(told) {
  const { schema, title, optional, example, offers } = told;
  const { action, value: key, label, open } = schema["x-choices"];
  const control = h("select");
  const typed = h("input", { type: "text", id: newId(), spellcheck: "false", autocapitalize: "none", placeholder: schema.examples?.[0], "aria-label": `${title}, typed` });
  let offered = [];

  const read = () => (control.value === TYPED ? typed.value : control.value) || (optional ? undefined : "");
  const see = () => (typed.hidden = control.value !== TYPED);

  function write(value) {
    const known = offered.some((one) => one[key] === value);
    // An example is of another account.
    const stale = !open && !known && value === example && offered.length > 0;
    const shown = stale || (value === undefined && !optional) ? offered[0]?.[key] : value;
    const listed = shown === undefined ? optional : offered.some((one) => one[key] === shown);
    control.value = listed ? (shown ?? "") : TYPED;
    typed.value = listed ? "" : (shown ?? "");
    see();
  }

  function draw() {
    offered = offers(action);
    const named = (one) => (one[label] && one[label] !== one[key] ? `${one[label]} (${one[key]})` : one[key]);
    control.replaceChildren(
      ...(optional ? [h("option", { value: "" }, "none")] : []),
      ...offered.map((one) => h("option", { value: one[key] }, named(one))),
      h("option", { value: TYPED }, "Another, typed"),
    );
  }

  control.addEventListener("change", see);
  draw();
  return {
    ...labelled(told, control, typed),
    read,
    write,
    refresh() {
      const value = read();
      draw();
      write(value);
    },
  };
}
