import { callable } from "./call.js";
import { accountFunctions } from "./functions/account.js";
import { apiFunctions } from "./functions/api.js";
import { bulkFunctions } from "./functions/bulk.js";
import { changesFunctions } from "./functions/changes.js";
import { consentFunctions } from "./functions/consent.js";
import { contactsFunctions } from "./functions/contacts.js";
import { eventsFunctions } from "./functions/events.js";
import { listsFunctions } from "./functions/lists.js";
import { privacyFunctions } from "./functions/privacy.js";
import { segmentsFunctions } from "./functions/segments.js";
import type { Sandbox } from "./sandbox.js";
import type { CallObserver } from "./types/call.js";
import type { Functions, Klaviyo } from "./types/client.js";

/** The contract's functions, as JavaScript has them. */
export function client(sandbox: Sandbox, observer: CallObserver | undefined): Klaviyo {
  const functions = {
    ...contactsFunctions,
    ...listsFunctions,
    ...segmentsFunctions,
    ...consentFunctions,
    ...eventsFunctions,
    ...changesFunctions,
    ...bulkFunctions,
    ...privacyFunctions,
    ...accountFunctions,
    ...apiFunctions,
  };
  return {
    ...callable<Functions>(functions, sandbox, observer),
    close: () => sandbox.close(),
    [Symbol.asyncDispose]: () => sandbox.close(),
  };
}
