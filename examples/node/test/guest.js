// Guests: modules of WebAssembly in the component's place, which do what they are told to where somebody is looked up.

import binaryen from "binaryen";
import { connected } from "../compiled/connect.js";
import contract from "../generated/contract.js";
import { withClient } from "./support.js";

const [HTTP, SEND] = contract.functions["http.send"].name.split("#");
const LOOKUP = contract.functions["contacts.lookup"].name;

/** Where a guest has what it returns, and what it is answered. */
const RESULT = 1_024;
const ANSWER = 2_048;
const REQUEST = 4_096;

/**
 * Runs a test with clients of a guest: what `lookup` does, in the text form of WebAssembly. `data` is in its memory, which
 * grows by a page for each value that it is given, unless it has room for all.
 */
export async function withGuest(lookup, test, { data = new Uint8Array(), hasRoom = false } = {}) {
  const module = binaryen.parseText(`(module
    (import "${HTTP}" "${SEND}" (func $send (param ${"i32 ".repeat(12)})))
    (import "env" "memory" (memory 2))
    (global $free (mut i32) (i32.const 131072))
    (data (i32.const ${REQUEST}) "${Array.from(data, (byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (drop (memory.grow (i32.const ${hasRoom ? 0 : 1})))
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "${LOOKUP}") (param i32 i32 i32) (result i32) ${lookup}))`);
  module.setFeatures(binaryen.Features.MutableGlobals);
  binaryen.setPassArgument("asyncify-imports", `${HTTP}.${SEND}`);
  module.runPasses(["asyncify"]);
  const compiled = new WebAssembly.Module(module.emitBinary());
  module.dispose();
  const open = (options) => connected(async () => compiled, options);
  await test((options, run) => withClient(options, run, open), open);
}

/** A guest that sends a request, and tells what came of it: nothing, or the code and the message of an error. */
export async function withSender(request, test) {
  const { constants, data } = written(request);
  const send = `(call $send ${constants.map((number) => `(i32.const ${number})`).join(" ")} (i32.const ${ANSWER}))
    (if (i32.load8_u (i32.const ${ANSWER})) (then
      (i32.store8 (i32.const ${RESULT}) (i32.const 1))
      ;; The codes of what http can answer are together, from denied on.
      (i32.store8 (i32.const ${RESULT + 4}) (i32.add (i32.const ${CODES.indexOf("denied")}) (i32.load8_u (i32.const ${ANSWER + 4}))))
      (i32.store (i32.const ${RESULT + 8}) (i32.load (i32.const ${ANSWER + 8})))
      (i32.store (i32.const ${RESULT + 12}) (i32.load (i32.const ${ANSWER + 12})))))
    (i32.const ${RESULT})`;
  await withGuest(send, test, { data });
}

const CODES = contract.types["types.code"].enum;
const METHODS = contract.types["http.method"].enum;

/** A request as the arguments of `send`, and what they point to. */
function written({ method, url, headers, auth, body, function: called }) {
  const chunks = [];
  let end = REQUEST;
  const put = (bytes) => {
    const at = end;
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    padded.set(bytes);
    chunks.push(padded);
    end += padded.length;
    return [at, bytes.length];
  };
  const text = (value) => put(new TextEncoder().encode(value));
  const lines = headers.flatMap(({ name, value }) => [...text(name), ...text(value)]);
  const [at] = put(new Uint8Array(Uint32Array.from(lines).buffer));
  const constants = [
    METHODS.indexOf(method),
    ...text(url),
    at,
    headers.length,
    ...text(auth),
    // Whatever is in the memory.
    0,
    body,
    ...text(called),
  ];
  return { constants, data: Uint8Array.from(chunks.flatMap((chunk) => [...chunk])) };
}
