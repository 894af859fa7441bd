// Warns where Klaviyo answers by another revision of its API than the one that was asked for.

import { warn } from "./warning.js";

/** The most pairs of revisions that a client warns of. Klaviyo has about eight revisions at a time. */
const PAIRS = 64;

/** A revision that is shown, perhaps with a suffix such as `.pre`. */
const REVISION = /^\d{4}-\d\d-\d\d(?:\.[0-9A-Za-z-]{1,13})?$/;

/** What a client has warned of, so that it gives each warning once. */
export class RevisionWarnings {
  readonly #told = new Set<string>();

  /** Warns when an answer has another revision than its request. */
  note(asked: string, served: string): void {
    if (this.isNews(asked, served)) {
      warn(
        `Klaviyo answers by another API revision (${served}) than the one that was asked for (${asked}), which is ` +
          "retired or unknown; update the connector",
        "KLAVIYO_REVISION",
      );
    }
  }

  /** Whether the two differ, and this client has not warned of them. */
  isNews(asked: string, served: string): boolean {
    const pair = `${asked} ${served}`;
    if (asked === served || !REVISION.test(asked) || !REVISION.test(served) || this.#told.has(pair)) {
      return false;
    }
    const isRoom = this.#told.size < PAIRS;
    if (isRoom) {
      this.#told.add(pair);
    }
    return isRoom;
  }
}
