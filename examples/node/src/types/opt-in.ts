// Opting people in and out: what it takes, and what became of each.

import type { KlaviyoError } from "../error.js";
import type { Channel, Detail, Identifier, NewProfile, Optional } from "./values.js";

/** Consent to marketing that a person gives together with an opt-in. Only for people who gave it to you. */
export interface Permission {
  /** One or more; the contact has the address of each. */
  channels: readonly Channel[];
  /** What Klaviyo keeps as the source of the consent, such as `WhatsApp bot`. */
  customSource?: Optional<string>;
}

/** What became of the consent on one channel of a `Permission`. */
export interface Permitted {
  /** The channel that it is about. */
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
  /** Klaviyo's id of the profile. */
  profileId: string;
  /** The first name in Klaviyo's answers, else the one that was given. */
  profileName?: string;
  /** The id of the list. */
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
  | {
      /** It is on the list. */
      status: "enrolled";
      /** What was done. */
      receipt: Receipt;
    }
  | {
      /** It cannot work as it is, or Klaviyo refuses it; it is not on the list. */
      status: "refused";
      /** The connector's reason, with the code `invalid-input`, or Klaviyo's. */
      reason: Detail;
    }
  | {
      /** The call was stopped before. Repeat it. */
      status: "pending";
    };

/** What became of many opt-ins. Look at `stopped`, also after success. */
export interface Enrollments {
  /** One for each contact, in its order. */
  outcomes: Enrollment[];
  /** Why contacts are `pending`. */
  stopped?: KlaviyoError;
}

/** What became of the consent on one channel of an `optOut`. */
export interface Revocation {
  /** The channel that it is about. */
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
  /** Klaviyo's id of the profile. Undefined: there was none. */
  profileId?: string;
  /** One for each of the `channels`, in its order. Empty: none was named, or the call was stopped before. */
  consent: Revocation[];
  /** One for each of the `lists` that the person was on, but for those that the call was stopped before. */
  lists: Removal[];
}

/** What became of one person of `optOut`. */
export type Departure =
  | {
      /** All channels and lists were dealt with. */
      status: "departed";
      /** What the person had. */
      taken: Taken;
    }
  | {
      /** The identifier cannot work, or Klaviyo refuses to look it up; nothing was taken. */
      status: "refused";
      /** The connector's reason, with the code `invalid-input`, or Klaviyo's. */
      reason: Detail;
    }
  | {
      /** The call was stopped before all was dealt with. Repeat it, and keep what was taken: it will be gone then. */
      status: "pending";
      /** What the person had, as far as it was taken. */
      taken: Taken;
    };

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

/** Where somebody is opted in. */
export interface OptInTarget {
  /** The id of the list: see `findList`. */
  list: string;
  /** The consent that the person gave. Left out: their consent is what it was. */
  consent?: Optional<Permission>;
}

/** A contact to opt in. */
export interface OptIn extends NewProfile, OptInTarget {}

/** Contacts to opt in. */
export interface OptInMany extends OptInTarget {
  /** Those with the same identifiers are one person, whom the first one creates. */
  contacts: readonly NewProfile[];
}

/** People to opt out. */
export interface OptOut {
  /** Each by one identifier. Identifiers of one profile are one person. */
  people: readonly Identifier[];
  /** The channels of marketing to revoke the consent on. A channel or a list is needed. */
  channels?: Optional<readonly Channel[]>;
  /** The ids of the lists to take them off. */
  lists?: Optional<readonly string[]>;
}
