import { run } from "./run.js";

const { Deno, process } = globalThis;
console.log(JSON.stringify(await run(Deno ? Deno.args : process.argv.slice(2))));
