// Conversations and messages on their way to the server. They wait in localStorage until the server has them, so neither
// a server that is gone nor a closed page loses one. Both requests may be repeated: the page chose their ids.
import { createConversation, putMessage } from './api/conversations';
import { ApiFailure } from './api/http';
import type { ChatSettings, Message } from './api/types';

type Item =
  | { conversation: string; create: { title: string; settings: ChatSettings } }
  | { conversation: string; message: Message };

const kKey = 'bantam.outbox';

function read(): Item[] {
  try {
    return JSON.parse(localStorage.getItem(kKey) ?? '[]');
  } catch {
    return [];
  }
}

const write = (items: Item[]) => localStorage.setItem(kKey, JSON.stringify(items));

async function deliver(item: Item) {
  if ('create' in item) {
    await createConversation({ id: item.conversation, ...item.create }).catch((error) => {
      if (!(error instanceof ApiFailure && error.status === 409)) throw error; // it was made, and the answer got lost
    });
  } else await putMessage(item.conversation, item.message);
}

let running: Promise<void> | null = null;

const forget = (delivered: string) => write(read().filter((item) => JSON.stringify(item) !== delivered));

// Those of a conversation go in order. What the server will never take (too large, malformed) holds up only its own
// conversation; a failure that is the server's or the key's ends the round.
async function deliverAll() {
  const heldUp = new Set<string>();
  let failure: unknown;
  const next = () => read().find((item) => !heldUp.has(item.conversation));
  for (let item = next(); item; item = next()) {
    const delivered = JSON.stringify(item);
    try {
      await deliver(item);
      forget(delivered);
    } catch (error) {
      if (!(error instanceof ApiFailure) || ![400, 404, 413, 422].includes(error.status)) throw error;
      if (error.status === 404) forget(delivered); // the conversation was deleted meanwhile
      else heldUp.add(item.conversation);
      if (error.status !== 404) failure = error;
    }
  }
  if (failure) throw failure;
}

export const outbox = {
  create(conversation: string, title: string, settings: ChatSettings) {
    write([...read(), { conversation, create: { title, settings } }]);
  },
  put(conversation: string, message: Message) {
    const others = read().filter((item) => !('message' in item && item.message.id === message.id));
    write([...others, { conversation, message }]);
  },
  forget(conversation: string) {
    write(read().filter((item) => item.conversation !== conversation));
  },
  waiting: (): boolean => read().length > 0,
  messages: (conversation: string): Message[] =>
    read().flatMap((item) => (item.conversation === conversation && 'message' in item ? [item.message] : [])),
  // Throws the ApiFailure that stopped it.
  flush(): Promise<void> {
    running ??= deliverAll().finally(() => (running = null));
    return running;
  },
};
