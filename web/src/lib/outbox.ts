// Conversations and messages on their way to the server. They wait in localStorage until the server has them, so neither
// a server that is gone nor a closed page loses one. Both requests may be repeated: the page chose their ids. What was
// written with one key is neither shown to nor sent with another.
import { createConversation, putMessage } from './api/conversations';
import { ApiFailure, apiKey } from './api/http';
import type { ChatSettings, Message } from './api/types';

interface Create {
  title: string;
  settings: ChatSettings;
}

interface Item {
  conversation: string;
  key?: string; // the tag of the one it was written with; none: before there were keys
  moved?: boolean; // from a key that the server refused: its conversation may not be there for this one
  create?: Create;
  message?: Message;
}

const kKey = 'bantam.outbox';

function read(): Item[] {
  try {
    return JSON.parse(localStorage.getItem(kKey) ?? '[]');
  } catch {
    return [];
  }
}

const write = (items: Item[]) => localStorage.setItem(kKey, JSON.stringify(items));
const isMine = (item: Item) => !item.key || item.key === apiKey.tag();
const mine = () => read().filter(isMine);
const add = (item: Item) => write([...read(), item]);

async function deliver({ conversation, create, message }: Item) {
  if (create) {
    await createConversation({ id: conversation, ...create }).catch((error) => {
      if (!(error instanceof ApiFailure && error.status === 409)) throw error; // it was made, and the answer got lost
    });
  }
  if (message) await putMessage(conversation, message);
}

let running: Promise<void> | null = null;

const forget = (delivered: string) => write(read().filter((item) => JSON.stringify(item) !== delivered));

// Makes a conversation of their own from what waits for one that this key does not have.
function detach(conversation: string) {
  const items = read();
  const waiting = items.filter((item) => item.conversation === conversation && isMine(item));
  const ids = new Set(waiting.map(({ message }) => message?.id));
  const title = waiting.find(({ message }) => message?.role === 'user')?.message?.content.slice(0, 60) ?? '';
  const detached = waiting.map(({ message, ...item }) => ({
    ...item, moved: undefined, message: message && { ...message, parent: ids.has(message.parent ?? undefined) ? message.parent : null },
  }));
  write([...items.filter((item) => !waiting.includes(item)), { conversation, key: apiKey.tag(), create: { title, settings: {} } }, ...detached]);
}

// Those of a conversation go in order. What the server will never take (too large, malformed) holds up only its own
// conversation; a failure that is the server's or the key's ends the round.
async function deliverAll() {
  const heldUp = new Set<string>();
  let failure: unknown;
  const next = () => mine().find((item) => !heldUp.has(item.conversation));
  for (let item = next(); item; item = next()) {
    const delivered = JSON.stringify(item);
    try {
      await deliver(item);
      forget(delivered);
    } catch (error) {
      if (!(error instanceof ApiFailure) || ![400, 404, 413, 422].includes(error.status)) throw error;
      if (error.status === 404 && item.moved) detach(item.conversation);
      else if (error.status === 404) forget(delivered); // the conversation was deleted meanwhile
      else {
        heldUp.add(item.conversation);
        failure = error;
      }
    }
  }
  if (failure) throw failure;
}

export const outbox = {
  create(conversation: string, title: string, settings: ChatSettings) {
    add({ conversation, key: apiKey.tag(), create: { title, settings } });
  },
  // `key`: the tag of the one it was written with.
  put(conversation: string, message: Message, key = apiKey.tag()) {
    write(read().filter((item) => item.message?.id !== message.id));
    add({ conversation, key, message });
  },
  forget(conversation: string) {
    write(read().filter((item) => item.conversation !== conversation || !isMine(item)));
  },
  // The key of that tag will not be taken again: what waits for it is the present key's.
  take(tag: string) {
    write(read().map((item) => ((item.key ?? '') === tag ? { ...item, key: apiKey.tag(), moved: true } : item)));
  },
  waiting: (): boolean => mine().length > 0,
  messages: (conversation: string): Message[] =>
    mine().flatMap((item) => (item.conversation === conversation && item.message ? [item.message] : [])),
  // Throws the ApiFailure that stopped it.
  flush(): Promise<void> {
    running ??= deliverAll().finally(() => (running = null));
    return running;
  },
};
