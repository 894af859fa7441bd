import { run } from "./run.js";

export const handler = async ({ values }) => ({ statusCode: 200, body: JSON.stringify(await run(values)) });
