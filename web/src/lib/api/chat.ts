// A streamed answer of POST /v1/chat/completions.
import { chunksOf, SseDecoder } from '../sse';
import { ApiFailure, json, send } from './http';
import type { ChatSettings, Citation, Grounding, Source, Usage } from './types';

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatDelta {
  text?: string;
  usage?: Usage;
  grounding?: Grounding;
  finish_reason?: string;
}

const kParameters = ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'max_tokens', 'seed'] as const;

function requestBody(messages: ChatMessage[], source: Source, model: string, settings: ChatSettings): object {
  if (source !== 'model') {
    // A model that can write does, each sentence held against its passage; the reader, and the model inside the program, quote.
    return { model: settings.write === false ? 'bantam-reader' : model, messages, stream: true, documents: { index: source } };
  }
  const body: Record<string, unknown> = { model, messages, stream: true, stream_options: { include_usage: true } };
  for (const name of kParameters) if (settings[name] !== undefined) body[name] = settings[name];
  return body;
}

function groundingOf(documents: Record<string, unknown>): Grounding {
  const list = (value: unknown) =>
    ((value as (Citation & { id?: string; document_id?: string })[] | undefined) ?? []).map((citation) => ({
      ...citation,
      document: citation.document ?? citation.document_id ?? citation.id,
    }));
  const abstained = documents.abstained === true;
  const citations = list(documents.citations);
  return {
    abstained,
    confidence: documents.confidence as number | undefined,
    written: documents.written === true,
    citations: abstained ? [] : citations,
    rejected: (documents.rejected as string[] | undefined) ?? [],
    nearest: documents.nearest ? list(documents.nearest) : abstained ? citations : [],
  };
}

function deltaOf(data: string): ChatDelta {
  const event = JSON.parse(data);
  if (event.error) throw new ApiFailure(500, event.error.code ?? '', event.error.message ?? String(event.error));
  const choice = event.choices?.[0];
  return {
    text: choice?.delta?.content ?? undefined,
    finish_reason: choice?.finish_reason ?? undefined,
    usage: event.usage ?? undefined,
    grounding: event.documents ? groundingOf(event.documents) : undefined,
  };
}

export async function* streamChat(
  messages: ChatMessage[],
  source: Source,
  model: string,
  settings: ChatSettings,
  signal: AbortSignal,
): AsyncGenerator<ChatDelta> {
  const response = await send('POST', '/v1/chat/completions', requestBody(messages, source, model, settings), { signal });
  const decoder = new SseDecoder();
  try {
    for await (const chunk of chunksOf(response)) {
      for (const data of decoder.push(chunk)) {
        if (data === '[DONE]') return;
        yield deltaOf(data);
      }
    }
  } catch (error) {
    if (error instanceof ApiFailure || signal.aborted) throw error;
    throw new ApiFailure(0, 'unreachable', 'the connection broke');
  }
  throw new ApiFailure(0, 'unreachable', 'the answer broke off');
}

export async function countTokens(model: string, text: string, signal: AbortSignal): Promise<number> {
  const { tokens, count } = await json<{ tokens?: unknown[]; count?: number }>('POST', '/v1/tokenize', { model, text }, { signal });
  return count ?? tokens?.length ?? 0;
}
