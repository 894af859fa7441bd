import type { Sandbox } from "./sandbox.js";
import * as input from "./input.js";
import * as output from "./output.js";
import type * as types from "./types.js";

/** The contract's functions, as JavaScript has them. */
export class Client implements types.Klaviyo {
  readonly #sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  async lists(): Promise<types.Audience[]> {
    return this.#sandbox.call("lists", "all");
  }

  async findList(name: string): Promise<types.Audience | undefined> {
    return this.#sandbox.call("lists", "find", input.name(name));
  }

  async lookup(by: types.Identifier): Promise<types.Profile | undefined> {
    return this.#sandbox.call("contacts", "lookup", input.identifier(by));
  }

  async lookupMany(identifiers: readonly types.Identifier[]): Promise<(types.Profile | undefined)[]> {
    return this.#sandbox.call("contacts", "lookupMany", input.identifiers(identifiers));
  }

  async create(profile: types.NewProfile): Promise<types.Creation> {
    return output.creation(await this.#sandbox.call("contacts", "create", input.newProfile(profile)));
  }

  async upsert(profile: types.NewProfile): Promise<types.Upserted> {
    return this.#sandbox.call("contacts", "upsert", input.newProfile(profile));
  }

  async subscribe(members: Parameters<types.Klaviyo["subscribe"]>[0]): Promise<number> {
    const { list, profiles } = input.members(members);
    return this.#sandbox.call("contacts", "subscribe", list, profiles);
  }

  async optIn(contact: Parameters<types.Klaviyo["optIn"]>[0]): Promise<types.Receipt> {
    const { list, ...profile } = input.optIn(contact);
    return this.#sandbox.call("contacts", "optIn", profile, list);
  }

  async grantConsent(grant: Parameters<types.Klaviyo["grantConsent"]>[0]): Promise<types.Outcome> {
    const { subscriptions, list, ...options } = input.grant(grant);
    return output.outcome(await this.#sandbox.call("consent", "grant", subscriptions, list, options));
  }

  async revokeConsent(revocation: Parameters<types.Klaviyo["revokeConsent"]>[0]): Promise<types.Outcome> {
    const { unsubscriptions, list } = input.revocation(revocation);
    return output.outcome(await this.#sandbox.call("consent", "revoke", unsubscriptions, list));
  }

  async consents(by: types.Identifier): Promise<types.Consents | undefined> {
    return this.#sandbox.call("consent", "status", input.identifier(by));
  }

  async submitImport(submission: Parameters<types.Klaviyo["submitImport"]>[0]): Promise<types.Submission> {
    const { contacts, list } = input.submission(submission);
    return output.submission(await this.#sandbox.call("bulk", "submit", contacts, list));
  }

  async import(job: string): Promise<types.Job> {
    return output.job(await this.#sandbox.call("bulk", "status", input.job(job)));
  }

  async importFailures(job: string): Promise<types.Failure[]> {
    return this.#sandbox.call("bulk", "failures", input.job(job));
  }

  async imports(range: { newerThan?: string | null | undefined } = {}): Promise<types.Job[]> {
    const jobs = await this.#sandbox.call("bulk", "jobs", input.range(range).newerThan);
    return jobs.map(output.job);
  }

  async close(): Promise<void> {
    return this.#sandbox.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
