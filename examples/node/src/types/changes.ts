// What changed since the last look, for keeping another system in sync.

import type { Call, CallOptions } from "./call.js";
import type { Event, Member, Optional, Profile } from "./values.js";

/** Where a first page begins. */
export interface Start {
  /** What changed at or after this time: RFC 3339. */
  time: string;
  /**
   * How long after its own time an item may become visible: seconds, at most 86,400. Default: 600. A longer look-back
   * makes longer cursors.
   */
  lookBack?: Optional<number>;
}

/**
 * Where a page begins: exactly one of these. `cursor` is that of an earlier page of the same function, and of the same
 * list or segment.
 */
export type Position =
  | {
      /** For the first page. */
      since: Start;
      cursor?: never;
    }
  | {
      /** The `cursor` of an earlier page: letters, digits, `-` and `_`. */
      cursor: string;
      since?: never;
    };

/** Whose members are meant, by id: exactly one of these. */
export type Group =
  | {
      /** The id of a list. */
      list: string;
      segment?: never;
    }
  | {
      /** The id of a segment. */
      segment: string;
      list?: never;
    };

/** Profiles that were created or changed. */
export interface ProfilePage {
  /** As they are now, in the order of `updated`. May be empty though `more` is true. */
  items: Profile[];
  /** Where the next page begins. Keep it once the items are dealt with. */
  cursor: string;
  /** Whether there is more to read now. If not, wait a while before the next page. */
  more: boolean;
}

/** People who joined a list or a segment. */
export interface JoinedPage {
  /** In the order of `joined`. May be empty though `more` is true. */
  items: Member[];
  /** Where the next page begins. Keep it once the items are dealt with. */
  cursor: string;
  /** Whether there is more to read now. If not, wait a while before the next page. */
  more: boolean;
}

/** Events that happened. */
export interface EventPage {
  /** In the order of `time`, with the names of their metrics. May be empty though `more` is true. */
  items: Event[];
  /** Where the next page begins. Keep it once the items are dealt with. */
  cursor: string;
  /** Whether there is more to read now. If not, wait a while before the next page. */
  more: boolean;
}

/**
 * What changed since. Nothing is missed that becomes visible within the look-back, and nothing is told twice by cursors
 * that are used one after the other. What was deleted or merged, and who left, cannot be seen.
 */
export interface ChangesFunctions {
  /**
   * A page of the profiles that were created or changed since. One request, of at most 100 profiles.
   *
   * Scope: `profiles:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `invalid-input`: the time is none, the look-back is too long, or the cursor is not one of this function's.
   * `malformed`: the link to the next page leads elsewhere, or repeats.
   */
  changedProfiles(from: Position, options?: CallOptions): Call<ProfilePage>;
  /**
   * A page of the people who joined a list or a segment since. One request, of at most 100 members.
   *
   * Scopes: `lists:read` for a list or `segments:read` for a segment, and `profiles:read`. Rate: 75 a second, 700 a
   * minute.
   *
   * Errors: `not-found`: there is no such list or segment. `invalid-input`: the time is none, the look-back is too
   * long, or the cursor is not one of this group's. `malformed`: the link to the next page leads elsewhere, or
   * repeats.
   */
  joinedMembers(of: Group, from: Position, options?: CallOptions): Call<JoinedPage>;
  /**
   * A page of the events that happened since, of all people and metrics. One request, of at most 200 events.
   *
   * Scopes: `events:read`, `metrics:read`. Rate: 350 a second, 3500 a minute.
   *
   * Errors: `invalid-input`: the time is none, the look-back is too long, or the cursor is not one of this function's.
   * `malformed`: the link to the next page leads elsewhere, or repeats.
   */
  newEvents(from: Position, options?: CallOptions): Call<EventPage>;
}
