// Reads the contract in wit/: its types and its functions, in the form of src/abi/contract.ts.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PRIMITIVES = ["bool", "u8", "u16", "u32", "string", "_"];

/** The contract in a folder. */
export function contract(folder) {
  const texts = readdirSync(folder).filter((name) => name.endsWith(".wit")).map((name) => readFileSync(join(folder, name), "utf8"));
  const [, name, version] = texts.join("\n").match(/^package (\S+?)@(\S+);/m);
  const found = { types: {}, functions: {} };
  for (const text of texts) {
    new Reader(text).file((own) => `${name}/${own}@${version}`, found);
  }
  return found;
}

class Reader {
  #tokens;
  /** What the names of the interface mean. */
  #names = new Map(PRIMITIVES.map((name) => [name, name]));

  constructor(text) {
    const bare = text.replace(/\/\/.*$/gm, "").replace(/@since\([^)]*\)/g, "");
    this.#tokens = bare.match(/->|%?[A-Za-z_][\w-]*|[^\s\w]|\d+/g) ?? [];
  }

  file(exported, { types, functions }) {
    while (this.#tokens.length > 0) {
      const word = this.#tokens.shift();
      if (word !== "interface") {
        // A package's name, or a world.
        const end = word === "world" ? "}" : ";";
        for (; word === "world" || word === "package" ? this.#tokens[0] !== end : this.#refuse(word); ) this.#tokens.shift();
        this.#tokens.shift();
        continue;
      }
      const name = this.#name();
      this.#expect("{");
      for (; !this.#is("}"); ) this.#item(name, exported(name), types, functions);
    }
  }

  #item(owner, exported, types, functions) {
    const word = this.#name();
    if (word === "use") {
      const from = this.#name();
      this.#expect(".");
      this.#members((used) => this.#names.set(used, `${from}.${used}`));
      this.#expect(";");
    } else if (["record", "variant", "enum"].includes(word)) {
      const name = this.#name();
      this.#names.set(name, `${owner}.${name}`);
      types[`${owner}.${name}`] = { [word]: this[`_${word}`]() };
    } else {
      this.#expect(":");
      this.#expect("func");
      functions[`${owner}.${word}`] = { name: `${exported}#${word}`, ...this.#signature() };
    }
  }

  _record() {
    return this.#members((name) => [camel(name), this.#typed()]);
  }

  _variant() {
    return this.#members((name) => {
      const type = this.#is("(") ? this.#type() : undefined;
      if (type) this.#expect(")");
      return [name, type ?? "_"];
    });
  }

  _enum() {
    return this.#members((name) => name);
  }

  #signature() {
    const parameters = this.#members(() => this.#typed(), "(", ")");
    const result = this.#is("->") ? this.#type() : "_";
    this.#expect(";");
    return { parameters, result };
  }

  #typed() {
    this.#expect(":");
    return this.#type();
  }

  #type() {
    const word = this.#name();
    if (!["list", "option", "result"].includes(word)) {
      return this.#names.get(word) ?? this.#refuse(word);
    }
    const of = this.#is("<") ? [this.#type()] : [];
    while (this.#is(",")) of.push(this.#type());
    if (of.length > 0) this.#expect(">");
    if (word === "result") return { result: [of[0] ?? "_", of[1] ?? "_"] };
    return of.length === 1 && !(word === "option" && of[0].option) ? { [word]: of[0] } : this.#refuse(word);
  }

  /** What stands between brackets, with a comma after each. */
  #members(read, open = "{", close = "}") {
    const members = [];
    this.#expect(open);
    while (!this.#is(close)) {
      members.push(read(this.#name()));
      if (this.#tokens[0] !== close) this.#expect(",");
    }
    return members;
  }

  #name() {
    return (this.#tokens.shift() ?? "").replace(/^%/, "");
  }

  #is(token) {
    return this.#tokens[0] === token && this.#tokens.shift() === token;
  }

  #expect(token) {
    if (!this.#is(token)) this.#refuse(this.#tokens[0]);
  }

  #refuse(word) {
    throw new Error(`wit/: ${word} is not understood, before ${this.#tokens.slice(0, 8).join(" ")}`);
  }
}

/** A name as JavaScript has it. */
export function camel(name) {
  return name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}
