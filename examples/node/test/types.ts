// Compiled, and not run: what TypeScript says of right use, of wrong use, and of the contract.

import { connect, KlaviyoError, type Klaviyo, type Limits } from "klaviyo-connector";
import type * as api from "klaviyo-connector";
import type * as account from "../generated/interfaces/klaviyo-connector-account.js";
import type * as bulk from "../generated/interfaces/klaviyo-connector-bulk.js";
import type * as changes from "../generated/interfaces/klaviyo-connector-changes.js";
import type * as consent from "../generated/interfaces/klaviyo-connector-consent.js";
import type * as contacts from "../generated/interfaces/klaviyo-connector-contacts.js";
import type * as events from "../generated/interfaces/klaviyo-connector-events.js";
import type * as lists from "../generated/interfaces/klaviyo-connector-lists.js";
import type * as segments from "../generated/interfaces/klaviyo-connector-segments.js";
import type * as types from "../generated/interfaces/klaviyo-connector-types.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function same<_ extends true>(): void {}

// What is returned as the contract has it. A field that wit/ gains, and src/types.ts does not, is an error here.
type Read = "properties" | "propertiesJson";
same<Same<Omit<api.Profile, Read>, Omit<types.Profile, "properties">>>();
same<Same<api.Audience, lists.Audience>>();
same<Same<api.Location, types.Location>>();
same<Same<Omit<api.Receipt, "consent">, Omit<contacts.Receipt, "consent">>>();
same<Same<Omit<api.Permitted, "channel">, Omit<contacts.Permitted, "channel">>>();
same<Same<keyof api.Enrollments, keyof contacts.Enrollments>>();
same<Same<api.Enrollment["status"], contacts.Enrollment["tag"]>>();
same<Same<keyof api.Departures, keyof contacts.Departures>>();
same<Same<api.Departure["status"], contacts.Departure["tag"]>>();
same<Same<Omit<api.Taken, "consent">, Omit<contacts.Taken, "consent">>>();
same<Same<Omit<api.Revocation, "channel">, Omit<contacts.Revocation, "channel">>>();
same<Same<Omit<api.Event, Read>, Omit<types.Event, "properties">>>();
same<Same<keyof api.Timeline, keyof events.Timeline>>();
same<Same<api.Metric, events.Metric>>();
same<Same<keyof api.BatchResult, keyof types.BatchResult>>();
same<Same<keyof api.Member, keyof types.Member>>();
same<Same<keyof api.MemberPage, keyof types.MemberPage>>();
same<Same<api.Segment, segments.Segment>>();
same<Same<keyof api.ProfilePage, keyof changes.ProfilePage>>();
same<Same<keyof api.JoinedPage, keyof changes.JoinedPage>>();
same<Same<keyof api.EventPage, keyof changes.EventPage>>();
same<Same<api.AccountDetails, account.Details>>();
same<Same<keyof api.Upserted, keyof contacts.Upserted>>();
same<Same<api.Detail, types.Detail>>();
same<Same<keyof api.Refusal, keyof types.Refusal>>();
same<Same<api.Suppression, consent.Suppression>>();
same<Same<Omit<api.ChannelConsent, "channel">, Omit<consent.ChannelConsent, "channel">>>();
same<Same<keyof api.ChannelRefusal, keyof consent.ChannelRefusal>>();
same<Same<keyof api.Consents, keyof consent.Consents>>();
same<Same<keyof api.Outcome, keyof consent.Outcome>>();
same<Same<keyof api.Submitted, keyof bulk.Submitted>>();
same<Same<keyof api.Submission, keyof bulk.Submission>>();
same<Same<Omit<api.Job, "status">, Omit<bulk.Job, "status">>>();
same<Same<keyof api.Failure, keyof bulk.Failure>>();
same<Same<api.ConnectorCode, types.Code>>();
// What is taken: the same fields, and more ways to leave one out.
same<Same<keyof api.NewProfile, keyof types.NewProfile>>();
same<Same<keyof api.NewLocation, keyof types.Location>>();
same<Same<keyof api.Permission, keyof contacts.Permission>>();
same<Same<keyof api.Change, contacts.Change["tag"]>>();
same<Same<keyof api.NewEvent, keyof events.NewEvent>>();
same<Same<keyof api.Period, keyof events.Period>>();
same<Same<keyof api.Start, keyof changes.Start>>();
same<Same<keyof api.Position, changes.Position["tag"]>>();
same<Same<keyof api.Group, changes.Group["tag"]>>();
same<Same<keyof api.Subscription, keyof consent.Subscription>>();
same<Same<keyof api.Unsubscription, keyof consent.Unsubscription>>();
same<Same<keyof Parameters<Klaviyo["grantConsent"]>[0], "subscriptions" | "list" | keyof consent.Options>>();

/** An interface has no index signature. */
interface Order {
  total: number;
  items: { name: string }[];
}

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
  texts.push(creation.created ? creation.profile.propertiesJson : creation.id);
  const order: Order = { total: 29.99, items: [{ name: "tea" }] };
  await klaviyo.track({ metric: "Placed Order", profile: { email: "a@b.c" }, uniqueId: "2", properties: order });
  await klaviyo.update({ id: "01X", changes: [{ append: order }, { clear: "location.city" }, { clear: "phoneNumber" }] });
  await klaviyo.callApi({ method: "post", path: "/api/tags", body: { data: { type: "tag", attributes: { name: "x" } } } });
  const found = await klaviyo.lookupMany([{ email: "a@b.c" }, { id: "01X" }] as const);
  texts.push(found[0]?.email ?? "");
  const { stopped } = await klaviyo.submitImport({ contacts: [{ email: "a@b.c", properties: "{}" }], list: null });
  texts.push(stopped?.code ?? "", ...(await klaviyo.imports()).map(({ status }) => status));
  const count: number = await klaviyo.subscribe({ list: "Y6nRLr", profiles: ["01X"] });
  await klaviyo.grantConsent({
    subscriptions: [{ email: "a@b.c", channels: ["email", "push"], consentedAt: "2025-03-01T12:00:00Z" }],
    historicalImport: { now: new Date().toISOString() },
  });
  const { outcomes } = await klaviyo.optInMany({
    list: "Y6nRLr",
    contacts: [{ email: "a@b.c", location: { city: "Mumbai" } }],
    consent: { channels: ["email", "rcs"] },
  });
  texts.push(...outcomes.map((one) => (one.status === "enrolled" ? one.receipt.profileId : one.status)));
  const left = await klaviyo.optOut({ people: [{ phoneNumber: "+919820000001" }], channels: ["whatsapp"], lists: null });
  texts.push(...left.outcomes.map((one) => (one.status === "refused" ? one.reason.code : one.taken.profileId ?? "")));
  await klaviyo.update({ id: "01X", changes: [{ set: { title: "CTO" } }, { unset: "plan" }, { append: { tags: "vip" } }] });
  const history = await klaviyo.history({ id: "01X" }, { limit: 10, since: null });
  texts.push(...(history?.events ?? []).map(({ metric }) => metric ?? ""));
  await klaviyo.track({ metric: "Placed Order", profile: { email: "a@b.c" }, uniqueId: "1", properties: { items: 2 } });
  const changed = await klaviyo.changedProfiles({ since: { time: "2026-11-01T00:00:00Z", lookBack: null } });
  const joined = await klaviyo.joinedMembers({ list: "Y6nRLr" }, { cursor: changed.cursor });
  texts.push(...changed.items.map(({ id }) => id), ...joined.items.map(({ profile }) => profile.id));
  const limits: Limits["concurrentCalls"] = count;
  const call: api.Call<api.Audience[]> = klaviyo.lists({ signal: AbortSignal.timeout(1_000), timeout: 1_000 });
  const { requests }: api.Usage = call.usage;
  texts.push(...(await call).map(({ name }) => name), `${requests}`);
  await (await connect({ pace: 2, observer: ({ status, took }: api.Attempt) => texts.push(`${status} ${took}`) })).close();
  try {
    await klaviyo.lists();
  } catch (error) {
    if (error instanceof KlaviyoError && error.code === "rate-limited") {
      texts.push(error.message, `${error.retryAfter ?? limits}`);
    }
  }
}

export async function wrong(klaviyo: Klaviyo): Promise<void> {
  // @ts-expect-error: there is no such option of a call
  await klaviyo.lists({ retries: 3 });
  // @ts-expect-error: there is no such pace
  await connect({ pace: "fast" });
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
  // @ts-expect-error: a channel is a word
  await klaviyo.revokeConsent({ unsubscriptions: [{ email: "a@b.c", channels: [7] }] });
  // @ts-expect-error: a change is one thing
  await klaviyo.update({ id: "01X", changes: [{ clear: "title", unset: "plan" }] });
  // @ts-expect-error: JSON has no Map
  await klaviyo.upsert({ email: "a@b.c", properties: new Map([["plan", "pro"]]) });
  // @ts-expect-error: properties are an object
  await klaviyo.upsert({ email: "a@b.c", properties: ["pro"] });
  // @ts-expect-error: the package's own spelling
  await klaviyo.update({ id: "01X", changes: [{ clear: "phone-number" }] });
  // @ts-expect-error: an event has a unique id
  await klaviyo.track({ metric: "Placed Order", profile: { id: "01X" } });
  // @ts-expect-error: the history of nobody
  (await klaviyo.history({ id: "01X" })).events;
  // @ts-expect-error: a page begins in one place
  await klaviyo.newEvents({ since: { time: "2026-11-01T00:00:00Z" }, cursor: "x" });
  // @ts-expect-error: the members of one group
  await klaviyo.joinedMembers({ list: "Y6nRLr", segment: "XyZ123" }, { cursor: "x" });
  // @ts-expect-error: both profiles are named
  await klaviyo.merge({ into: "01X" });
  // @ts-expect-error: there may be no profile
  (await klaviyo.lookup({ id: "01X" })).email;
  // @ts-expect-error: what exists already is told by its id
  (await klaviyo.create({ email: "a@b.c" })).profile;
  // @ts-expect-error: the code is one of the contract's
  new KlaviyoError("oops", "message");
}
