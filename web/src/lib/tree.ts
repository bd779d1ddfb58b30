// A conversation is a tree of messages: editing or retrying adds a sibling, and the head says which leaf is shown.
import type { Message } from './api/types';

export class Tree {
  private readonly byId = new Map<string, Message>();
  private readonly childrenOf = new Map<string | null, Message[]>();

  constructor(messages: readonly Message[]) {
    for (const message of messages) this.byId.set(message.id, message);
    for (const message of messages) {
      // A parent that is gone makes a root, rather than hiding what hangs below it.
      const parent = message.parent !== null && this.byId.has(message.parent) ? message.parent : null;
      const siblings = this.childrenOf.get(parent);
      if (siblings) siblings.push(message);
      else this.childrenOf.set(parent, [message]);
    }
  }

  get(id: string | null): Message | undefined {
    return id === null ? undefined : this.byId.get(id);
  }

  children(parent: string | null): readonly Message[] {
    return this.childrenOf.get(parent) ?? [];
  }

  // From the root to `head`. A cycle, which only a damaged import can have, ends the path.
  path(head: string | null): Message[] {
    const path: Message[] = [];
    const seen = new Set<string>();
    for (let message = this.get(head); message && !seen.has(message.id); message = this.get(message.parent)) {
      seen.add(message.id);
      path.push(message);
    }
    return path.reverse();
  }

  siblings(id: string): readonly Message[] {
    const message = this.byId.get(id);
    if (!message) return [];
    const parent = message.parent !== null && this.byId.has(message.parent) ? message.parent : null;
    return this.children(parent);
  }

  // The leaf that is shown when `id` is chosen: always the newest child.
  leaf(id: string): string {
    let leaf = id;
    const seen = new Set<string>();
    while (!seen.has(leaf)) {
      seen.add(leaf);
      const last = this.children(leaf).at(-1);
      if (!last) break;
      leaf = last.id;
    }
    return leaf;
  }

  newestLeaf(): string | null {
    const root = this.children(null).at(-1);
    return root ? this.leaf(root.id) : null;
  }
}
