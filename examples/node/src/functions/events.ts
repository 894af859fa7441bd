import type { NewEvent, Period } from "../../generated/interfaces/klaviyo-connector-events.js";
import { identifier } from "../input.js";
import { properties } from "../json.js";
import * as output from "../output.js";
import { list, optional, record, text, u32 } from "../reader.js";
import type { Functions } from "../call.js";
import type { EventsFunctions } from "../types/events.js";

const event = record<NewEvent>({
  metric: text,
  profile: identifier,
  uniqueId: text,
  time: optional(text),
  value: optional(text),
  valueCurrency: optional(text),
  properties: optional(properties),
});
const period = record<Period>({ since: optional(text), until: optional(text), limit: optional(u32) });

export const eventsFunctions: Functions<EventsFunctions> = {
  track: async (call, value) => call("events", "track", event(value, [])),
  trackMany: async (call, events) => output.batch(await call("events", "trackMany", list(event)(events, ["events"]))),
  history: async (call, by, within) => {
    const found = await call("events", "history", identifier(by, []), period(within ?? {}, []));
    return found && { ...found, events: found.events.map(output.event) };
  },
  metrics: async (call) => call("events", "metrics"),
};
