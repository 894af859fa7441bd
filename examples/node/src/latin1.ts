// Header values, in which `fetch` has a character for each byte.

/** The bytes of a text in UTF-8, as a character each. */
export function toLatin1(text: string): string {
  return isAscii(text) ? text : Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** The text of bytes in UTF-8 that are a character each. What is not UTF-8 becomes replacement characters. */
export function fromLatin1(bytes: string): string {
  return isAscii(bytes)
    ? bytes
    : new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
