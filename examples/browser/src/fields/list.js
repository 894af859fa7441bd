// A list: a field for each element.

import { plain } from "../catalogue.js";
import { h } from "../dom.js";
import { complaint, help, newId, words } from "./label.js";

export function list(told, field) {
  const { schema, title, name, optional, example, offers } = told;
  const id = newId();
  // The list says what its elements are.
  const item = { ...plain(schema.items), description: undefined };
  const elements = h("ol", { class: "elements" });
  const more = h("button", { type: "button", class: "small" }, "Add one", h("span", { class: "unseen" }, ` to ${title}`));
  const element = h("fieldset", { class: "group", "aria-describedby": `${id}-wrong` });
  const wrong = complaint(`${id}-wrong`, element);
  let fields = [];

  const read = () => fields.map((one) => one.read() ?? null);
  const changed = () => element.dispatchEvent(new Event("input", { bubbles: true }));

  function draw(values) {
    fields = values.map((value, index) => {
      const alike = example?.[index] ?? example?.[0];
      const one = field({ schema: item, title: `${title} ${index + 1}`, bare: item.type !== "object", example: alike, offers });
      one.write(value ?? undefined);
      return one;
    });
    elements.replaceChildren(...fields.map((one, index) => h("li", {}, one.element, remove(index))));
  }

  function remove(index) {
    const button = h("button", { type: "button", class: "remove", "aria-label": `Remove ${title} ${index + 1}` }, "×");
    button.addEventListener("click", () => {
      draw(read().filter((_, other) => other !== index));
      more.focus();
      changed();
    });
    return button;
  }

  more.addEventListener("click", () => {
    draw([...read(), undefined]);
    fields.at(-1).focus();
    changed();
  });
  element.append(
    h("legend", {}, words(told), name && h("code", {}, name)),
    ...[help(told, `${id}-help`), elements, more, wrong.element].filter(Boolean),
  );
  return {
    element,
    read: () => (fields.length === 0 && optional ? undefined : read()),
    write: (values) => draw(values ?? []),
    inside: () => fields.entries(),
    complain: wrong.show,
    focus: () => more.focus(),
    refresh: () => fields.forEach((one) => one.refresh()),
  };
}
