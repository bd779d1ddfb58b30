// What the mock server holds, in memory, and how it is told to fail.
import { setTimeout as sleep } from 'node:timers/promises';

const kNow = () => Math.floor(Date.now() / 1000);

export function newState() {
  return {
    keys: null, // null: the server has none; else a map from key to owner
    keyList: [],
    conversations: new Map(), // id -> { owner, ...conversation }
    documents: new Map(), // id -> { id, name, title, text, passages, added }
    indexing: { running: false, done: 0, total: 0, current: '' },
    problems: [],
    allowedFolder: '/srv/docs',
    models: [
      { name: 'bantam-1', bytes: 8_389_000, memory: 27_300_000, context: 1024, loaded: true, format: 'Q8_0', licence: 'CC BY-SA 4.0', default: true },
      { name: 'smollm2', bytes: 144_800_000, memory: 231_000_000, context: 8192, loaded: false, format: 'Q8_0', licence: 'Apache-2.0' },
    ],
    usage: [],
    load: { waiting: 0, running: 1, pages_used: 12, pages_total: 64, tokens_per_second: 1423, prefix_hits: 7 },
    faults: [], // { method, path (prefix), status, code, message, times }
    answers: [], // texts for the next model answers; else a sample
    pieceMs: 4, // between the pieces of a streamed answer
    piece: 12, // characters
    hold: false, // what is under way (an answer after its first pieces, a pull, reading) stands still meanwhile
    lastChat: null,
    now: kNow,
  };
}

// Lets `ms` pass, and then the time that the test holds it still. `response`: of whom nobody waits for any more ends it.
export async function pause(state, ms, response) {
  await sleep(ms);
  while (state.hold && !response?.destroyed) await sleep(20);
}

// The fault that waits for this request, used up by it.
export function takeFault(state, method, path) {
  const i = state.faults.findIndex((fault) => (!fault.method || fault.method === method) && path.startsWith(fault.path));
  if (i < 0) return null;
  const fault = state.faults[i];
  if (--fault.times <= 0) state.faults.splice(i, 1);
  return fault;
}
