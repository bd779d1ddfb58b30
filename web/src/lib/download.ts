// Files the page makes: a conversation as Markdown, anything as JSON.
import type { Message } from './api/types';

export function toMarkdown(title: string, path: readonly Message[], names: { user: string; assistant: string; sources: string }): string {
  const parts = [`# ${title}`];
  for (const message of path) {
    parts.push(`## ${message.role === 'user' ? names.user : names.assistant}`, message.content);
    const citations = message.data.grounding?.citations ?? [];
    if (citations.length === 0) continue;
    parts.push(`${names.sources}:`, citations.map((c, i) => `${i + 1}. “${c.quote}” (${c.file})`).join('\n'));
  }
  return parts.join('\n\n') + '\n';
}

const fileName = (title: string) => title.replace(/[\\/:*?"<>|\u0000-\u001f]+/g, ' ').trim().slice(0, 80) || 'bantam';

export function save(title: string, extension: 'md' | 'json', text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: extension === 'md' ? 'text/markdown' : 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${fileName(title)}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
