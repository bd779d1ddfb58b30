// What the server says and takes: the shapes of its JSON.

export interface ModelInfo {
  name: string;
  context: number;
  loaded: boolean;
  bytes: number;
  format: string;
  default?: boolean;
}

export interface ServerInfo {
  version: string;
  keys: boolean;
  owner: boolean;
  models: ModelInfo[];
  documents: { files: number; passages: number; indexing: boolean };
}

export interface Citation {
  document?: string; // the id that opens it
  file: string;
  title: string;
  heading?: string;
  page?: number | null;
  start: number; // offsets are bytes of the file's extracted text
  end: number;
  quote: string;
  answer_start?: number | null;
  answer_end?: number | null;
}

export interface Grounding {
  abstained: boolean;
  confidence?: number;
  written: boolean; // by the model; else quoted
  citations: Citation[];
  nearest?: Citation[];
  rejected?: string[]; // sentences of the model that their passages do not say
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
}

export interface MessageData {
  model?: string;
  source?: Source;
  usage?: Usage;
  tokens_per_second?: number;
  grounding?: Grounding;
  finish_reason?: string;
  stopped?: boolean;
  failure?: { status: number; code: string; message: string };
}

export type Role = 'user' | 'assistant';

export interface Message {
  id: string;
  parent: string | null;
  role: Role;
  content: string;
  created: number;
  data: MessageData;
}

// Where an answer comes from: a collection of documents, or the model alone.
export type Source = 'manual' | 'documents' | 'model';

export interface ChatSettings {
  model?: string;
  source?: Source;
  system?: string;
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  repetition_penalty?: number;
  max_tokens?: number;
  seed?: number;
  leave_out_oldest?: boolean;
  write?: boolean; // false: answers from documents are quoted, whatever the model could write
}

export interface ConversationSummary {
  id: string;
  title: string;
  created: number;
  updated: number;
  pinned: boolean;
  folder: string;
  messages: number;
  snippet?: string;
}

export interface Conversation extends Omit<ConversationSummary, 'messages' | 'snippet'> {
  settings: ChatSettings;
  head: string | null;
  messages: Message[];
}

export interface DocumentFile {
  id: string;
  name: string;
  title: string;
  bytes: number;
  passages: number;
  added: number;
  deletable?: boolean;
}

export interface DocumentList {
  files: DocumentFile[];
  found: number; // those listed and those that are not
  more: boolean; // some are not listed
  indexing: { running: boolean; done: number; total: number; current: string };
  problems: { file: string; reason: string }[];
}

export interface Passage {
  id: string;
  name: string;
  title: string;
  text: string;
  start: number;
  end: number;
  bytes: number;
}

export interface OwnedModel {
  name: string;
  bytes: number;
  memory: number;
  context: number;
  loaded: boolean;
  format: string;
  licence: string;
  embedded?: boolean; // inside the program: cannot be deleted
}

export interface KeyInfo {
  id: string;
  name: string;
  scopes: string[]; // none: everything
  created: number;
  revoked: boolean;
  limits: KeyLimits;
}

// 0: no limit.
export interface KeyLimits {
  requests_per_minute: number;
  tokens_per_minute: number;
  requests_per_day: number;
  tokens_per_day: number;
  concurrent: number;
  budget_month: number;
}

export interface UsageRow {
  day: string; // 2026-11-26
  key: string;
  name?: string; // of the key
  model: string;
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost?: number;
}

export interface Load {
  waiting: number;
  running: number;
  pages_used: number;
  pages_total: number;
  tokens_per_second: number;
  prefix_hits?: number;
}
