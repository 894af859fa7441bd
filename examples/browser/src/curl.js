// What the connector sends, as a script of a shell. It repeats these requests; it decides nothing.

const decoder = new TextDecoder();

/** The requests of a call, each with what it needs of the answers before it. */
export function curl(exchanges) {
  if (exchanges.length === 0) return "# The connector sends nothing: it refuses these values.\n";
  const requests = exchanges.map(({ request }) => `${request.url} ${decoder.decode(request.body)}`);
  const known = [];
  const commands = exchanges.map((exchange, index) => {
    const command = written(exchange.request, known);
    const id = found(exchange.response, requests.slice(index + 1), known);
    if (!id) return `${command}\n`;
    known.push(id);
    return `${id.name}=$(${command} | jq --raw-output '${id.path}')\n`;
  });
  return `# What the connector sends for this. It looks at each answer and decides; a script repeats.
klaviyo() {
  curl --silent --show-error --fail-with-body --header "Authorization: Klaviyo-API-Key $KLAVIYO_API_KEY" "$@"
}
at=\${KLAVIYO_ENDPOINT:-https://a.klaviyo.com}

${commands.join("\n")}`;
}

function written({ method, url, headers, body }, known) {
  const { origin } = new URL(url);
  const parts = [
    `klaviyo --request ${method.toUpperCase()} "$at"${quoted(url.slice(origin.length), known)}`,
    ...headers.map(({ name, value }) => `--header ${quoted(`${name}: ${value}`, known)}`),
  ];
  if (body.length > 0) parts.push(`--data-raw ${quoted(decoder.decode(body), known)}`);
  return parts.join(" \\\n  ");
}

/** A word of the shell. What came with an answer is a variable in it. */
function quoted(text, known) {
  const plain = (part) => `'${part.replaceAll("'", "'\\''")}'`;
  let words = [text];
  for (const { name, value } of known) {
    words = words.flatMap((word) =>
      typeof word === "string" ? word.split(value).flatMap((part, index) => (index ? [{ name }, part] : [part])) : [word],
    );
  }
  return words.map((word) => (typeof word === "string" ? plain(word) : `"$${word.name}"`)).join("");
}

/** An id in an answer that a later request has. */
function found(response, later, known) {
  let document;
  try {
    document = JSON.parse(decoder.decode(response?.body));
  } catch {
    return undefined;
  }
  const { data } = document;
  const [resource, path] = Array.isArray(data) ? [data[0], ".data[0].id"] : [data, ".data.id"];
  const value = resource?.id;
  if (!value || known.some((id) => id.value === value) || !later.some((request) => request.includes(value))) return undefined;
  return { name: `${resource.type.replace(/\W/g, "_")}_id`, path, value };
}
