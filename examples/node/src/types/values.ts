// The values that interfaces share.

import type { KlaviyoError } from "../error.js";

/** An optional value: null and undefined are none. */
export type Optional<T> = T | null | undefined;

/** An address, and where it is. */
export interface NewLocation {
  /** Street and number. */
  address1?: Optional<string>;
  /** Flat, floor, building. */
  address2?: Optional<string>;
  /** The city. */
  city?: Optional<string>;
  /** State, province or region. */
  region?: Optional<string>;
  /** The country, as you write it. */
  country?: Optional<string>;
  /** The postal code. */
  zip?: Optional<string>;
  /** Degrees from -90 to 90, as the text of a decimal number, so that no digit is lost. */
  latitude?: Optional<string>;
  /** Degrees from -180 to 180, as the text of a decimal number. */
  longitude?: Optional<string>;
  /** A name of the IANA database, such as `Asia/Kolkata`. */
  timezone?: Optional<string>;
  /** The IP address that the person was last seen at. */
  ip?: Optional<string>;
}

/** Where a person is, as Klaviyo knows it. */
export type Location = { [Field in keyof NewLocation]?: string };

/**
 * A person to create, update, import or opt in: at least an email, a phone number or an external id. All of it may take
 * 100 KB at Klaviyo.
 */
export interface NewProfile {
  /** At most 100 characters. */
  email?: Optional<string>;
  /** With its country code. Written to E.164, such as `+919820000001`, or refused. */
  phoneNumber?: Optional<string>;
  /** Your own id for this person: 1 to 255 characters. */
  externalId?: Optional<string>;
  /** The given name. */
  firstName?: Optional<string>;
  /** The family name. */
  lastName?: Optional<string>;
  /** The company or the part of it that the person works for. */
  organization?: Optional<string>;
  /** The job title. */
  title?: Optional<string>;
  /** The language tag, such as `en-IN`. */
  locale?: Optional<string>;
  /** The URL of a picture. */
  image?: Optional<string>;
  /** Where the person is. */
  location?: Optional<NewLocation>;
  /** Custom properties. */
  properties?: Optional<Properties>;
}

/**
 * A plain object of JSON's values, or the text of a JSON object. An object is refused, with the name of the member, where JSON
 * would lose something: a Map, an instance of a class without `toJSON`, NaN, a BigInt, undefined. In a text, numbers keep all
 * of their digits; in an object they have those that JavaScript keeps, about 16.
 */
export type Properties = { readonly [name: string]: unknown } | (object & { readonly [Symbol.iterator]?: never }) | string;

/**
 * Custom properties by name, typed as `JSON.parse` types them. A number beyond ±9,007,199,254,740,991 (`Number.MAX_SAFE_INTEGER`),
 * which JavaScript cannot hold, is the string of its digits; a fraction has about 16 digits. `propertiesJson` has all of them.
 */
export type PropertyValues = { [name: string]: any };

/** What a profile is looked up by: exactly one of these. */
export type Identifier =
  | {
      /** An email address, of at most 100 characters. */
      email: string;
      phoneNumber?: never;
      externalId?: never;
      id?: never;
    }
  | {
      /** With its country code, such as `+919820000001`. */
      phoneNumber: string;
      email?: never;
      externalId?: never;
      id?: never;
    }
  | {
      /** Your own id for the person: 1 to 255 characters. */
      externalId: string;
      email?: never;
      phoneNumber?: never;
      id?: never;
    }
  | {
      /** Klaviyo's id of the profile. */
      id: string;
      email?: never;
      phoneNumber?: never;
      externalId?: never;
    };

/** A person as Klaviyo knows them. */
export interface Profile {
  /** Klaviyo's id: 26 characters, opaque, permanent until profiles are merged. */
  id: string;
  /** The email address. */
  email?: string;
  /** E.164, such as `+919820000001`. */
  phoneNumber?: string;
  /** Your own id for this person, as it was given to Klaviyo. */
  externalId?: string;
  /** The given name. */
  firstName?: string;
  /** The family name. */
  lastName?: string;
  /** The company or the part of it that the person works for. */
  organization?: string;
  /** The job title. */
  title?: string;
  /** The language tag, such as `en-IN`. */
  locale?: string;
  /** The URL of a picture. */
  image?: string;
  /** Undefined: Klaviyo has no part of it. */
  location?: Location;
  /** When the profile was created: RFC 3339, as Klaviyo wrote it. */
  created?: string;
  /** When the profile last changed: RFC 3339, as Klaviyo wrote it. */
  updated?: string;
  /** The time of the newest event that changed the profile: RFC 3339, as Klaviyo wrote it. */
  lastEventDate?: string;
  /** The custom properties. */
  properties: PropertyValues;
  /** The same as the text of a JSON object, in which numbers have all of their digits. */
  propertiesJson: string;
  /** What Klaviyo accepted only in part, one sentence each. */
  warnings: string[];
}

/**
 * Where messages go. Email needs an email, SMS and WhatsApp a phone number; push and others take any. A word that this
 * version does not know is a channel by Klaviyo's name for it, such as `rcs`.
 */
export type Channel = "email" | "sms" | "whatsapp" | "push" | (string & {});

/** An event that Klaviyo has. */
export interface Event {
  /** Klaviyo's id. */
  id: string;
  /** Klaviyo's id of the metric. */
  metricId?: string;
  /** The name of the metric, such as `Placed Order`. Undefined where Klaviyo does not say. */
  metric?: string;
  /** Klaviyo's id of the profile of who did it. */
  profileId?: string;
  /** When it happened: RFC 3339, as Klaviyo wrote it. */
  time?: string;
  /** The monetary value, as Klaviyo wrote the number. */
  value?: string;
  /** The properties, the value among them. */
  properties: PropertyValues;
  /** The same as the text of a JSON object, in which numbers have all of their digits. */
  propertiesJson: string;
  /** Klaviyo's other id of the event. */
  uuid?: string;
}

/** An item of a call that was left out of it, and why. */
export interface Refusal {
  /** Its position in the argument, from 0. */
  index: number;
  /** The connector's reason, with the code `invalid-input` and the field as `pointer`, or Klaviyo's. */
  reason: Detail;
}

/** One entry of Klaviyo's `errors`, or of the connector's own. */
export interface Detail {
  /** Klaviyo's code, such as `duplicate_profile`; `invalid-input` or `invalid-argument` where nothing was sent. */
  code: string;
  /** Klaviyo's title. */
  title: string;
  /** The reason, in Klaviyo's words or the connector's. */
  detail: string;
  /** The field that it is about, such as `contacts/1/phoneNumber`; with `/` at its start one of the document that Klaviyo got. */
  pointer?: string;
}

/** What became of many items. Look at `refused` and at `stopped`, also after success. */
export interface BatchResult {
  /** How many Klaviyo accepted. It works on them later, and does not report the end. */
  accepted: number;
  /** The items that were not sent, or refused by Klaviyo, by position in the argument. */
  refused: Refusal[];
  /** What Klaviyo took only in part, one sentence each. */
  warnings: string[];
  /** Why the items from position `stopped.done` on, but for those refused, were not sent. */
  stopped?: KlaviyoError;
}

/** A member of a list or of a segment. */
export interface Member {
  /** Who it is. */
  profile: Profile;
  /** Since when: RFC 3339, as Klaviyo wrote it. */
  joined?: string;
}

/** A page of members. */
export interface MemberPage {
  /** At most 100, those who joined first at the start. */
  members: Member[];
  /** The `cursor` of the next page. Undefined: this is the last one. */
  next?: string;
}
