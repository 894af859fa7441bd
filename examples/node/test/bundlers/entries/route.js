import { run } from "./run.js";

export const dynamic = "force-dynamic";

export const GET = async (request) => Response.json(await run(new URL(request.url).searchParams.getAll("value")));
