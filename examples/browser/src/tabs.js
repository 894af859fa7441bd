// Tabs, for pointers and keyboards, with a text to copy in their panel.

import { code, h } from "./dom.js";

/** Shows one of several texts. `show` takes what the tabs are called, and a function from a tab's name to its text. */
export function tabs(list, panel) {
  let chosen;
  let names = {};
  let text = () => "";

  function draw() {
    if (!(chosen in names)) [chosen] = Object.keys(names);
    for (const tab of list.children) {
      const selected = tab.dataset.tab === chosen;
      tab.setAttribute("aria-selected", `${selected}`);
      tab.tabIndex = selected ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `tab-${chosen}`);
    panel.replaceChildren(code({ text: text(chosen) }, names[chosen]));
  }

  function choose(name) {
    chosen = name;
    draw();
  }

  list.addEventListener("click", ({ target }) => target.dataset.tab && choose(target.dataset.tab));
  list.addEventListener("keydown", (event) => {
    const all = [...list.children];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const tab = all[(to + all.length) % all.length];
    choose(tab.dataset.tab);
    tab.focus();
  });

  return {
    show(titles, texts) {
      text = texts;
      if (Object.keys(titles).join() !== Object.keys(names).join()) {
        names = titles;
        const made = Object.entries(names).map(([name, title]) =>
          h("button", { type: "button", role: "tab", id: `tab-${name}`, "data-tab": name, "aria-controls": panel.id }, title),
        );
        list.replaceChildren(...made);
      }
      draw();
    },
    text: () => text(chosen),
  };
}
