// Any other operation of Klaviyo's API.

import type { Call, CallOptions } from "./call.js";
import type { Optional } from "./values.js";

/** A query parameter, not encoded, such as `{ name: "page[size]", value: "10" }`. */
export interface ApiParameter {
  name: string;
  value: string;
}

/** A request. */
export interface ApiRequest {
  method: "get" | "post" | "patch" | "delete";
  /** The path, not encoded, such as `/api/campaigns`. What could be read in two ways is `invalid-input`. */
  path: string;
  query?: Optional<readonly ApiParameter[]>;
  /** An object or an array, of which JSON is made, or the text of a JSON document, sent as it is written. Not for `get`. */
  body?: Optional<object | string>;
  /** Such as `2025-01-15`, or `2025-01-15.pre`. Left out: the connector's oldest revision. */
  revision?: Optional<string>;
}

/** An answer with status 2xx. */
export interface ApiResponse {
  status: number;
  /** The text of Klaviyo's JSON document, as Klaviyo wrote it; empty when there is none. */
  body: string;
  /** The `query` of the next page, when there is one: repeat the request with it. */
  next?: ApiParameter[];
}

/** Any other operation of Klaviyo's API. */
export interface ApiFunctions {
  /**
   * Sends a request, where the option `api` allows it. One request. `get` is safe to repeat; what another method does
   * twice, and which scopes it needs, Klaviyo's documentation says.
   */
  callApi(request: ApiRequest, options?: CallOptions): Call<ApiResponse>;
}
