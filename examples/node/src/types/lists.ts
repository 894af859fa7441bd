// The lists of an account, and who is on them.

import type { Call, CallOptions } from "./call.js";
import type { MemberPage, Optional } from "./values.js";

/** A list that profiles can be members of. */
export interface Audience {
  /** Klaviyo's id: 6 characters, such as `Y6nRLr`. Names can change, ids do not. */
  id: string;
  name: string;
  /** RFC 3339, as Klaviyo wrote it; so is `updated`. */
  created?: string;
  updated?: string;
  /** `single_opt_in` or `double_opt_in`. */
  optIn?: string;
}

/** The lists of an account. */
export interface ListsFunctions {
  /** All lists of the account, in Klaviyo's order. One request for 10 lists. Scope: `lists:read`. */
  lists(options?: CallOptions): Call<Audience[]>;
  /**
   * The list with this id or exact name. Names can change: keep the id. Scope: `lists:read`. `conflict`: several lists
   * have the name.
   */
  findList(name: string, options?: CallOptions): Call<Audience | undefined>;
  /** Creates a list, 150 a day at most. One request; repeated, it makes a second list. Scope: `lists:write`. */
  createList(name: string, options?: CallOptions): Call<Audience>;
  /**
   * Takes profiles, by id, off a list, by id, and returns how many. Their consent stays. One request for 1,000. Scopes:
   * `lists:write`, `profiles:write`. An error's `done` says how many were taken off before.
   */
  removeFromList(members: { list: string; profiles: readonly string[] }, options?: CallOptions): Call<number>;
  /**
   * A page of a list's members: the first, or the one that the `next` of an earlier page stands for. One request.
   * Scopes: `lists:read`, `profiles:read`.
   */
  listMembers(page: { list: string; cursor?: Optional<string> }, options?: CallOptions): Call<MemberPage>;
  /** The lists that a profile, by its id, is on. 60 a minute. Scopes: `lists:read`, `profiles:read`. */
  listsOfProfile(profile: string, options?: CallOptions): Call<Audience[]>;
}
