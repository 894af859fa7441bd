// Values of the contract: as the component's JavaScript has them, and in the contract's own JSON.

export const camel = (name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
export const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function renamed(value, rename, leaf) {
  if (value === null || value === undefined) return leaf;
  if (typeof value === "number" || value instanceof Uint32Array) return typeof value === "number" ? value : [...value];
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename, leaf));
  if (typeof value !== "object") return value;
  if ("tag" in value) return value.val === undefined ? value.tag : { [value.tag]: renamed(value.val, rename, leaf) };
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [rename(name), renamed(member, rename, leaf)]));
}

export const toJavaScript = (value) => renamed(value, camel, undefined);
export const toContract = (value) => renamed(value, kebab, null);
