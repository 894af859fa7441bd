// What a WebAssembly file carries beside its code.

/** The custom section of this name, as text; undefined where there is none. */
export function section(wasm, wanted) {
  let at = 8;
  /** An unsigned number, seven bits a byte. */
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const text = (length) => new TextDecoder().decode(wasm.subarray(at, (at += length)));
  while (at < wasm.length) {
    const custom = wasm[at++] === 0;
    const end = number() + at;
    if (custom && text(number()) === wanted) return text(end - at);
    at = end;
  }
  return undefined;
}
