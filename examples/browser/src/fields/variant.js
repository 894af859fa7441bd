// A variant: which case it is, and the field of that case.

import { casesOf } from "../catalogue.js";
import { h } from "../dom.js";
import { labelled } from "./label.js";

export function variant(told, field) {
  const { schema, optional, example, offers } = told;
  const cases = casesOf(schema);
  const control = h("select", {}, optional && h("option", { value: "" }, "none"), cases.map(({ key, title }) => h("option", { value: key }, title)));
  const body = h("div", { class: "case" });
  const chosen = () => cases.find(({ key }) => key === control.value);
  let inner;

  /** The field of the chosen case. What it had is no value of another case. */
  function draw(value) {
    const one = chosen();
    const shown = one?.schema && typeof example === "object" ? example?.[one.key] : undefined;
    inner = one?.schema && field({ schema: one.schema, title: one.title, bare: true, example: shown, offers });
    inner?.write(value);
    body.replaceChildren(...(inner ? [inner.element] : []));
  }

  control.addEventListener("change", () => draw());
  const label = labelled(told, control, body);
  label.element.classList.add("variant");
  return {
    ...label,
    read() {
      if (control.value === "") return undefined;
      return inner ? { [control.value]: inner.read() ?? null } : control.value;
    },
    write(value) {
      const [key] = typeof value === "object" ? Object.keys(value) : [value];
      control.value = key ?? (optional ? "" : cases[0].key);
      draw(typeof value === "object" ? value[key] : undefined);
    },
    inside: () => (inner ? [[control.value, inner]] : []),
    refresh: () => inner?.refresh(),
  };
}
