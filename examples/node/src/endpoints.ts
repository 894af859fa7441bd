// Klaviyo's endpoints: their rates, and whether a request may be sent twice. The table is the one of `klaviyo-host`.

import table from "../generated/endpoints.js";

/** One endpoint, with Klaviyo's published rates for one account. */
export interface Endpoint {
  /** The name in logs. It has no personal data, which addresses have. */
  name: string;
  method: string;
  /** `{}` is any segment. */
  path: string;
  /** The most requests in a second. */
  burst: number;
  /** The most requests in a minute. */
  steady: number;
  /** The most requests in a day. Undefined: as many as the other two allow. */
  daily?: number;
  /** Whether a request of the contract's functions that may have taken effect can be sent again without a second effect. */
  repeatable: boolean;
}

const forms = table.endpoints.map((endpoint) => ({ endpoint, segments: endpoint.path.split("/") }));

/** The endpoint of a request. One that is not in the table has Klaviyo's medium rates. */
export function endpointOf(method: string, path: string): Endpoint {
  // A slash at the end does not count.
  const given = path.replace(/\/$/, "").split("/");
  const form = forms.find(
    ({ endpoint, segments }) =>
      endpoint.method === method &&
      segments.length === given.length &&
      segments.every((own, at) => (own === "{}" ? given[at] !== "" : own === given[at])),
  );
  return form?.endpoint ?? (method === "GET" ? table.another_read : table.another_write);
}

/**
 * Whether a request that may have taken effect can be sent again without a second effect. The body of a request of
 * `api.call` is the caller's, so nothing is known of what a second one would do: only its reads are repeated.
 */
export function isHarmless({ repeatable, method }: Endpoint, throughApi: boolean): boolean {
  return repeatable && (!throughApi || method === "GET");
}
