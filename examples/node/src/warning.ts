/** Warns whoever runs the process. */
export function warn(message: string, code: "KLAVIYO_REVISION" | "KLAVIYO_OBSERVER"): void {
  const { process } = globalThis;
  // Not every runtime has a process, or one that warns.
  if (typeof process?.emitWarning === "function") {
    const type = code === "KLAVIYO_REVISION" ? "KlaviyoRevisionWarning" : "KlaviyoObserverWarning";
    process.emitWarning(message, { type, code });
  } else {
    console.warn(message);
  }
}
