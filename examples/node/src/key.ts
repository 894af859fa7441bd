import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** A key shorter than this is not looked for in answers: too much would look like it. */
const HIDDEN_KEY_LENGTH = 8;

/** The private key. It is in a private field, which nothing that prints objects shows. */
export class Key {
  readonly #text: string;

  /** `text` has been found to be one that can be sent. */
  constructor(text: string) {
    this.#text = text;
  }

  authorization(scheme: string): string {
    return `${scheme} ${this.#text}`;
  }

  /** A name for the account at this endpoint, of which the key cannot be told. */
  account(endpoint: string | undefined): string {
    return createHash("sha256").update(`${endpoint ?? ""} ${this.#text}`).digest("base64");
  }

  /** Overwrites each copy of the key, also in the small letters that names of headers have. */
  hide<T extends Uint8Array>(bytes: T): T {
    if (this.#text.length >= HIDDEN_KEY_LENGTH) {
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const text of [this.#text, this.#text.toLowerCase()]) {
        for (let at = view.indexOf(text); at >= 0; at = view.indexOf(text, at + text.length)) {
          view.fill("*", at, at + text.length);
        }
      }
    }
    return bytes;
  }

  hideIn(text: string): string {
    return this.hide(Buffer.from(text)).toString();
  }
}
