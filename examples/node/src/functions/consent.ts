import type {
  Options,
  Subscription,
  Unsubscription,
} from "../../generated/interfaces/klaviyo-connector-consent.js";
import { channel, identifier } from "../input.js";
import * as output from "../output.js";
import { list, listOrNone, optional, record, text } from "../reader.js";
import type { Functions } from "../call.js";
import type { ConsentFunctions } from "../types/consent.js";

const channels = { channels: listOrNone(channel), transactional: listOrNone(channel) };
const subscription = record<Subscription>({
  id: optional(text),
  email: optional(text),
  phoneNumber: optional(text),
  ...channels,
  consentedAt: optional(text),
  dateOfBirth: optional(text),
});
const unsubscription = record<Unsubscription>({ email: optional(text), phoneNumber: optional(text), ...channels });
const grant = record<{ subscriptions: Subscription[]; list?: string } & Options>({
  subscriptions: list(subscription),
  list: optional(text),
  customSource: optional(text),
  historicalImport: optional(record<{ now: string }>({ now: text })),
});
const revocation = record<{ unsubscriptions: Unsubscription[]; list?: string }>({
  unsubscriptions: list(unsubscription),
  list: optional(text),
});

export const consentFunctions: Functions<ConsentFunctions> = {
  grantConsent: async (call, value) => {
    const { subscriptions, list, ...options } = grant(value, []);
    return output.outcome(await call("consent", "grant", subscriptions, list, options));
  },
  revokeConsent: async (call, value) => {
    const { unsubscriptions, list } = revocation(value, []);
    return output.outcome(await call("consent", "revoke", unsubscriptions, list));
  },
  consents: async (call, by) => {
    const consents = await call("consent", "status", identifier(by, []));
    return consents && output.consents(consents);
  },
};
