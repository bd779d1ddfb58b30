// One door to the server: every request carries the key, every failure becomes an ApiFailure.

export class ApiFailure extends Error {
  constructor(
    readonly status: number, // 0: no answer came at all
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const kKey = 'bantam.key';
export const apiKey = {
  get: (): string => localStorage.getItem(kKey) ?? '',
  set(key: string) {
    if (key) localStorage.setItem(kKey, key);
    else localStorage.removeItem(kKey);
  },
  // Tells one key's things in this browser from another's; the key does not follow from it. '' without a key.
  tag(): string {
    let hash = 0x811c9dc5; // FNV-1a
    for (const character of this.get()) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
    return this.get() && hash.toString(16);
  },
};

// OpenAI's {"error":{"message","code"}} or Ollama's {"error":"message"}.
export async function failureOf(response: Response): Promise<ApiFailure> {
  let code = '';
  let message = `${response.status} ${response.statusText}`;
  try {
    const { error } = await response.json();
    if (typeof error === 'string') message = error;
    else if (error) {
      message = String(error.message ?? message);
      code = String(error.code ?? error.type ?? '');
    }
  } catch {
    // not JSON: the status line has to do
  }
  return new ApiFailure(response.status, code, message);
}

export async function send(method: string, path: string, body?: BodyInit | object, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = apiKey.get();
  if (key) headers.set('Authorization', `Bearer ${key}`);
  let payload: BodyInit | undefined;
  if (body instanceof Blob || typeof body === 'string') payload = body;
  else if (body !== undefined) {
    payload = JSON.stringify(body);
    headers.set('Content-Type', 'application/json');
  }
  let response: Response;
  try {
    response = await fetch(path, { ...init, method, headers, body: payload, cache: 'no-store' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiFailure(0, 'unreachable', 'no answer from the server');
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

export async function json<T>(method: string, path: string, body?: object, init?: RequestInit): Promise<T> {
  const response = await send(method, path, body, init);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const segment = encodeURIComponent;
