// The requests of one call. Each is checked, authorized, sent at the account's pace and, where that does no harm, sent
// again. Neither the component nor the server is trusted.

import type { Error as HttpError, Response } from "../generated/interfaces/klaviyo-connector-http.js";
import { checked, type CheckedRequest, type Rules } from "./check.js";
import type { Clock, Turn } from "./clock.js";
import type { Endpoint } from "./endpoints.js";
import type { Exchange } from "./exchange.js";
import type { Send } from "./instance.js";
import { NoAnswer, reasonOf } from "./no-answer.js";
import type { Pacer } from "./pace.js";
import { mayRepeat, pauseAfter, retryAfter } from "./retry.js";
import { RevisionWarnings } from "./revision.js";
import { Transport } from "./transport.js";
import type { Observer, Usage } from "./types/call.js";
import { warn } from "./warning.js";

/** What the requests of a call need to know of it. */
export interface CallOfFunction {
  /** The function's name in the contract. */
  called: string;
  clock: Clock;
  usage: Usage;
  /** The oldest revision of the API to ask for. */
  revision: string | undefined;
}

export class OutboundHttp {
  readonly #rules: Rules;
  readonly #pacer: Pacer;
  readonly #transport: Transport;
  readonly #observer: Observer | undefined;
  readonly #revisions = new RevisionWarnings();

  constructor(rules: Rules, pacer: Pacer, exchange: Exchange, observer: Observer | undefined) {
    this.#rules = rules;
    this.#pacer = pacer;
    this.#transport = new Transport(exchange, rules.key, rules.limits);
    this.#observer = observer;
  }

  /** What sends the requests of one call. */
  begin(call: CallOfFunction): Send {
    return async (request) => {
      try {
        call.usage.requests += 1;
        const { requests } = this.#rules.limits;
        if (call.usage.requests > requests) {
          throw new NoAnswer("denied", `the call has made the ${requests} requests that limits.requests allows`);
        }
        return { tag: "ok", val: await this.#exchange(checked(this.#rules, call.called, request, call.revision), call) };
      } catch (error) {
        const { tag, message } = reasonOf(error);
        return { tag: "err", val: { tag, val: this.#rules.key.hideIn(message) } };
      }
    };
  }

  /** Sends a request until it is answered, must not be sent again, or no time is left. */
  async #exchange(request: CheckedRequest, call: CallOfFunction): Promise<Response> {
    const { clock, usage } = call;
    for (let number = 1; ; number += 1) {
      const { endpoint } = request;
      const [{ permit, turn }, paced] = await clock.wait(async (turn) => {
        return { permit: await this.#pacer.permit(endpoint, turn.until, clock.signal), turn };
      });
      const begun = performance.now();
      usage.waited += paced;
      if (!permit) {
        this.#tell(request, call, { number, failure: "no-turn", paced, took: 0 });
        throw new NoAnswer("timeout", this.#noTurn(endpoint, turn));
      }
      usage.attempts += 1;
      const outcome = await this.#transport.send(request, clock).catch(reasonOf);
      const took = performance.now() - begun;
      const header = (name: string) => ("status" in outcome ? headerOf(outcome, name) : undefined);
      const pause = Math.max(pauseAfter(number), retryAfter(header("retry-after") ?? "") ?? 0);
      if ("status" in outcome) {
        permit.learn(outcome.status, header);
        this.#revisions.note(request.headers.get("revision") ?? "", header("x-klaviyo-api-revision") ?? "");
        if (outcome.status === 429) {
          permit.hold(pause);
        }
      }
      permit.end();
      const isLast =
        clock.signal.aborted ||
        number >= this.#rules.limits.attempts ||
        !mayRepeat(request.harmless, outcome) ||
        performance.now() + pause >= clock.until;
      const end = "status" in outcome ? { status: outcome.status } : { failure: failureOf(outcome) };
      this.#tell(request, call, { number, ...end, paced, took, ...(isLast ? {} : { repeatIn: pause }) });
      if (isLast) {
        return "status" in outcome ? outcome : Promise.reject(withAttempts(number, outcome));
      }
      await sleep(pause, clock.signal);
      usage.waited += pause;
    }
  }

  #tell(
    { method, endpoint }: CheckedRequest,
    { called }: CallOfFunction,
    attempt: Omit<Parameters<Observer>[0], "function" | "method" | "endpoint">,
  ): void {
    try {
      this.#observer?.({ function: called, method, endpoint: endpoint.name, ...attempt });
    } catch (error) {
      // The call is not to blame.
      warn(`the option observer threw ${error instanceof Error ? error.message : "no error"}`, "KLAVIYO_OBSERVER");
    }
  }

  #noTurn({ name, daily }: Endpoint, { limit }: Turn): string {
    const most = daily === undefined ? "" : ` (at most ${daily} a day)`;
    const time = limit === "timeout" ? "timeout allows" : `the ${this.#rules.limits.wait} ms of limits.wait allow`;
    return (
      `not sent: at Klaviyo's rates${most} this account's turn to ${name} comes later than ${time}; make fewer calls ` +
      `at once, or raise ${limit}`
    );
  }
}

function failureOf({ tag, isUnsent }: NoAnswer): "unreachable" | HttpError["tag"] {
  return isUnsent ? "unreachable" : tag;
}

function headerOf(answer: Response, name: string): string | undefined {
  return answer.headers.find((header) => header.name.toLowerCase() === name)?.value.trim();
}

/** Adds the number of attempts to the sentence. */
function withAttempts(attempts: number, reason: NoAnswer): NoAnswer {
  return attempts < 2 ? reason : new NoAnswer(reason.tag, `${reason.message} (after ${attempts} attempts)`);
}

/** Waits, or until the call is over. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
