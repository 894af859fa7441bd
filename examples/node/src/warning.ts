import process from "node:process";

/** Warns whoever runs the process. */
export function warn(message: string, code: "KLAVIYO_REVISION" | "KLAVIYO_OBSERVER"): void {
  // Not every runtime that calls itself compatible has it.
  if (typeof process.emitWarning === "function") {
    const type = code === "KLAVIYO_REVISION" ? "KlaviyoRevisionWarning" : "KlaviyoObserverWarning";
    process.emitWarning(message, { type, code });
  } else {
    console.warn(message);
  }
}
