// What fields are called, and what is said about them.

import { h } from "../dom.js";

let made = 0;
export const newId = () => `field-${++made}`;

/** What a person reads of a field: its title, whether it has to be there, and who may see it. */
export const words = ({ title, name, optional, schema }) => [
  h("span", { class: "title" }, title),
  name && !optional && h("span", { class: "mark" }, "required"),
  schema["x-personal"] && h("span", { class: "mark" }, "personal"),
  schema["x-secret"] && h("span", { class: "mark" }, "secret"),
];

/** The first paragraph: the others are for who writes code. */
export const help = ({ schema: { description } }, id) =>
  description !== undefined && h("p", { class: "help", id }, description.split("\n\n")[0]);

/** The sentence about what is wrong. */
export function complaint(id, marked) {
  const element = h("p", { class: "wrong", id, hidden: true });
  return {
    element,
    show(sentence) {
      element.hidden = sentence === undefined;
      element.textContent = sentence ?? "";
      marked.toggleAttribute("data-wrong", sentence !== undefined);
    },
  };
}

/** A control with its label, and what is said about it. */
export function labelled(told, control, after = []) {
  const id = newId();
  const wrong = complaint(`${id}-wrong`, control);
  const about = help(told, `${id}-help`);
  control.id = id;
  control.setAttribute("aria-describedby", [about && about.id, wrong.element.id].filter(Boolean).join(" "));
  if (!told.optional) control.setAttribute("aria-required", "true");
  const label = h("label", { for: id, class: told.bare ? "unseen" : undefined }, words(told), told.name && h("code", {}, told.name));
  return {
    element: h("div", { class: "field" }, label, control, after, about, wrong.element),
    inside: () => [],
    refresh: () => {},
    complain(sentence) {
      wrong.show(sentence);
      if (sentence === undefined) control.removeAttribute("aria-invalid");
      else control.setAttribute("aria-invalid", "true");
    },
    focus: () => control.focus(),
  };
}
