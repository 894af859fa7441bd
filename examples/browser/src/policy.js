// What a component may ask the page's host to send. The rest is denied, with the name of the setting that decides it.

export const policy = {
  /** Where requests may go. */
  origins: ["https://a.klaviyo.com"],
  /** Headers that the host sets, and no component. */
  hostHeaders: ["authorization", "connection", "content-length", "cookie", "host", "proxy-authorization", "transfer-encoding"],
  /** The methods of what `api.call`, which can ask for anything, may ask for. It may read. */
  api: ["get"],
};

/** Refuses a request that is not allowed while the function `called` runs. */
export function refuse({ url, headers, function: name, method }, called) {
  if (name !== called) deny(`the request says that it is for ${JSON.stringify(name)}, and the call is of ${called}`);
  if (name === "api.call" && !policy.api.includes(method)) {
    deny(`api.call may not ask with ${method}: \`policy.api\` has ${policy.api.join(", ")} and nothing else`);
  }
  if (!URL.canParse(url) || new URL(url).href !== url) deny("the request's URL is not one in its normal form");
  const { origin, username, password, hash } = new URL(url);
  if (username || password || hash) deny("the request's URL has user information or a fragment");
  if (!policy.origins.includes(origin)) {
    deny(`requests to ${origin} are not allowed; \`policy.origins\` has ${policy.origins.join(", ")} and nothing else`);
  }
  for (const header of headers) {
    if (policy.hostHeaders.includes(header.name.toLowerCase())) {
      deny(`the header ${header.name.toLowerCase()} is the host's: \`policy.hostHeaders\` has it, so no component sends it`);
    }
  }
}

function deny(sentence) {
  throw { payload: { tag: "denied", val: sentence } };
}
