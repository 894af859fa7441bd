"use strict";
// Elements: made once, and changed where they stand, so that no refresh takes the focus, a selection or the scroll.

const $ = (id) => document.getElementById(id);

/** An element. Strings become text, never markup. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/** Sets a text where it is another one. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets the class of an element where it is another one. */
function dress(element, name) {
  if (element.className !== name) element.className = name;
}

/**
 * Makes the children of a list those of `items`, in their order. An item that stays keeps its element; `make` makes a new
 * one, with a function `show` that shows the item in it.
 */
function keep(list, items, key, make) {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = old.get(name);
    old.delete(name);
    if (!element) {
      element = make(item);
      element.dataset.key = name;
    }
    element.show(item);
    if (element === place) place = place.nextElementSibling;
    else list.insertBefore(element, place);
  }
  for (const element of old.values()) element.remove();
}
