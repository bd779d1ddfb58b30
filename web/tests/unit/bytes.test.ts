import { expect, test } from 'vitest';
import { indexOfByte, markedSpans } from '../../src/lib/bytes';

const kText = 'a é 한국어 😀 z';

test('a byte offset finds the same place as encoding the text does', () => {
  const bytes = new TextEncoder().encode(kText);
  for (let index = 0; index <= kText.length; index++) {
    if (kText.charCodeAt(index) >> 10 === 0x37) continue; // the second half of a pair
    expect(indexOfByte(kText, new TextEncoder().encode(kText.slice(0, index)).length)).toBe(index);
  }
  expect(indexOfByte(kText, bytes.length + 5)).toBe(kText.length);
  expect(indexOfByte(kText, -3)).toBe(0);
  expect(indexOfByte('한', 1)).toBe(0);
});

test('the quote and the answer in it are marked, and nothing is lost', () => {
  const before = 'Before. ';
  const text = `${before}휴가는 25일입니다. After.`;
  const bytes = (part: string) => new TextEncoder().encode(part).length;
  const quote: [number, number] = [100 + bytes(before), 100 + bytes(`${before}휴가는 25일입니다.`)];
  const answer: [number, number] = [100 + bytes(`${before}휴가는 `), 100 + bytes(`${before}휴가는 25일`)];
  const spans = markedSpans(text, 100, quote, answer);
  expect(spans.map(({ text: part }) => part).join('')).toBe(text);
  expect(spans.filter(({ mark }) => mark === 'answer').map(({ text: part }) => part)).toEqual(['25일']);
  expect(spans.filter(({ mark }) => mark === 'quote').map(({ text: part }) => part)).toEqual(['휴가는 ', '입니다.']);
  expect(markedSpans(text, 100, quote).filter(({ mark }) => mark).map(({ text: part }) => part)).toEqual(['휴가는 25일입니다.']);
});
