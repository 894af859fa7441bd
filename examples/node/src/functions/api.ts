import type { Method, Parameter, Request } from "../../generated/interfaces/klaviyo-connector-api.js";
import { document } from "../json.js";
import { listOrNone, oneOf, optional, record, text } from "../reader.js";
import type { Functions } from "../call.js";
import type { ApiFunctions } from "../types/api.js";

const request = record<Request>({
  method: oneOf<Method>("get", "post", "patch", "delete"),
  path: text,
  query: listOrNone(record<Parameter>({ name: text, value: text })),
  body: optional(document),
  revision: optional(text),
});

export const apiFunctions: Functions<ApiFunctions> = {
  callApi: async (call, value) => call("api", "call", request(value, [])),
};
