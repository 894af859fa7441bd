import { run } from "./run.js";

export default {
  fetch: async (request) => Response.json(await run(new URL(request.url).searchParams.getAll("value"))),
};
