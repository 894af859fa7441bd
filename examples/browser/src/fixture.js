// A call and what crossed `http` meanwhile, as a fixture that every runtime can replay.

import { toContract } from "./contract.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The fixture of a call, as text. */
export function fixture(label, { name, values, exchanges, result }) {
  const document = {
    name: label,
    call: { function: name, arguments: values.map(toContract) },
    exchanges: exchanges.map(({ request, response, failure }) => ({
      request: {
        method: request.method.toUpperCase(),
        url: request.url,
        headers: headers(request),
        auth: request.auth,
        ...body(request.body, "body"),
      },
      response: failure
        ? { error: { [failure.tag]: failure.val } }
        : { status: response.status, headers: headers(response), ...body(response.body, "text") },
    })),
    returns: result.err ? { err: withoutSentence(toContract(result.err)) } : { ok: toContract(result.ok) },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const headers = ({ headers }) => Object.fromEntries(headers.map(({ name, value }) => [name, value]));

/** As JSON where that keeps each byte's meaning; else as text, and where it is no text, in base64. */
function body(bytes, text) {
  if (bytes.length === 0) return {};
  let decoded;
  try {
    decoded = decoder.decode(bytes);
  } catch {
    return { base64: btoa(String.fromCharCode(...bytes)) };
  }
  try {
    const parsed = JSON.parse(decoded);
    if (JSON.stringify(parsed) === decoded) return { json: parsed };
  } catch {
    // It is text.
  }
  return { [text]: decoded };
}

/** Sentences may change; the rest of an error may not. */
const withoutSentence = ({ message, ...error }) => error;
