// Elements, made by name.

/** An element. Strings become text, never markup; what is missing is left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(attribute, "");
    else if (value !== undefined && value !== false) element.setAttribute(attribute, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return element;
}

/** Rows of a name and a value. */
export function rows(pairs, className) {
  const list = h("dl", { class: className });
  for (const [name, ...value] of pairs) list.append(h("div", {}, h("dt", {}, name), h("dd", {}, ...value)));
  return list;
}

/** A text as code, and, where it is JSON, its parts told apart. It scrolls, with a keyboard too, where it is long. */
export function code({ json, text }, label) {
  const block = h("pre", { tabindex: 0, role: "group", "aria-label": label }, h("code"));
  const target = block.firstChild;
  if (!json) {
    target.append(text);
    return block;
  }
  const parts = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;
  let end = 0;
  for (const match of text.matchAll(parts)) {
    const [all, string, colon] = match;
    const kind = string ? (colon ? "key" : "string") : "literal";
    target.append(text.slice(end, match.index), h("span", { class: kind }, string ?? all), colon ?? "");
    end = match.index + all.length;
  }
  target.append(text.slice(end));
  return block;
}
