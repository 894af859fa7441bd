// The page; or, where there is no document, a thread of it that runs a component which nobody knows.

await (typeof document === "undefined" ? import("./worker.js") : import("./main.js"));
