/** An answer with its status and its body, parsed where it is JSON. */
export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** Sends JSON and takes whatever comes back, errors too. */
export async function ask<Body = Record<string, unknown>>(
  url: string,
  options: { authorization?: string | undefined; method?: string; body?: unknown } = {},
): Promise<Answer<Body>> {
  const { authorization, body } = options;
  const response = await fetch(url, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) as Body };
}
