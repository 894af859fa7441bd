// Where requests go: to Klaviyo, or to what stands for it.

/** The origin that the component writes. */
const KLAVIYO = "https://a.klaviyo.com";

/** The origin in an endpoint, or a sentence that says why it is none. */
export function origin(endpoint: string): { origin: string } | { reason: string } {
  if (!/^https?:\/\/[^/?#@\\*\s]+\/?$/.test(endpoint)) {
    const example = "expected an origin, such as https://klaviyo.example.com:8443, and nothing after it";
    return { reason: `${example}; leave it out for Klaviyo itself` };
  }
  return URL.canParse(endpoint) ? { origin: new URL(endpoint).origin } : { reason: "its host or port is not valid" };
}

/** Where a request for this address goes, or a sentence that says why it goes nowhere. */
export function route(address: string, endpoint: string | undefined): { url: string } | { reason: string } {
  // A URL that two parsers could read in two ways is the oldest trick against rules like these.
  if (!URL.canParse(address) || new URL(address).href !== address) {
    return { reason: "the request's URL is not one in its normal form" };
  }
  const url = new URL(address);
  if (url.username || url.password || url.hash || address.endsWith("#")) {
    return { reason: "the request's URL has user information or a fragment" };
  }
  if (url.origin !== KLAVIYO) {
    return { reason: `requests to ${url.origin} are not allowed; the component may ask for ${KLAVIYO} alone` };
  }
  return { url: endpoint === undefined ? address : endpoint + address.slice(KLAVIYO.length) };
}
