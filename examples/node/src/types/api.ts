// Any other operation of Klaviyo's API.

import type { Call, CallOptions } from "./call.js";
import type { Optional } from "./values.js";

/** A query parameter, not encoded, such as `{ name: "page[size]", value: "10" }`. */
export interface ApiParameter {
  /** Such as `page[size]`. Not empty. */
  name: string;
  /** Such as `10`. */
  value: string;
}

/** A request. */
export interface ApiRequest {
  /** The method, which Klaviyo's documentation of the path names. */
  method: "get" | "post" | "patch" | "delete";
  /** The path, not encoded, such as `/api/campaigns`. What could be read in two ways is `invalid-input`. */
  path: string;
  /** The query, in its order. */
  query?: Optional<readonly ApiParameter[]>;
  /** An object or an array, of which JSON is made, or the text of a JSON document, sent as it is written. Not for `get`. */
  body?: Optional<object | string>;
  /** The revision of Klaviyo's API, such as `2025-01-15`, or `2025-01-15.pre`. Left out: the connector's oldest revision. */
  revision?: Optional<string>;
}

/** An answer with status 2xx. */
export interface ApiResponse {
  /** The HTTP status, from 200 to 299. */
  status: number;
  /** The text of Klaviyo's JSON document, as Klaviyo wrote it; empty when there is none. */
  body: string;
  /** The `query` of the next page, when there is one: repeat the request with it. */
  next?: ApiParameter[];
}

/** Any other operation of Klaviyo's API. */
export interface ApiFunctions {
  /**
   * Sends a request, where the option `api` of `connect` allows it. One request. `get` is safe to repeat; what another
   * method does twice, Klaviyo's documentation says.
   *
   * Scopes: those that Klaviyo's documentation of the path names. Rates: those of its endpoint.
   *
   * Errors: `invalid-input`: the path leaves `/api/` or could be read in two ways, a parameter has no name, the body
   * is not JSON, or the revision is no date. `denied`: the option `api` does not allow it. `malformed`: the answer is
   * no JSON object, or its link to the next page leads elsewhere.
   */
  callApi(request: ApiRequest, options?: CallOptions): Call<ApiResponse>;
}
