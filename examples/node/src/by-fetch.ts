// Requests by `fetch`: that of the runtime, or of the user.

import { Body, checkHeaders, type Exchange, type Received } from "./exchange.js";
import type { CheckedRequest } from "./check.js";
import type { Limits } from "./limits.js";
import { NoAnswer } from "./no-answer.js";

export function byFetch(send: typeof fetch): Exchange {
  return (request, limits) => {
    const over = new AbortController();
    return { answer: read(send, request, limits, over.signal), stop: () => over.abort() };
  };
}

async function read(
  send: typeof fetch,
  { url, method, headers, body }: CheckedRequest,
  limits: Limits,
  signal: AbortSignal,
): Promise<Received> {
  const init: RequestInit = { method, headers, redirect: "manual", signal };
  if (body.length > 0) {
    init.body = body as Uint8Array<ArrayBuffer>;
  }
  const answer = await send(url, init);
  const { status } = answer;
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new NoAnswer("other", "fetch returned an answer without a status");
  }
  const received = Array.from(answer.headers);
  checkHeaders(received, limits);
  const whole = new Body(limits);
  for await (const chunk of answer.body ?? []) {
    if (!ArrayBuffer.isView(chunk)) {
      throw new NoAnswer("other", "fetch returned a body that is not of bytes");
    }
    whole.add(chunk);
  }
  return { status, headers: received, body: whole.whole() };
}
