// The list of conversations in the order a person looks for them: pinned, by folder, by day.
import type { ConversationSummary } from './api/types';

export interface Group {
  kind: 'pinned' | 'folder' | 'today' | 'week' | 'older';
  name: string; // of the folder
  conversations: ConversationSummary[];
}

const kDay = 86_400; // seconds

export function grouped(conversations: readonly ConversationSummary[], nowSeconds: number): Group[] {
  const groups = new Map<string, Group>();
  const midnight = new Date(nowSeconds * 1000).setHours(0, 0, 0, 0) / 1000;
  const kindOf = ({ pinned, folder, updated }: ConversationSummary): Group['kind'] => {
    if (pinned) return 'pinned';
    if (folder) return 'folder';
    return updated >= midnight ? 'today' : updated >= midnight - 6 * kDay ? 'week' : 'older';
  };
  for (const conversation of conversations) {
    const kind = kindOf(conversation);
    const name = kind === 'folder' ? conversation.folder : '';
    const key = kind + name;
    if (!groups.has(key)) groups.set(key, { kind, name, conversations: [] });
    groups.get(key)!.conversations.push(conversation);
  }
  const kOrder: Group['kind'][] = ['pinned', 'folder', 'today', 'week', 'older'];
  return [...groups.values()].sort((a, b) => kOrder.indexOf(a.kind) - kOrder.indexOf(b.kind) || a.name.localeCompare(b.name));
}
