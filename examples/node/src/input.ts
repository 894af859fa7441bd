// Arguments that interfaces share.

import type { Channel, Identifier, Location, NewProfile } from "../generated/interfaces/klaviyo-connector-types.js";
import { properties } from "./json.js";
import { list, optional, record, text, variant, type Fields, type Reader } from "./reader.js";

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
