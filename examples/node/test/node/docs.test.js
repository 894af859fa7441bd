// What an editor shows: each function and field has a comment, and those of functions have the contract's scopes and errors
// and Klaviyo's rates.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { endpointOf } from "../../compiled/endpoints.js";
import { FUNCTIONS } from "../../compiled/names.js";
import { files, read } from "../fixture.js";
import { CORPUS } from "../replay.js";

/** The types that the package exports, file by file. */
function exported(url, seen = new Map()) {
  if (!seen.has(url.href)) {
    const text = readFileSync(url, "utf8");
    seen.set(url.href, text);
    for (const [, name] of text.matchAll(/^export .*from "(\..*)\.js";$/gm)) {
      exported(new URL(`${name}.d.ts`, url), seen);
    }
  }
  return seen;
}

const TYPES = exported(new URL("../../dist/index.d.ts", import.meta.url));
const DECLARATION = /^export (?:declare )?(?:class|interface|type|function|const) (\w+)|^ {4}(?:readonly )?(\w+)\??[:(]/;

test("every function and field that the package exports has a comment", () => {
  const bare = [];
  let documented = 0;
  for (const [file, text] of TYPES) {
    const lines = text.split("\n");
    let around = "";
    lines.forEach((line, at) => {
      const [, name, member] = DECLARATION.exec(line) ?? [];
      around = name ?? around;
      // Those that another of its union has.
      if ((name ?? member) && !/\?: (?:never|undefined);$/.test(line)) {
        lines[at - 1].endsWith("*/") ? (documented += 1) : bare.push(`${file.split("/").at(-1)}: ${around}.${member ?? ""}`);
      }
    });
  }
  assert.deepEqual(bare, []);
  assert.ok(documented > 300, `${documented}`);
});

/** The comment before a line, without its stars. */
function commentBefore(text, declaration) {
  const end = text.search(declaration);
  assert.ok(end > 0, `${declaration}`);
  return words(text.slice(text.lastIndexOf("/**", end), end).replace(/^\s*(?:\/\*\*| \*\/?)/gm, ""));
}

const words = (text) => text.replace(/\s+/g, " ").trim();

/** What the contract says of a function. */
function contractOf(name) {
  const [face, func] = name.split(".");
  const wit = readFileSync(new URL(`../../../../wit/${face}.wit`, import.meta.url), "utf8");
  const before = wit.slice(0, wit.search(new RegExp(`^    %?${func}: func`, "m"))).trimEnd().split("\n");
  const begin = before.findLastIndex((line) => !/^ {4}(?:\/\/\/|@since)/.test(line)) + 1;
  return before.slice(begin).map((line) => line.trim().replace(/^\/\/\/ ?|^@since.*/, "")).join("\n");
}

const SCOPE = /`([a-z-]+:(?:read|write))`/g;
const scopes = (text) => [...new Set([...text.matchAll(SCOPE)].map(([, scope]) => scope))].sort();

/** The scopes in the contract, where "as in" another function too. */
function scopesOf(name) {
  const contract = contractOf(name);
  const [, other] = /Scopes: as in `([a-z-]+)`/.exec(contract) ?? [];
  return other ? scopesOf(`${name.split(".")[0]}.${other}`) : scopes(contract);
}

/** The codes that the contract singles out. */
function codesOf(name) {
  const [, errors = ""] = /^Errors: (.*)/ms.exec(contractOf(name)) ?? [];
  const singled = errors.replace(/all codes but `[a-z-]+`/, "").matchAll(/(?:^|[ .:])`([a-z-]+)`(?= also| is |: | only)/g);
  return [...new Set([...singled].map(([, code]) => code))];
}

/** The endpoints that each function asks for, in all fixtures. */
function endpointsOfFunctions() {
  const asked = new Map(Object.keys(FUNCTIONS).map((name) => [name, new Map()]));
  for (const { call, exchanges } of files(CORPUS).map(read)) {
    for (const { request } of exchanges) {
      const endpoint = endpointOf(request.method, new URL(request.url).pathname);
      asked.get(call.function).set(endpoint.name, endpoint);
    }
  }
  return asked;
}

/** The sentence about the rates of these endpoints, the lowest first. */
function rates(endpoints) {
  const groups = new Map();
  for (const { name, burst, steady, daily } of [...endpoints].sort((a, b) => a.steady - b.steady || (a.name < b.name ? -1 : 1))) {
    const rate = `${burst} a second, ${steady} a minute${daily ? `, ${daily} a day` : ""}`;
    groups.set(rate, [...(groups.get(rate) ?? []), name]);
  }
  const each = [...groups].map(([rate, names]) => (groups.size > 1 ? `${rate} (${names.join(", ")})` : rate));
  return `${groups.size > 1 ? "Rates" : "Rate"}: ${each.join("; ")}.`;
}

test("each function's comment has the contract's scopes and errors, and Klaviyo's rates", () => {
  const types = [...TYPES.values()].join("\n");
  for (const [name, endpoints] of endpointsOfFunctions()) {
    const comment = commentBefore(types, new RegExp(`^    ${FUNCTIONS[name]}\\(`, "m"));
    assert.deepEqual(scopes(comment), scopesOf(name), name);
    // What `callApi` may ask for has the rates of its own endpoint, and a check asks for nothing.
    const expected = name === "api.call" ? "Rates: those of its endpoint." : endpoints.size ? rates(endpoints.values()) : "neither scopes nor rates";
    assert.ok(comment.includes(expected), `${name}: ${comment} has not ${expected}`);
    assert.ok(comment.includes("Errors: "), name);
    for (const code of codesOf(name)) {
      assert.ok(comment.includes(`\`${code}\``), `${name} may fail with ${code}: ${comment}`);
    }
  }
});

test("the table of names has each function of the contract, and no other", () => {
  const world = readFileSync(new URL("../../../../wit/world.wit", import.meta.url), "utf8").split("\nworld opt-in")[0];
  const faces = [...world.matchAll(/^ {4}export ([a-z]+);/gm)].map(([, face]) => face).filter((face) => face !== "types");
  const functions = faces.flatMap((face) => {
    const wit = readFileSync(new URL(`../../../../wit/${face}.wit`, import.meta.url), "utf8");
    return [...wit.matchAll(/^ {4}%?([a-z-]+): func/gm)].map(([, func]) => `${face}.${func}`);
  });
  assert.deepEqual(Object.keys(FUNCTIONS).sort(), functions.sort());
});
