// All actions, by interface, and the components that misbehave: found by a word, for pointers and keyboards.

import { ATTACKS } from "./attacks.js";
import { ACTIONS, GROUPS } from "./catalogue.js";
import { h } from "./dom.js";

const groupOf = ({ name }) => name.split(".")[0];

/** Fills the menu. `current` then marks what is chosen. */
export function menu({ list, search, toggle, none }) {
  const item = (id, title, mark, words) => {
    const link = h("a", { href: `#${id}`, "data-name": id, tabindex: -1 }, h("span", {}, title), mark);
    return { element: h("li", {}, link), link, words: `${id} ${title} ${words}`.toLowerCase() };
  };
  const section = (title, items) => {
    const element = h("section", {}, h("h2", {}, title), h("ul", {}, items.map(({ element }) => element)));
    return { element, items };
  };
  const named = Object.entries(GROUPS).map(([group, { title }]) => {
    const inside = ACTIONS.filter((action) => groupOf(action) === group);
    return section(title, inside.map((action) => item(action.name, action.title, kind(action), `${title} ${action.description}`)));
  });
  const strange = section("A component that misbehaves", ATTACKS.map(({ id, label, about }) => item(id, label, undefined, about)));
  const sections = [...named, strange];
  list.append(...sections.map(({ element }) => element));
  const all = sections.flatMap(({ items }) => items);
  const seen = () => all.filter(({ element }) => !element.hidden);

  /** One of the links is where a keyboard comes to; arrows lead to the others. */
  function reach(link) {
    for (const other of all) other.link.tabIndex = other.link === link ? 0 : -1;
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of all) one.element.hidden = !words.every((word) => one.words.includes(word));
    for (const { element, items } of sections) element.hidden = items.every((one) => one.element.hidden);
    const [first] = seen();
    none.hidden = first !== undefined;
    if (first && !seen().some(({ link }) => link.tabIndex === 0)) reach(first.link);
  }

  function move(event) {
    const links = seen().map(({ link }) => link);
    const at = links.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const link = links[(to + links.length) % links.length];
    reach(link);
    link.focus();
  }

  const open = (wanted) => toggle.setAttribute("aria-expanded", `${wanted}`);
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      seen()[0]?.link.focus();
    } else if (event.key === "Enter") seen()[0]?.link.click();
  });
  list.addEventListener("keydown", move);
  list.addEventListener("click", ({ target }) => target.closest("a") && open(false));
  toggle.addEventListener("click", () => open(toggle.getAttribute("aria-expanded") !== "true"));

  return {
    current(name) {
      for (const { link } of all) {
        if (link.dataset.name !== name) link.removeAttribute("aria-current");
        else {
          link.setAttribute("aria-current", "page");
          reach(link);
          link.scrollIntoView({ block: "nearest", behavior: "instant" });
        }
      }
    },
  };
}

/** Whether an action reads or writes. */
export function kind({ writes, irreversible }) {
  const [name, words] = irreversible ? ["final", "for good"] : writes ? ["writes", "writes"] : ["reads", "reads"];
  return h("span", { class: `kind ${name}` }, words);
}
