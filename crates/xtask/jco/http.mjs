// The host: it alone has the key, and it sends the requests to the simulator.

const { KLAVIYO_ENDPOINT, KLAVIYO_API_KEY } = process.env;

export async function send({ method, url, headers, auth, body }) {
  const { pathname, search } = new URL(url);
  const all = new Headers(headers.map(({ name, value }) => [name, value]));
  all.set("authorization", `${auth} ${KLAVIYO_API_KEY}`);
  const sent = { method: method.toUpperCase(), headers: all, body: body.length ? body : undefined };
  const answer = await fetch(KLAVIYO_ENDPOINT + pathname + search, sent);
  return {
    status: answer.status,
    headers: [...answer.headers].map(([name, value]) => ({ name, value })),
    body: new Uint8Array(await answer.arrayBuffer()),
  };
}
