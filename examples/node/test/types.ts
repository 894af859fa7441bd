// Compiled, and not run: what TypeScript says of right use, of wrong use, and of the contract.

import { connect, KlaviyoError, type Klaviyo, type Limits } from "klaviyo-connector";
import type * as api from "klaviyo-connector";
import type * as bulk from "../generated/interfaces/klaviyo-connector-bulk.js";
import type * as consent from "../generated/interfaces/klaviyo-connector-consent.js";
import type * as contacts from "../generated/interfaces/klaviyo-connector-contacts.js";
import type * as lists from "../generated/interfaces/klaviyo-connector-lists.js";
import type * as types from "../generated/interfaces/klaviyo-connector-types.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function same<_ extends true>(): void {}

// What is returned as the contract has it. A field that wit/ gains, and src/types.ts does not, is an error here.
same<Same<api.Profile, types.Profile>>();
same<Same<api.Audience, lists.Audience>>();
same<Same<api.Receipt, contacts.Receipt>>();
same<Same<keyof api.Upserted, keyof contacts.Upserted>>();
same<Same<api.Detail, types.Detail>>();
same<Same<keyof api.Refusal, keyof types.Refusal>>();
same<Same<api.Suppression, consent.Suppression>>();
same<Same<keyof api.ChannelConsent, keyof consent.ChannelConsent>>();
same<Same<keyof api.Consents, keyof consent.Consents>>();
same<Same<keyof api.Outcome, keyof consent.Outcome>>();
same<Same<keyof api.Submitted, keyof bulk.Submitted>>();
same<Same<keyof api.Submission, keyof bulk.Submission>>();
same<Same<Omit<api.Job, "status">, Omit<bulk.Job, "status">>>();
same<Same<keyof api.Failure, keyof bulk.Failure>>();
same<Same<api.ConnectorCode, types.Code>>();
same<Same<api.Channel, consent.Channel>>();
// What is taken: the same fields, and more ways to leave one out.
same<Same<keyof api.NewProfile, keyof types.NewProfile>>();
same<Same<keyof api.Subscription, keyof consent.Subscription>>();
same<Same<keyof api.Unsubscription, keyof consent.Unsubscription>>();
same<Same<keyof Parameters<Klaviyo["grantConsent"]>[0], "subscriptions" | "list" | keyof consent.Options>>();

export async function right(): Promise<void> {
  await using klaviyo: Klaviyo = await connect({
    key: "pk_1",
    endpoint: "http://127.0.0.1:4010",
    fetch,
    limits: { time: 1 },
  });
  const receipt = await klaviyo.optIn({
    list: "Y6nRLr",
    email: "priya@example.com",
    firstName: null,
    lastName: undefined,
  });
  const texts: string[] = [receipt.profileId, ...receipt.warnings, receipt.profileName ?? ""];
  const creation = await klaviyo.create({
    phoneNumber: "+919820000001",
    properties: { plan: "pro", since: new Date() },
  });
  texts.push(creation.created ? creation.profile.properties : creation.id);
  const found = await klaviyo.lookupMany([{ email: "a@b.c" }, { id: "01X" }] as const);
  texts.push(found[0]?.email ?? "");
  const { stopped } = await klaviyo.submitImport({ contacts: [{ email: "a@b.c", properties: "{}" }], list: null });
  texts.push(stopped?.code ?? "", ...(await klaviyo.imports()).map(({ status }) => status));
  const count: number = await klaviyo.subscribe({ list: "Y6nRLr", profiles: ["01X"] });
  await klaviyo.grantConsent({
    subscriptions: [{ email: "a@b.c", channels: ["email", "push"], consentedAt: "2025-03-01T12:00:00Z" }],
    historicalImport: { now: new Date().toISOString() },
  });
  const limits: Limits["concurrentCalls"] = count;
  try {
    await klaviyo.lists();
  } catch (error) {
    if (error instanceof KlaviyoError && error.code === "rate-limited") {
      texts.push(error.message, `${error.retryAfter ?? limits}`);
    }
  }
}

export async function wrong(klaviyo: Klaviyo): Promise<void> {
  // @ts-expect-error: a key is needed
  await connect({});
  // @ts-expect-error: there is no such option
  await connect({ key: "pk_1", retries: 3 });
  // @ts-expect-error: there is no such limit
  await connect({ key: "pk_1", limits: { timeout: 1 } });
  // @ts-expect-error: a list is needed
  await klaviyo.optIn({ email: "a@b.c" });
  // @ts-expect-error: the field is phoneNumber
  await klaviyo.create({ phone: "+919820000001" });
  // @ts-expect-error: exactly one identifier
  await klaviyo.lookup({ email: "a@b.c", id: "01X" });
  // @ts-expect-error: an identifier is an object
  await klaviyo.lookup("a@b.c");
  // @ts-expect-error: there is no such channel
  await klaviyo.revokeConsent({ unsubscriptions: [{ email: "a@b.c", channels: ["fax"] }] });
  // @ts-expect-error: there may be no profile
  (await klaviyo.lookup({ id: "01X" })).email;
  // @ts-expect-error: what exists already is told by its id
  (await klaviyo.create({ email: "a@b.c" })).profile;
  // @ts-expect-error: the code is one of the contract's
  new KlaviyoError("oops", "message");
}
