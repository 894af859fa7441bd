// People, and their membership of lists.

import type { Call, CallOptions } from "./call.js";
import type { KlaviyoError } from "../error.js";
import type { Channel, Detail, Identifier, NewLocation, NewProfile, Optional, Profile, Properties } from "./values.js";

/** What `create` did: a profile is new, or one with an identifier of it exists, which was not changed. */
export type Creation = { created: true; profile: Profile } | { created: false; id: string };

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
  /** Sets fields; no identifier is needed. What is not given stays as it is. */
  | { set: NewProfile; clear?: never; append?: never; unappend?: never; unset?: never }
  /** Clears a field by its name, such as `title`, `phoneNumber`, `location` or `location.city`. */
  | { clear: Clearable; set?: never; append?: never; unappend?: never; unset?: never }
  /** Adds values to custom properties that are lists, such as `{ tags: ["vip"] }`. Repeated, it may add them twice. */
  | { append: Properties; set?: never; clear?: never; unappend?: never; unset?: never }
  /** Takes values out of custom properties that are lists. */
  | { unappend: Properties; set?: never; clear?: never; append?: never; unset?: never }
  /** Removes a custom property, by its name. */
  | { unset: string; set?: never; clear?: never; append?: never; unappend?: never };

/** Consent to marketing that a person gives together with an opt-in. Only for people who gave it to you. */
export interface Permission {
  /** One or more; the contact has the address of each. */
  channels: readonly Channel[];
  /** What Klaviyo keeps as the source of the consent, such as `WhatsApp bot`. */
  customSource?: Optional<string>;
}

/** What became of the consent on one channel of a `Permission`. */
export interface Permitted {
  channel: Channel;
  /** Why Klaviyo refuses it: the account has not set the channel up, say. Undefined: Klaviyo accepted it. */
  refused?: Detail;
  /** The consent right after the call, in Klaviyo's words. Klaviyo works on it later: it may be the earlier one. */
  state?: string;
  /** Whether Klaviyo would send marketing there right after the call. */
  canReceive?: boolean;
}

/** What `optIn` did. */
export interface Receipt {
  profileId: string;
  /** The first name in Klaviyo's answers, else the one that was given. */
  profileName?: string;
  listId: string;
  /** Whether this call created the profile. */
  created: boolean;
  /** What was not taken as given, one sentence each: fields that Klaviyo dropped, or has otherwise. */
  warnings: string[];
  /** One for each channel of the `consent`, in its order. Empty: none was given, and consent is what it was. */
  consent: Permitted[];
}

/** What became of one contact of `optInMany`. */
export type Enrollment =
  /** It is on the list. */
  | { status: "enrolled"; receipt: Receipt }
  /** It cannot work as it is, or Klaviyo refuses it; it is not on the list. */
  | { status: "refused"; reason: Detail }
  /** The call was stopped before. Repeat it. */
  | { status: "pending" };

/** What became of many opt-ins. Look at `stopped`, also after success. */
export interface Enrollments {
  /** One for each contact, in its order. */
  outcomes: Enrollment[];
  /** Why contacts are `pending`. */
  stopped?: KlaviyoError;
}

/** What became of the consent on one channel of an `optOut`. */
export interface Revocation {
  channel: Channel;
  /** Whether the person was subscribed there right before. Without `refused`: this was taken. */
  wasSubscribed: boolean;
  /** Why the consent stays as it was. Undefined: Klaviyo works on it, or there is no address for this channel. */
  refused?: Detail;
}

/** What became of a person's membership of a list in an `optOut`. */
export interface Removal {
  /** The list's id. The person was on it. */
  list: string;
  /** Why Klaviyo leaves the person there. Undefined: the person is off the list. */
  refused?: Detail;
}

/** What `optOut` took from a person. */
export interface Taken {
  /** Undefined: there was no profile. */
  profileId?: string;
  /** One for each of the `channels`, in its order. Empty: none was named, or the call was stopped before. */
  consent: Revocation[];
  /** One for each of the `lists` that the person was on, but for those that the call was stopped before. */
  lists: Removal[];
}

/** What became of one person of `optOut`. */
export type Departure =
  /** All channels and lists were dealt with. */
  | { status: "departed"; taken: Taken }
  /** The identifier cannot work, or Klaviyo refuses to look it up; nothing was taken. */
  | { status: "refused"; reason: Detail }
  /** The call was stopped before all was dealt with. Repeat it, and keep what was taken: it will be gone then. */
  | { status: "pending"; taken: Taken };

/** What became of many opt-outs. Look at `stopped` and `missingLists`, also after success. */
export interface Departures {
  /** One for each person, in its order. */
  outcomes: Departure[];
  /** The lists that the account does not have. */
  missingLists: string[];
  /** What Klaviyo took only in part, one sentence each. */
  warnings: string[];
  /** Why people are `pending`. */
  stopped?: KlaviyoError;
}

/** People. Membership of a list is not consent; only a `consent` gives it. All but `merge` are safe to repeat. */
export interface ContactsFunctions {
  /** The profile with this identifier. One request. Scope: `profiles:read`. */
  lookup(by: Identifier, options?: CallOptions): Call<Profile | undefined>;
  /** The profiles with these identifiers, in their order. One request for 100 of a kind. Scope: `profiles:read`. */
  lookupMany(identifiers: readonly Identifier[], options?: CallOptions): Call<(Profile | undefined)[]>;
  /** Creates a profile, or says which one has an identifier of it. One request. Scope: `profiles:write`. */
  create(profile: NewProfile, options?: CallOptions): Call<Creation>;
  /**
   * Creates a profile, or updates the one with the same identifiers; what is not given stays as it is. One request.
   * Scope: `profiles:write`. `conflict`: the identifiers belong to two profiles.
   */
  upsert(profile: NewProfile, options?: CallOptions): Call<Upserted>;
  /**
   * Changes the profile with an id, all changes together, and returns it as it is now. One request. Scope:
   * `profiles:write`. `conflict`: an identifier belongs to another profile, which `duplicate` names.
   */
  update(update: { id: string; changes: readonly Change[] }, options?: CallOptions): Call<Profile>;
  /**
   * Merges the profile `from` into `into`, by their ids, and deletes `from`. **This cannot be undone.** Klaviyo does it
   * some minutes later. One request; do not repeat it blindly. Scope: `profiles:write`.
   */
  merge(merge: { into: string; from: string }, options?: CallOptions): Call<void>;
  /**
   * Adds profiles, by id, to a list, by id, and returns how many. Membership, not consent. One request for 1,000.
   * Scopes: `lists:write`, `profiles:write`. An error's `done` says how many were added before.
   */
  subscribe(members: { list: string; profiles: readonly string[] }, options?: CallOptions): Call<number>;
  /**
   * Looks a contact up, creates it if there is none, and adds it to a list, by id. A profile that exists is not changed.
   * With `consent` it also subscribes the person to marketing, which lifts suppressions. Two to three requests, with
   * `consent` two more. Scopes: `profiles:read`, `profiles:write`, `lists:write`; with `consent` `subscriptions:write`.
   */
  optIn(contact: NewProfile & { list: string; consent?: Optional<Permission> }, options?: CallOptions): Call<Receipt>;
  /**
   * Does `optIn` for many contacts, in fewer requests, and says what became of each. `limits.requests` counts: one for
   * each contact that has no profile. Safe to repeat as a whole. Scopes: as for `optIn`.
   */
  optInMany(contacts: {
    contacts: readonly NewProfile[];
    list: string;
    consent?: Optional<Permission>;
  }, options?: CallOptions): Call<Enrollments>;
  /**
   * Takes back what an opt-in gave: revokes the consent of people to marketing on the channels, takes them off the lists,
   * by id, and says what each had. Somebody without a profile who is named by an email or a number is unsubscribed too.
   * One request for 100 people to look them up, one on each list, and one to unsubscribe them; one for each list to take
   * 1,000 off it. Safe to repeat. Scopes: `profiles:read`, `profiles:write`, `lists:read`, `lists:write`,
   * `subscriptions:write`.
   */
  optOut(people: {
    people: readonly Identifier[];
    channels?: Optional<readonly Channel[]>;
    lists?: Optional<readonly string[]>;
  }, options?: CallOptions): Call<Departures>;
}
