import { chunksOf, LineDecoder } from '../sse';
import { ApiFailure, json, segment, send } from './http';
import type { KeyInfo, KeyLimits, Load, OwnedModel, UsageRow } from './types';

// A list that may come bare or as the only field of an object.
async function list<T>(path: string, field: string): Promise<T[]> {
  const found = await json<T[] | Record<string, T[]>>('GET', path);
  return Array.isArray(found) ? found : (found[field] ?? []);
}

export const listModels = (): Promise<OwnedModel[]> => list('/bantam/models', 'models');
export const loadModel = (name: string): Promise<unknown> => json('POST', `/bantam/models/${segment(name)}/load`);
export const unloadModel = (name: string): Promise<unknown> => json('POST', `/bantam/models/${segment(name)}/unload`);
export const deleteModel = (name: string): Promise<unknown> => send('DELETE', '/api/delete', { model: name });

export interface PullProgress {
  status: string;
  completed?: number;
  total?: number;
}

export async function* pullModel(name: string, signal: AbortSignal): AsyncGenerator<PullProgress> {
  const response = await send('POST', '/api/pull', { model: name, stream: true }, { signal });
  const decoder = new LineDecoder();
  const progressOf = (line: string): PullProgress => {
    const progress = JSON.parse(line);
    if (progress.error) throw new ApiFailure(500, 'pull_failed', progress.error);
    return progress;
  };
  for await (const chunk of chunksOf(response)) for (const line of decoder.push(chunk)) yield progressOf(line);
  for (const line of decoder.end()) yield progressOf(line);
}

export const listKeys = (): Promise<KeyInfo[]> => list('/bantam/keys', 'keys');
export const createKey = (key: { name: string; scopes: string[]; limits: KeyLimits }): Promise<KeyInfo & { key: string }> =>
  json('POST', '/bantam/keys', key);
export const patchKey = (id: string, changes: { limits: KeyLimits }): Promise<KeyInfo> =>
  json('PATCH', `/bantam/keys/${segment(id)}`, changes);
export const deleteKey = (id: string): Promise<void> => json('DELETE', `/bantam/keys/${segment(id)}`);

const kLocal = 'local'; // what was used before there were keys

// By the keys' names, as far as they still have one; '' without a key.
export async function usage(days: number): Promise<UsageRow[]> {
  const rows = await list<UsageRow>(`/bantam/usage?days=${days}`, 'rows');
  return rows.map((row) => ({ ...row, key: row.key === kLocal ? '' : (row.name ?? row.key) }));
}

export const load = (): Promise<Load> => json('GET', '/bantam/load');
