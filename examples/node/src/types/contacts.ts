// People, and their membership of lists.

import type { Call, CallOptions } from "./call.js";
import type { Departures, Enrollments, OptIn, OptInMany, OptOut, Receipt } from "./opt-in.js";
import type { Identifier, NewLocation, NewProfile, Profile, Properties } from "./values.js";

/** What `create` did: a profile is new, or one with an identifier of it exists, which was not changed. */
export type Creation =
  | {
      /** The profile is new. */
      created: true;
      /** The profile as it is now. */
      profile: Profile;
    }
  | {
      /** A profile with an identifier of it exists. It was not changed. */
      created: false;
      /** The id of the profile that exists. */
      id: string;
    };

/** What `upsert` did. */
export interface Upserted {
  /** The profile as it is now. */
  profile: Profile;
  /** Whether it is new. */
  created: boolean;
}

/** A field that can be cleared, by its name: one of a profile, or of its location. A custom property is `unset`. */
export type Clearable = Exclude<keyof NewProfile, "properties"> | `location.${keyof NewLocation}`;

/** One change of a profile: exactly one of these. */
export type Change =
  | {
      /** Sets fields. No identifier is needed. What is not given stays as it is. */
      set: NewProfile;
      clear?: never;
      append?: never;
      unappend?: never;
      unset?: never;
    }
  | {
      /** Clears a field, by its name, such as `title`, `phoneNumber`, `location` or `location.city`. */
      clear: Clearable;
      set?: never;
      append?: never;
      unappend?: never;
      unset?: never;
    }
  | {
      /** Adds values to custom properties that are lists, such as `{ tags: ["vip"] }`. Repeated, it may add them twice. */
      append: Properties;
      set?: never;
      clear?: never;
      unappend?: never;
      unset?: never;
    }
  | {
      /** Takes values out of custom properties that are lists. */
      unappend: Properties;
      set?: never;
      clear?: never;
      append?: never;
      unset?: never;
    }
  | {
      /** Removes a custom property, by its name. */
      unset: string;
      set?: never;
      clear?: never;
      append?: never;
      unappend?: never;
    };

/** A change of a profile. */
export interface Update {
  /** Klaviyo's id of the profile. */
  id: string;
  /** One or more, each about other fields, made together. */
  changes: readonly Change[];
}

/** Two profiles of one person, by their ids. */
export interface Merge {
  /** The profile that stays. */
  into: string;
  /** The profile that is deleted. */
  from: string;
}

/** Profiles and a list, by their ids. */
export interface ListedProfiles {
  /** The id of the list: see `findList`. */
  list: string;
  /** The ids of the profiles. None: no request. */
  profiles: readonly string[];
}

/** People. Membership of a list is not consent; only a `consent` gives it. All but `merge` are safe to repeat. */
export interface ContactsFunctions {
  /**
   * The profile with this identifier. Undefined: there is none. One request.
   *
   * Scope: `profiles:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `not-found`: a 404 that does not say that the profile is missing.
   */
  lookup(by: Identifier, options?: CallOptions): Call<Profile | undefined>;
  /**
   * The profiles with these identifiers, in their order; undefined where there is none. One request for 100 of a kind,
   * fewer where they are long.
   *
   * Scope: `profiles:read`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `invalid-input`: an identifier cannot work; the pointer is such as `identifiers/17/email`. `too-large`:
   * the profiles have more than 12 MB; ask for fewer.
   */
  lookupMany(identifiers: readonly Identifier[], options?: CallOptions): Call<(Profile | undefined)[]>;
  /**
   * Creates a profile, or says which one has an identifier of it, and does not change that one. One request. Safe to
   * repeat.
   *
   * Scope: `profiles:write`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `conflict`: a profile has an identifier, and Klaviyo does not say which.
   */
  create(profile: NewProfile, options?: CallOptions): Call<Creation>;
  /**
   * Creates a profile, or updates the one with the same identifiers. A field, or a custom property, that is not given
   * stays as it is. One request. Safe to repeat.
   *
   * Scope: `profiles:write`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `conflict`: the identifiers belong to two profiles; `duplicate` is one of them.
   */
  upsert(profile: NewProfile, options?: CallOptions): Call<Upserted>;
  /**
   * Changes the profile with an id, all changes together, and returns it as it is now. One request. Safe to repeat,
   * but for `append`.
   *
   * Scope: `profiles:write`. Rate: 75 a second, 700 a minute.
   *
   * Errors: `not-found`: there is no such profile. `conflict`: an identifier belongs to another profile, which
   * `duplicate` names: use that one, or `merge` the two. `invalid-input`: there is no change, or two are about the
   * same field.
   */
  update(update: Update, options?: CallOptions): Call<Profile>;
  /**
   * Merges the profile `from` into `into`, and deletes `from`. **This cannot be undone.** Where both have a value,
   * that of `into` stays; lists, consent and events move. Klaviyo does it some minutes later. One request; do not
   * repeat it blindly.
   *
   * Scope: `profiles:write`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `not-found`: there is no such profile, or it was merged before. `invalid-input`: both ids are the same.
   */
  merge(merge: Merge, options?: CallOptions): Call<void>;
  /**
   * Adds profiles to a list, and returns how many were sent: all of them. Membership, not consent. One request for
   * 1,000 profiles. Safe to repeat.
   *
   * Scopes: `lists:write`, `profiles:write`. Rate: 10 a second, 150 a minute.
   *
   * Errors: `not-found`: there is no such list. `rejected`: one of the ids is not a profile. `done` says how many were
   * added before an error.
   */
  subscribe(members: ListedProfiles, options?: CallOptions): Call<number>;
  /**
   * Looks a contact up, creates it if there is none, and adds it to a list. Membership, not consent, unless `consent`
   * is given: then the person is also subscribed to marketing, **which lifts suppressions**. A profile that exists is
   * not changed; a warning names fields that differ. Two requests, three for somebody new, with `consent` two more.
   * Safe to repeat.
   *
   * Scopes: `profiles:read`, `profiles:write`, `lists:write`; with `consent` also `subscriptions:write`. Rates: 10 a
   * second, 150 a minute (add to list); 75 a second, 700 a minute (bulk subscribe, create profile, get profiles).
   *
   * Errors: those of `lookup`, `create`, `subscribe` and `grantConsent`. If there was a profile before the failure,
   * the message has its id, and says whether it is on the list. A channel that Klaviyo refuses is no error: see
   * `Permitted`.
   */
  optIn(contact: OptIn, options?: CallOptions): Call<Receipt>;
  /**
   * Does `optIn` for many contacts, in fewer requests, and says what became of each: one request for each 100 to look
   * them up, one for each that has no profile, one for each 1,000 to add them to the list; with `consent` one for each
   * 1,000, and one for each 100 to read it back. `limits.requests` counts them. Safe to repeat as a whole.
   *
   * Scopes: `profiles:read`, `profiles:write`, `lists:write`; with `consent` also `subscriptions:write`. Rates: 10 a
   * second, 150 a minute (add to list); 75 a second, 700 a minute (bulk subscribe, create profile, get profiles).
   *
   * Errors: `not-found`: there is no such list. `invalid-input`: `list` is empty, or `consent` names no channel. After
   * an error no contact is known to be on the list; where some are, there is no error, but `stopped`.
   */
  optInMany(contacts: OptInMany, options?: CallOptions): Call<Enrollments>;
  /**
   * Takes back what an opt-in gave: revokes the consent of people to marketing on the channels, takes them off the
   * lists, and says what each had. Somebody without a profile who is named by an email or a number is unsubscribed
   * too. For 100 people one request to look them up, one for each list to see who is on it, and one to unsubscribe
   * them; for each list one to take 1,000 people off it. Nothing is taken before all is read. Safe to repeat.
   *
   * Scopes: `profiles:read`, `profiles:write`, `lists:read`, `lists:write`, `subscriptions:write`; without lists no
   * `lists:read`. Rates: 3 a second, 60 a minute (get lists of profile); 10 a second, 150 a minute (remove from list);
   * 75 a second, 700 a minute (bulk unsubscribe, get profile, get profiles, get profiles of list).
   *
   * Errors: `invalid-input`: there is neither a channel nor a list, or one that cannot be. After an error nothing is
   * known to be taken; where something is, there is no error, but `stopped`.
   */
  optOut(people: OptOut, options?: CallOptions): Call<Departures>;
}
