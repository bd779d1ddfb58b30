// Streamed answers: scripted ones of a model, and grounded ones by looking for the question's words in the documents.
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError, readJson, sendJson } from './http.mjs';
import { pause } from './state.mjs';

export const kSample = `Here is a **short answer** with everything in it.

## A list

1. First, *emphasis*
2. Second, \`code\` in a line
3. Third, a [link](https://example.com/page)

\`\`\`python
def greet(name: str) -> str:
    # says hello
    return f"Hello, {name}!"
\`\`\`

| Model | Tokens/s |
|---|---:|
| bantam-1 | 1,667 |
| SmolLM2 | 265 |

The roots are $x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}$, and

$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$

> And a quotation at the end.
`;

// Short words of English say little.
const words = (text) => new Set(text.toLowerCase().match(/[a-z0-9]{4,}|[\p{Script=Hangul}]{2,}/gu) ?? []);

// The sentences that share most words with the question, best first.
function rank(documents, question) {
  const wanted = words(question);
  const found = [];
  for (const document of documents) {
    let start = 0;
    let heading = '';
    for (const line of document.text.split('\n')) {
      const here = start;
      start += Buffer.byteLength(line) + 1;
      if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
      if (!line.trim() || line.startsWith('#')) continue;
      const context = words(`${heading} ${line}`);
      const score = [...wanted].filter((word) => context.has(word)).length / Math.max(wanted.size, 1);
      found.push({ score, citation: {
        document: document.id, file: document.name, title: document.title, heading, page: null,
        start: here, end: here + Buffer.byteLength(line), quote: line, answer_start: here, answer_end: here + Buffer.byteLength(line),
      } });
    }
  }
  return found.sort((a, b) => b.score - a.score);
}

function grounded(state, body) {
  const { index } = body.documents;
  const documents = [...state.documents.values()].filter((one) => Boolean(one.manual) === (index === 'manual'));
  if (documents.length === 0) throw new HttpError(404, 'collection_not_found', `documents.index: there is no collection '${index}'`);
  const ranked = rank(documents, body.messages.at(-1).content);
  const abstained = !ranked[0] || ranked[0].score < 0.5;
  const nearest = ranked.filter(({ score }) => score > 0).slice(0, 3).map(({ citation }) => ({ ...citation, answer_start: null, answer_end: null }));
  return {
    text: abstained ? 'The documents do not say.' : ranked[0].citation.quote,
    documents: { abstained, confidence: ranked[0]?.score ?? 0, citations: abstained ? [] : [ranked[0].citation], nearest: abstained ? nearest : [] },
  };
}

const kHeldAfter = 4; // pieces

export async function chat(state, request, response) {
  const body = await readJson(request);
  state.lastChat = body;
  const answer = body.documents ? grounded(state, body) : { text: state.answers.shift() ?? kSample };
  if (!body.documents && !state.models.some(({ name }) => name === body.model)) {
    throw new HttpError(404, 'model_not_found', `there is no model '${body.model}'`);
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (event) => response.write(`data: ${JSON.stringify(event)}\n\n`);
  const piece = body.documents ? answer.text.length : state.piece;
  let pieces = 0;
  for (let i = 0; i < answer.text.length && !response.destroyed; i += piece) {
    send({ choices: [{ index: 0, delta: { content: answer.text.slice(i, i + piece) }, finish_reason: null }] });
    pieces++;
    if (pieces >= kHeldAfter) await pause(state, state.pieceMs, response);
    else if (state.pieceMs) await sleep(state.pieceMs);
  }
  if (response.destroyed) return;
  send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...(answer.documents ? { documents: answer.documents } : {}) });
  const prompt = body.messages.reduce((sum, { content }) => sum + Math.ceil(content.length / 4), 0);
  if (!body.documents) send({ choices: [], usage: { prompt_tokens: prompt, completion_tokens: pieces, total_tokens: prompt + pieces } });
  response.end('data: [DONE]\n\n');
}

export async function tokenize(request, response) {
  const { text } = await readJson(request);
  const count = Math.ceil(text.length / 4);
  sendJson(response, { tokens: Array.from({ length: count }, (_, i) => i), count });
}
