import type { Functions } from "../call.js";
import type { AccountFunctions } from "../types/account.js";

export const accountFunctions: Functions<AccountFunctions> = {
  accountDetails: async (call) => call("account", "get"),
};
