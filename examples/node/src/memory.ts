// WebAssembly's limit on its own memory is part of the module, and JavaScript cannot set it from outside: so it is
// written into the module before it is compiled.

import { Buffer } from "node:buffer";

const PAGE = 64 * 1024;
const PREAMBLE = 8;
const MEMORY = 5;

/** The module with a memory that cannot grow beyond so many bytes. A module without a memory stays as it is. */
export function withMemory(module: Uint8Array, bytes: number): Uint8Array {
  for (let at = PREAMBLE; at < module.length;) {
    const [size, content] = read(module, at + 1);
    if (module[at] !== MEMORY) {
      at = content + size;
      continue;
    }
    const [initial] = read(module, content + 2);
    const pages = Math.floor(bytes / PAGE);
    if (pages < initial) {
      throw new RangeError(`the component needs ${initial * PAGE} bytes to begin with`);
    }
    // One memory, with a maximum.
    const memory = [1, 1, ...written(initial), ...written(Math.min(pages, 65_536))];
    const section = Uint8Array.of(MEMORY, ...written(memory.length), ...memory);
    return Buffer.concat([module.subarray(0, at), section, module.subarray(content + size)]);
  }
  return module;
}

/** A number in LEB128, and where it ends. */
function read(bytes: Uint8Array, at: number): [number, number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) {
      throw new RangeError("the module is broken");
    }
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      return [value >>> 0, at];
    }
  }
}

function written(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...written(value >>> 7)];
}
