// The lists of an account, and who is on them.

import type { Call, CallOptions } from "./call.js";
import type { ListedProfiles } from "./contacts.js";
import type { MemberPage, Optional } from "./values.js";

/** A list that profiles can be members of. */
export interface Audience {
  /** Klaviyo's id: 6 characters, such as `Y6nRLr`. Names can change, ids do not. */
  id: string;
  /** Empty where Klaviyo has none. */
  name: string;
  /** When it was created: RFC 3339, as Klaviyo wrote it. */
  created?: string;
  /** When it last changed: RFC 3339, as Klaviyo wrote it. */
  updated?: string;
  /** How people who give consent through it join, in Klaviyo's words: `single_opt_in` or `double_opt_in`. */
  optIn?: string;
}

/** Which page of a list's members. */
export interface ListPage {
  /** The id of the list. */
  list: string;
  /** The `next` of an earlier page of the same list. Left out: the first page. */
  cursor?: Optional<string>;
}

/** The lists of an account. */
export interface ListsFunctions {
  /**
   * All lists of the account, in Klaviyo's order. One request for 10 lists, at most 1,000 requests.
   *
   * Scope: `lists:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `malformed`: a link to the next page leads elsewhere, or repeats.
   */
  lists(options?: CallOptions): Call<Audience[]>;
  /**
   * The list with this id or exact name. Undefined: there is none. Names can change: keep the id. One request; two
   * where a name has the form of an id.
   *
   * Scope: `lists:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `conflict`: several lists have the name; use the id. `invalid-input`: the name is empty, or has more than
   * 500 characters.
   */
  findList(name: string, options?: CallOptions): Call<Audience | undefined>;
  /**
   * Creates a list. Names need not be unique: look with `findList` first. One request; repeated, it makes a second
   * list.
   *
   * Scope: `lists:write`. Rate: 10 a second, 150 a minute, 150 a day.
   *
   * Errors: `invalid-input`: the name is empty, or has more than 500 characters.
   */
  createList(name: string, options?: CallOptions): Call<Audience>;
  /**
   * Takes profiles off a list, and returns how many were sent: all of them. Their consent stays: see `revokeConsent`.
   * Who is not on the list is no error. One request for 1,000 profiles. Safe to repeat.
   *
   * Scopes: `lists:write`, `profiles:write`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `not-found`: there is no such list. `rejected`: one of the ids is not a profile. `done` says how many were
   * taken off before an error.
   */
  removeFromList(members: ListedProfiles, options?: CallOptions): Call<number>;
  /**
   * A page of a list's members, those who joined first at the start. One request, of at most 100 members.
   *
   * Scopes: `lists:read`, `profiles:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `not-found`: there is no such list. `invalid-input`: the cursor is not one of this list's.
   */
  listMembers(page: ListPage, options?: CallOptions): Call<MemberPage>;
  /**
   * The lists that a profile, by its id, is on. One request for a page of lists.
   *
   * Scopes: `lists:read`, `profiles:read`. Rate: 3 a second, 60 a minute.
   *
   * Errors: `not-found`: there is no such profile.
   */
  listsOfProfile(profile: string, options?: CallOptions): Call<Audience[]>;
}
