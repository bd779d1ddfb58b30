import { json, segment, send } from './http';
import type { DocumentList, Passage } from './types';

// Those whose name or title holds `q`, at most `limit`.
export const listDocuments = (q: string, limit: number): Promise<DocumentList> =>
  json('GET', `/bantam/documents?${new URLSearchParams({ q, limit: String(limit) })}`);

export async function uploadDocument(file: File): Promise<{ id: string; name: string }> {
  const response = await send('POST', `/bantam/documents?name=${segment(file.name)}`, file, {
    headers: { 'Content-Type': 'application/octet-stream' },
  });
  return response.json();
}

export const addFolder = (path: string): Promise<unknown> => json('POST', '/bantam/documents/folder', { path });

export const deleteDocument = (id: string): Promise<void> => json('DELETE', `/bantam/documents/${segment(id)}`);

export const readPassage = (id: string, start: number, end: number): Promise<Passage> =>
  json('GET', `/bantam/documents/${segment(id)}/text?start=${start}&end=${end}`);
