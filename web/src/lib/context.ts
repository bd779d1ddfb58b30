// How full a model's context is. The server counts tokens; between its counts, characters have to do.
import type { Message } from './api/types';

export const kWarnAt = 0.85; // of the context

// Korean has more tokens to a character than English.
export function estimateTokens(text: string): number {
  let wide = 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x2e80) wide++;
  return Math.ceil(wide * 1.1 + (text.length - wide) / 3.5);
}

const kPerMessage = 6; // the template's tokens around a message

// Tokens of the conversation so far: those the server counted last, and what came after.
export function tokensOf(path: readonly Message[], system: string): number {
  let tokens = 0;
  for (let i = path.length - 1; i >= 0; i--) {
    const usage = path[i].data.usage;
    if (usage && usage.prompt_tokens > 0) return tokens + usage.prompt_tokens + usage.completion_tokens;
    tokens += estimateTokens(path[i].content) + kPerMessage;
  }
  return tokens + estimateTokens(system);
}

// The newest messages that leave a third of the context for the answer; always the last.
export function withoutOldest(path: readonly Message[], context: number): Message[] {
  let left = (context * 2) / 3;
  let first = path.length;
  while (first > 0) {
    left -= estimateTokens(path[first - 1].content) + kPerMessage;
    if (left < 0 && first < path.length) break;
    first--;
  }
  while (first < path.length - 1 && path[first].role === 'assistant') first++;
  return path.slice(first);
}
