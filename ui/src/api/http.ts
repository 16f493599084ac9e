// Requests to the server that the page came from, below whatever prefix it was served.
import { answerPlainly } from './plainServer';
import { parseJson, toJson } from '../common/json';

const base = new URL('.', document.baseURI).href.replace(/\/$/, '');

export const url = (path: string) => base + path;

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: the server could not be reached
    message: string,
  ) {
    super(message);
  }
}

const keyName = 'weir.apiKey';
const unauthorised = new EventTarget();

/** Calls `listener` when the server wants an API key; returns how to stop that. */
export function onUnauthorised(listener: () => void): () => void {
  unauthorised.addEventListener('needed', listener);
  return () => unauthorised.removeEventListener('needed', listener);
}

/** Kept as long as the tab. */
export function setApiKey(key: string) {
  sessionStorage.setItem(keyName, key);
}

export function headers(more: Record<string, string> = {}): Record<string, string> {
  const key = sessionStorage.getItem(keyName);
  return key ? { ...more, authorization: `Bearer ${key}` } : more;
}

function messageOf(status: number, text: string): string {
  try {
    const detail = (JSON.parse(text) as { detail?: unknown }).detail;
    if (typeof detail === 'string') return detail;
  } catch {
    // no JSON: the text itself
  }
  return text || `The server answered with status ${status}`;
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url(path), init);
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError(0, 'The server cannot be reached');
  }
  if (response.status === 401) unauthorised.dispatchEvent(new Event('needed'));
  return response;
}

let isWeir: Promise<boolean> | null = null;

/** Does the server have what Weir adds to the protocol? Asked once. */
export function speaksWeir(): Promise<boolean> {
  isWeir ??= request('/ui/config', {}).then(response => response.status !== 404);
  isWeir.catch(() => (isWeir = null)); // it could not be reached: ask again
  return isWeir;
}

/** The body; handlers that failed are answered with an error's status and a body like any other. */
async function ask(path: string, signal?: AbortSignal): Promise<unknown> {
  const response = await request(path, { headers: headers(), signal });
  const text = await response.text();
  if (response.ok || text.startsWith('{"handler_id"')) return parseJson(text);
  throw new ApiError(response.status, messageOf(response.status, text));
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const plain = !(await speaksWeir());
  return (plain ? await answerPlainly(path, asked => ask(asked, signal)) : await ask(path, signal)) as T;
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  const response = await request(path, {
    method: 'POST',
    headers: headers({ 'content-type': 'application/json' }),
    body: body === undefined ? undefined : toJson(body),
  });
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, messageOf(response.status, text));
  return (text ? parseJson(text) : undefined) as T;
}
