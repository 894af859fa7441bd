// Arguments that interfaces share.

import type { Channel, Identifier, Location, NewProfile } from "../generated/interfaces/klaviyo-connector-types.js";
import {
  fail,
  isPlain,
  kind,
  list,
  optional,
  record,
  SHOWN_NAME_LENGTH,
  text,
  variant,
  type Fields,
  type Reader,
} from "./reader.js";

/** The text of a JSON object, or an object of which one is made. */
export const properties: Reader<string> = (value, place) => {
  if (typeof value === "string") {
    return text(value, place);
  }
  if (!isPlain(value)) {
    fail(place, `expected a plain object, or the text of a JSON object, found ${kind(value)}`);
  }
  try {
    // Undefined: an object may have a `toJSON` that says so.
    return JSON.stringify(value, refuseWhatJsonLoses) ?? fail(place, "it is not a value of JSON");
  } catch (error) {
    return fail(
      place,
      `it cannot be written as JSON: ${error instanceof Error ? error.message.split("\n")[0] : "it threw"}`,
    );
  }
};

/** `JSON.stringify` would leave these out, or write null or an empty object. */
function refuseWhatJsonLoses(name: string, value: unknown): unknown {
  const lost =
    typeof value === "function" ||
    typeof value === "symbol" ||
    (typeof value === "number" && !Number.isFinite(value)) ||
    (typeof value === "object" && value !== null && !Array.isArray(value) && !isPlain(value));
  if (lost) {
    throw new TypeError(`${JSON.stringify(name.slice(0, SHOWN_NAME_LENGTH))} is not a value of JSON`);
  }
  return value;
}

const location = record<Location>({
  address1: optional(text),
  address2: optional(text),
  city: optional(text),
  region: optional(text),
  country: optional(text),
  zip: optional(text),
  latitude: optional(text),
  longitude: optional(text),
  timezone: optional(text),
  ip: optional(text),
});

export const fieldsOfNewProfile: Fields<NewProfile> = {
  email: optional(text),
  phoneNumber: optional(text),
  externalId: optional(text),
  firstName: optional(text),
  lastName: optional(text),
  organization: optional(text),
  title: optional(text),
  locale: optional(text),
  image: optional(text),
  location: optional(location),
  properties: optional(properties),
};

export const newProfile = record<NewProfile>(fieldsOfNewProfile);

export const identifier = variant<Identifier>({ email: text, phoneNumber: text, externalId: text, id: text });

const CHANNELS = ["email", "sms", "whatsapp", "push"] as const;

/** A word that this version does not know is another channel, by Klaviyo's name for it. */
export const channel: Reader<Channel> = (value, place) => {
  const name = text(value, place);
  const known = CHANNELS.find((channel) => channel === name);
  return known ? { tag: known } : { tag: "other", val: name };
};

/** Ids of profiles, addresses. */
export const texts = list(text);
