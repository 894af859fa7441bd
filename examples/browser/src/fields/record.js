// An object: a field for each member. What is not in the example and may be left out is folded away.

import { h } from "../dom.js";
import { complaint, help, newId, words } from "./label.js";

export function record(told, field) {
  const { schema, title, name, optional, bare, example, offers, all } = told;
  const id = newId();
  const fields = Object.entries(schema.properties).map(([member, inner]) => {
    const free = !schema.required?.includes(member);
    return [member, field({ schema: inner, name: member, optional: free, example: example?.[member], offers })];
  });
  const seen = ([member]) => all || schema.required?.includes(member) || example?.[member] !== undefined;
  const elements = (some) => some.map(([, one]) => one.element);
  const folded = fields.filter((one) => !seen(one));
  const fold = h("details", { class: "more" }, h("summary", {}, folded.length === 1 ? "1 more field" : `${folded.length} more fields`), elements(folded));
  const body = h("div", { class: "members" }, elements(fields.filter(seen)), folded.length > 0 && fold);
  const given = h("input", { type: "checkbox", "aria-label": `Give ${title}` });
  const element = all ? h("div") : h("fieldset", { class: bare ? "plain" : "group", "aria-describedby": `${id}-wrong` });
  const wrong = complaint(`${id}-wrong`, element);

  const see = () => (body.hidden = optional && !given.checked);
  given.addEventListener("change", see);
  const legend = [optional && given, ...words(told), name && h("code", {}, name)].filter(Boolean);
  const parts = [help(told, `${id}-help`), body, wrong.element].filter(Boolean);
  element.append(...(all ? [] : [h("legend", { class: bare && !optional ? "unseen" : undefined }, legend)]), ...parts);
  return {
    element,
    read() {
      if (optional && !given.checked) return undefined;
      return Object.fromEntries(fields.map(([member, one]) => [member, one.read()]).filter(([, value]) => value !== undefined));
    },
    write(value) {
      given.checked = value !== undefined && value !== null;
      for (const [member, one] of fields) {
        const inner = value?.[member] ?? undefined;
        one.write(inner);
        if (inner !== undefined && folded.some(([other]) => other === member)) fold.open = true;
      }
      see();
    },
    inside: () => fields,
    complain: wrong.show,
    focus: () => element.querySelector("input, select, textarea, button")?.focus(),
    refresh: () => fields.forEach(([, one]) => one.refresh()),
  };
}
