import type { Sandbox } from "../sandbox.js";
import type { AccountFunctions } from "../types/account.js";

export const accountFunctions = (sandbox: Sandbox): AccountFunctions => ({
  accountDetails: async () => sandbox.call("account", "get"),
});
