import { json, segment } from './http';
import type { ChatSettings, Conversation, ConversationSummary, Message } from './types';

export interface ConversationPage {
  conversations: ConversationSummary[];
  more: boolean;
}

export interface Archive {
  version: number;
  conversations: Conversation[];
}

const path = (id: string) => `/bantam/conversations/${segment(id)}`;

export function listConversations(query: { q?: string; before?: number; limit?: number }): Promise<ConversationPage> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) parameters.set(name, String(value));
  return json('GET', `/bantam/conversations?${parameters}`);
}

export const getConversation = (id: string): Promise<Conversation> => json('GET', path(id));

export const createConversation = (conversation: { id: string; title: string; settings: ChatSettings }): Promise<Conversation> =>
  json('POST', '/bantam/conversations', conversation);

export const patchConversation = (id: string, changes: Partial<Conversation>): Promise<Conversation> => json('PATCH', path(id), changes);

export const deleteConversation = (id: string): Promise<void> => json('DELETE', path(id));

export const putMessage = (conversation: string, message: Message, init?: RequestInit): Promise<unknown> => {
  const { parent, role, content, data } = message;
  return json('PUT', `${path(conversation)}/messages/${segment(message.id)}`, { parent, role, content, data }, init);
};

export const exportAll = (): Promise<Archive> => json('GET', '/bantam/export');

export const importAll = (archive: Archive): Promise<{ imported: number; skipped: number }> => json('POST', '/bantam/import', archive);
