// How the packages for Node and Python name what the contract has: read from the packages, so that no list can be stale.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { kebab } from "./src/names.js";

const read = (...path) => readFileSync(join(...path), "utf8");
const all = (folder, ending) => readdirSync(folder).filter((name) => name.endsWith(ending)).map((name) => read(folder, name));

/** Of each function of the contract, the method for Node, and how many values it takes. */
export function node(project) {
  const methods = {};
  for (const text of all(join(project, "examples/node/src/functions"), ".ts")) {
    const [, ...parts] = text.split(/^  (?=\w+: async \()/m);
    for (const part of parts) {
      const [, method, parameters] = part.match(/^(\w+): async \(([^)]*)\)/);
      const [, group, name] = part.match(/call\("(\w+)", "(\w+)"/);
      methods[`${group}.${kebab(name)}`] = { method, takes: parameters.split(",").length - 1 };
    }
  }
  return methods;
}

/** Of each function of the contract, the method for Python, and the names of its parameters; and the names of all types. */
export function python(project) {
  const folder = join(project, "examples/python/src/klaviyo_connector");
  const names = {};
  for (const [, constant, name] of read(folder, "_functions.py").matchAll(/^(\w+): Function\[.*\] = Function\(\s*"([\w.-]+)"/gm)) {
    names[constant] = name;
  }
  const methods = {};
  for (const text of all(join(folder, "methods"), ".py")) {
    const [, ...parts] = text.split(/^    def (?=\w+\(\s*self\b)/m);
    for (const part of parts) {
      const [, method, signature] = part.match(/^(\w+)\(\s*self\b([\s\S]*?)\) ->/);
      const [, constant] = part.match(/_functions\.([A-Z_]+)/);
      const [free, named = ""] = signature.split("*,");
      const parameters = (some) => [...some.matchAll(/(\w+):/g)].map(([, name]) => name);
      methods[names[constant]] = { method, free: parameters(free), named: parameters(named) };
    }
  }
  const [, exported] = read(folder, "types/__init__.py").match(/__all__ = \[([^\]]*)\]/);
  return { methods, types: [...exported.matchAll(/"(\w+)"/g)].map(([, name]) => name) };
}
