import { expect, test } from 'vitest';
import { LineDecoder, SseDecoder } from '../../src/lib/sse';

const kStream = 'data: {"a":1}\n\n: comment\nevent: x\ndata: 한국어\ndata:second line\r\n\r\ndata: last\r\rdata: [DONE]\n\n';
const kEvents = ['{"a":1}', '한국어\nsecond line', 'last', '[DONE]'];

test('events come out the same wherever the bytes are cut', () => {
  const bytes = new TextEncoder().encode(kStream);
  for (let size = 1; size <= bytes.length; size++) {
    const decoder = new SseDecoder();
    const events: string[] = [];
    for (let at = 0; at < bytes.length; at += size) events.push(...decoder.push(bytes.subarray(at, at + size)));
    expect(events, `pieces of ${size}`).toEqual(kEvents);
  }
});

test('an event that is not finished is not delivered', () => {
  const decoder = new SseDecoder();
  expect(decoder.push(new TextEncoder().encode('data: half'))).toEqual([]);
});

test('lines are whole however they arrive, and the last needs no end', () => {
  const decoder = new LineDecoder();
  const push = (text: string) => decoder.push(new TextEncoder().encode(text));
  expect([...push('{"a"'), ...push(':1}\n\n{"b":'), ...push('2}'), ...decoder.end()]).toEqual(['{"a":1}', '{"b":2}']);
});
