// Text that is typed and not yet sent, by conversation ('' for a new one): it outlives the page and the server.

const kPrefix = 'bantam.draft.';

export const drafts = {
  get: (conversation: string): string => localStorage.getItem(kPrefix + conversation) ?? '',
  set(conversation: string, text: string) {
    if (text) localStorage.setItem(kPrefix + conversation, text);
    else localStorage.removeItem(kPrefix + conversation);
  },
};
