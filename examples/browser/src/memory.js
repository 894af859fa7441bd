// WebAssembly's limit on a memory is part of the module, so it is written there before the module is compiled.

const PAGE = 64 * 1024;
const PREAMBLE = 8;
const MEMORY = 5;

/** The module, whose memory cannot grow beyond so many bytes. */
export function withMemory(module, bytes) {
  for (let at = PREAMBLE; at < module.length; ) {
    const [size, content] = read(module, at + 1);
    if (module[at] !== MEMORY) {
      at = content + size;
      continue;
    }
    const [initial] = read(module, content + 2);
    const pages = Math.floor(bytes / PAGE);
    if (pages < initial) throw new RangeError(`the component needs ${initial * PAGE} bytes to begin with`);
    // One memory, with a maximum.
    const memory = [1, 1, ...written(initial), ...written(pages)];
    const parts = [module.subarray(0, at), [MEMORY, ...written(memory.length), ...memory], module.subarray(content + size)];
    const limited = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    parts.reduce((length, part) => (limited.set(part, length), length + part.length), 0);
    return limited;
  }
  return module;
}

/** A number in LEB128, and where it ends. */
function read(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value >>> 0, at];
  }
}

const written = (value) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...written(value >>> 7)]);
