/** A key shorter than this is not looked for in answers: too much would look like it. */
const HIDDEN_KEY_LENGTH = 8;

const STAR = "*".charCodeAt(0);

/** The private key. It is in a private field, which nothing that prints objects shows. */
export class Key {
  readonly #text: string;
  /** What is overwritten: the key, also in the small letters that names of headers have. */
  readonly #hidden: readonly string[];

  /** `text` has been found to be one that can be sent: it is ASCII. */
  constructor(text: string) {
    this.#text = text;
    this.#hidden = text.length < HIDDEN_KEY_LENGTH ? [] : Array.from(new Set([text, text.toLowerCase()]));
  }

  authorization(scheme: string): string {
    return `${scheme} ${this.#text}`;
  }

  /** A name for the account at this endpoint. It has the key in it. */
  account(endpoint: string | undefined): string {
    return `${endpoint ?? ""} ${this.#text}`;
  }

  /** Overwrites each copy of the key. */
  hide<T extends Uint8Array>(bytes: T): T {
    for (const text of this.#hidden) {
      const key = new TextEncoder().encode(text);
      for (let at = bytes.indexOf(key[0] ?? 0); at >= 0; at = bytes.indexOf(key[0] ?? 0, at + 1)) {
        if (key.every((byte, offset) => bytes[at + offset] === byte)) {
          bytes.fill(STAR, at, at + key.length);
        }
      }
    }
    return bytes;
  }

  hideIn(text: string): string {
    return this.#hidden.reduce((shown, key) => shown.replaceAll(key, "*".repeat(key.length)), text);
  }
}
