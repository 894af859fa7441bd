import express from "express";
import { run } from "./run.js";

const app = express();
app.use(express.json());
app.post("/opt-in", async ({ body }, response) => response.json(await run(body.values)));
const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
