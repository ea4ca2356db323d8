import type { CenterAccess } from '../harness/server.ts';

/** An answer as it came: its body as text, and as JSON where it is some. */
export interface Answer {
  status: number;
  text: string;
  headers: Headers;
  json: Json;
}

export interface RequestOptions {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Asks a center's replica: `path` is what follows `/replicas/<centerId>`, as it goes on the line. */
export async function ask(center: CenterAccess, path: string, options: RequestOptions = {}): Promise<Answer> {
  const { origin, pathname } = new URL(center.replicaUrl);
  const { body } = options;
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(`${origin}${pathname}${path}`, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: center.authorization,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: body === undefined ? null : raw ? (body as BodyInit) : JSON.stringify(body),
    signal: options.signal ?? null,
  });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON of a shape that the test itself says. */
export type Json = ReturnType<typeof JSON.parse>;
