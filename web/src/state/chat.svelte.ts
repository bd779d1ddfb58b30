// The open conversation: its tree of messages, and the answer that is being written.
import { countTokens, streamChat, type ChatMessage } from '../lib/api/chat';
import { getConversation, patchConversation, putMessage } from '../lib/api/conversations';
import { ApiFailure, apiKey } from '../lib/api/http';
import type { ChatSettings, Message, MessageData, Source } from '../lib/api/types';
import { withoutOldest } from '../lib/context';
import { drafts } from '../lib/drafts';
import { newId, now } from '../lib/ids';
import { outbox } from '../lib/outbox';
import { go } from '../lib/route.svelte';
import { settings as preferences } from '../lib/settings.svelte';
import { Tree } from '../lib/tree';
import { library } from './library.svelte';
import { server } from './server.svelte';

const kTitleCharacters = 60;

export interface Writing {
  id: string;
  text: string;
  pieces: number; // tokens, roughly: one piece each
  firstAt: number; // ms, 0 before the first piece
  data: MessageData;
  key: string; // the tag of the one it is written with
}

const isFailed = (message: Message) => message.data.failure !== undefined && !message.content;

// The beginning of the first question, cut between words where it can be.
function titleOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const start = [...line].slice(0, kTitleCharacters).join('');
  if (start === line) return line;
  const space = start.lastIndexOf(' ');
  return `${space > start.length / 2 ? start.slice(0, space) : start}…`;
}

class Chat {
  id = $state<string | null>(null);
  title = $state('');
  settings = $state<ChatSettings>({});
  messages = $state.raw<Message[]>([]);
  head = $state<string | null>(null);
  writing = $state.raw<Writing | null>(null);
  editing = $state<{ id: string; text: string } | null>(null);
  opening = $state(false);
  failure = $state.raw<unknown>(null); // of opening
  tree = $derived(new Tree(this.messages));
  path = $derived(this.tree.path(this.head));
  private stopper: AbortController | null = null;

  get source(): Source {
    return this.settings.source ?? ((server.info?.documents.files ?? 0) > 0 ? 'documents' : 'manual');
  }

  get model(): string {
    return this.settings.model || server.defaultModel;
  }

  // `again`: also when it is open, for another key may see something else.
  async open(id: string | null, again = false) {
    if (id === this.id && !this.failure && !again) return;
    this.stop();
    this.id = id;
    this.failure = null;
    this.editing = null;
    this.messages = [];
    this.head = null;
    this.title = '';
    this.settings = { ...preferences.chat };
    if (id === null) return;
    this.opening = true;
    try {
      const conversation = await getConversation(id);
      if (this.id !== id) return;
      this.show(conversation.messages, conversation.head);
      this.title = conversation.title;
      this.settings = conversation.settings ?? {};
    } catch (error) {
      if (this.id !== id) return;
      this.show([], null); // what has not reached the server yet is still here
      if (this.messages.length === 0) this.failure = error;
      server.lost(error);
    } finally {
      if (this.id === id) this.opening = false;
    }
  }

  private show(stored: Message[], head: string | null) {
    const waiting = outbox.messages(this.id!);
    const ids = new Set(waiting.map((message) => message.id));
    this.messages = [...stored.filter((message) => !ids.has(message.id)), ...waiting];
    const tree = new Tree(this.messages);
    this.head = waiting.length || !tree.get(head) ? tree.newestLeaf() : head;
  }

  // A new question below the head, or beside `beside` when that one was edited.
  async ask(text: string, beside?: Message) {
    const above = this.tree.get(this.head);
    const parent = beside ? beside.parent : above && isFailed(above) ? above.parent : this.head;
    if (this.id === null) this.begin(text);
    const question: Message = { id: newId(), parent, role: 'user', content: text, created: now(), data: {} };
    this.add(question);
    drafts.set(this.id!, '');
    await this.answer(question);
  }

  edit(message: Message) {
    this.editing = { id: message.id, text: drafts.get(`edit.${message.id}`) || message.content };
  }

  private begin(text: string) {
    drafts.set('', '');
    const id = newId();
    this.id = id;
    this.title = titleOf(text);
    outbox.create(id, this.title, $state.snapshot(this.settings));
    library.touch(id, { title: this.title });
    go(`#/c/${id}`, true);
  }

  private add(message: Message, key = apiKey.tag()) {
    const others = this.messages.filter(({ id }) => id !== message.id);
    this.messages = [...others, message];
    this.head = message.id;
    outbox.put(this.id!, message, key);
    library.touch(this.id!, { messages: this.messages.length });
    void server.save().then(() => this.saveHead());
  }

  private async saveHead() {
    if (!this.id || outbox.waiting()) return;
    await patchConversation(this.id, { head: this.head }).catch((error) => server.lost(error));
  }

  async retry(answer: Message) {
    const question = this.tree.get(answer.parent);
    if (question) await this.answer(question);
  }

  // Writes an answer below `question`; another one that is there stays, as its sibling.
  async answer(question: Message) {
    this.stop();
    const conversation = this.id!;
    this.messages = this.messages.filter((one) => one.parent !== question.id || !isFailed(one));
    this.head = question.id;
    const stopper = new AbortController();
    this.stopper = stopper;
    const source = this.source;
    const data: MessageData = { source, model: source === 'model' ? this.model : undefined };
    let writing: Writing = { id: newId(), text: '', pieces: 0, firstAt: 0, data, key: apiKey.tag() };
    this.writing = writing;
    let frame = 0;
    const draw = () => {
      frame = 0;
      if (this.writing?.id === writing.id) this.writing = writing;
    };
    try {
      for await (const delta of streamChat(this.prompt(question), source, this.model, this.settings, stopper.signal)) {
        writing = {
          ...writing,
          text: writing.text + (delta.text ?? ''),
          pieces: writing.pieces + (delta.text ? 1 : 0),
          firstAt: writing.firstAt || (delta.text ? performance.now() : 0),
        };
        if (delta.usage) data.usage = delta.usage;
        if (delta.grounding) data.grounding = delta.grounding;
        if (delta.grounding?.written) data.model = this.model;
        if (delta.finish_reason) data.finish_reason = delta.finish_reason;
        frame ||= requestAnimationFrame(draw);
      }
    } catch (error) {
      this.note(error, stopper.signal.aborted, data);
    }
    cancelAnimationFrame(frame);
    const seconds = (performance.now() - writing.firstAt) / 1000;
    const tokens = data.usage?.completion_tokens || writing.pieces;
    if (source === 'model' && writing.firstAt && tokens > 1 && seconds > 0) data.tokens_per_second = (tokens - 1) / seconds;
    this.finish(conversation, question, writing, data);
  }

  private note(error: unknown, stopped: boolean, data: MessageData) {
    if (stopped) {
      data.stopped = true;
      return;
    }
    const failure = error instanceof ApiFailure ? error : new ApiFailure(500, '', String((error as Error)?.message ?? error));
    data.failure = { status: failure.status, code: failure.code, message: failure.message };
    server.lost(failure);
  }

  private finish(conversation: string, question: Message, writing: Writing, data: MessageData) {
    const answer: Message = {
      id: writing.id, parent: question.id, role: 'assistant', content: writing.text, created: now(), data: { ...data },
    };
    const shown = this.id === conversation;
    if (this.writing?.id === writing.id) this.writing = null;
    if (data.stopped && !writing.text) return;
    if (isFailed(answer)) {
      // Shown, with what can be done about it, and not kept.
      if (!shown) return;
      this.messages = [...this.messages, answer];
      if (this.head === question.id) this.head = answer.id;
    } else if (shown && this.head === question.id) {
      this.add(answer, writing.key);
    } else {
      // Another branch or conversation is open by now: the answer is kept where it belongs.
      if (shown) this.messages = [...this.messages, answer];
      outbox.put(conversation, answer, writing.key);
      void server.save();
    }
  }

  private prompt(question: Message): ChatMessage[] {
    const path = this.tree.path(question.id).filter((message) => !isFailed(message));
    const kept = this.settings.leave_out_oldest ? withoutOldest(path, this.context) : path;
    const messages: ChatMessage[] = kept.map(({ role, content }) => ({ role, content }));
    const system = this.settings.system?.trim();
    return system ? [{ role: 'system', content: system }, ...messages] : messages;
  }

  get context(): number {
    return server.models.find((model) => model.name === this.model)?.context ?? 0;
  }

  countTokens(text: string, signal: AbortSignal): Promise<number> {
    return countTokens(this.model, text, signal);
  }

  stop() {
    this.stopper?.abort();
    this.stopper = null;
  }

  // Shows the branch that `id` lies on.
  switchTo(id: string) {
    this.stop();
    this.head = this.tree.leaf(id);
    void this.saveHead();
  }

  async set(changes: Partial<ChatSettings>) {
    Object.assign(this.settings, changes);
    preferences.chat = { ...$state.snapshot(this.settings), leave_out_oldest: undefined };
    if (this.id && !outbox.waiting()) {
      await patchConversation(this.id, { settings: $state.snapshot(this.settings) }).catch((error) => server.lost(error));
    }
  }

  // A page that closes keeps what was written so far.
  keepUnfinished() {
    const writing = this.writing;
    if (!writing?.text || !this.id) return;
    const message: Message = {
      id: writing.id, parent: this.head, role: 'assistant', content: writing.text, created: now(),
      data: { ...writing.data, stopped: true },
    };
    outbox.put(this.id, message);
    putMessage(this.id, message, { keepalive: true }).catch(() => {});
  }
}

export const chat = new Chat();
