// The list of conversations: search, pins, folders.
import * as api from '../lib/api/conversations';
import { ApiFailure } from '../lib/api/http';
import type { Conversation, ConversationSummary } from '../lib/api/types';
import { now } from '../lib/ids';
import { outbox } from '../lib/outbox';
import { server } from './server.svelte';

const kPageSize = 50;

class Library {
  conversations = $state.raw<ConversationSummary[]>([]);
  found = $state.raw<ConversationSummary[] | null>(null); // of the search, if there is one
  more = $state(false);
  loaded = $state(false);
  private asked = 0;

  get folders(): string[] {
    return [...new Set(this.conversations.map(({ folder }) => folder).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  }

  async refresh() {
    try {
      const page = await api.listConversations({ limit: kPageSize });
      this.conversations = page.conversations;
      this.more = page.more;
      this.loaded = true;
    } catch (error) {
      server.lost(error);
    }
  }

  async loadMore() {
    const before = this.conversations.filter(({ pinned }) => !pinned).at(-1)?.updated;
    const page = await api.listConversations({ limit: kPageSize, before });
    const known = new Set(this.conversations.map(({ id }) => id));
    this.conversations = [...this.conversations, ...page.conversations.filter(({ id }) => !known.has(id))];
    this.more = page.more;
  }

  async search(q: string) {
    const asked = ++this.asked;
    if (!q.trim()) {
      this.found = null;
      return;
    }
    try {
      const page = await api.listConversations({ q: q.trim(), limit: kPageSize });
      if (asked === this.asked) this.found = page.conversations;
    } catch (error) {
      server.lost(error);
    }
  }

  // A conversation that was made or spoken in comes to the top.
  touch(id: string, changes: Partial<ConversationSummary>) {
    const known = this.conversations.find((conversation) => conversation.id === id);
    const fresh = { id, title: '', created: now(), pinned: false, folder: '', messages: 0, ...known, ...changes, updated: now() };
    this.conversations = [fresh, ...this.conversations.filter((conversation) => conversation.id !== id)];
  }

  async change(id: string, changes: Partial<Pick<Conversation, 'title' | 'pinned' | 'folder'>>) {
    const apply = (list: ConversationSummary[]) => list.map((one) => (one.id === id ? { ...one, ...changes } : one));
    this.conversations = apply(this.conversations);
    if (this.found) this.found = apply(this.found);
    await api.patchConversation(id, changes);
  }

  async remove(id: string) {
    await api.deleteConversation(id).catch((error) => {
      if (!(error instanceof ApiFailure && error.status === 404)) throw error; // it never reached the server
    });
    outbox.forget(id);
    this.conversations = this.conversations.filter((conversation) => conversation.id !== id);
    if (this.found) this.found = this.found.filter((conversation) => conversation.id !== id);
  }
}

export const library = new Library();
