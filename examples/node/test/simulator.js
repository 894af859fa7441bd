// The simulator of this repository, `klaviyo-connector mock`, on a free port.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const KLAVIYO = fileURLToPath(new URL("../../../target/klaviyo-connector", import.meta.url));

export async function simulator(...options) {
  if (!existsSync(KLAVIYO)) {
    throw new Error(`there is no ${KLAVIYO}; run \`cargo xtask build\``);
  }
  const rates = options.includes("--rates") ? [] : ["--rates", "off"];
  const process = spawn(KLAVIYO, ["mock", "--port", "0", "--json", ...rates, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => process.once("exit", resolve));
  const [line] = await new Promise((resolve) =>
    createInterface(process.stdout).once("line", (text) => resolve([text])),
  );
  const { url, keys } = JSON.parse(line).ok;
  return {
    url,
    key: keys[0].key,
    state: async () => (await fetch(`${url}/_mock/state`)).json(),
    faults: (...rules) =>
      fetch(`${url}/_mock/faults`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ seed: 7, rules }),
      }),
    stop: () => {
      process.kill("SIGINT");
      return exited;
    },
  };
}
