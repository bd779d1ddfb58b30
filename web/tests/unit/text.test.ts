import { expect, test } from 'vitest';
import type { ConversationSummary, Message } from '../../src/lib/api/types';
import { Announcer } from '../../src/lib/announcer';
import { chartOf, daysBefore, roundUp } from '../../src/lib/chart';
import { tokensOf, withoutOldest } from '../../src/lib/context';
import { grouped } from '../../src/lib/groups';

const message = (role: Message['role'], content: string, data = {}): Message => ({ id: content.slice(0, 4), parent: null, role, content, created: 0, data });

test('a screen reader hears whole sentences, each once', () => {
  const announcer = new Announcer();
  announcer.start(3000);
  expect(announcer.next('One sentence. And ha', false, 3100)).toBe('');
  expect(announcer.next('One sentence. And ha', false, 5000)).toBe('One sentence.');
  expect(announcer.next('One sentence. And half. ', false, 5200)).toBe('');
  expect(announcer.next('One sentence. And half. **More', false, 9000)).toBe('And half.');
  expect(announcer.next('One sentence. And half. **More**.', true, 9001)).toBe('More .');
});

test('tokens are those the server counted, and an estimate of what came after', () => {
  const path = [message('user', 'x'.repeat(350)), message('assistant', 'y', { usage: { prompt_tokens: 90, completion_tokens: 10 } })];
  expect(tokensOf(path, '')).toBe(100);
  expect(tokensOf([...path, message('user', 'z'.repeat(35))], '')).toBe(116);
});

test('the oldest messages are left out, the last never, and an answer never comes first', () => {
  const path = Array.from({ length: 20 }, (_, i) => message(i % 2 ? 'assistant' : 'user', 'word '.repeat(70)));
  const kept = withoutOldest(path, 1024);
  expect(kept.length).toBeGreaterThan(2);
  expect(kept.length).toBeLessThan(12);
  expect(kept[0].role).toBe('user');
  expect(withoutOldest([message('user', 'word '.repeat(9000))], 1024)).toHaveLength(1);
});

test('conversations are grouped by pin, folder and day', () => {
  const now = new Date(2026, 10, 26, 15).getTime() / 1000;
  const one = (id: string, hoursAgo: number, more: Partial<ConversationSummary> = {}): ConversationSummary => ({
    id, title: id, created: 0, updated: now - hoursAgo * 3600, pinned: false, folder: '', messages: 1, ...more,
  });
  const groups = grouped([one('a', 1), one('b', 30), one('c', 400), one('d', 2, { folder: 'Z' }), one('e', 3, { folder: 'A' }), one('f', 900, { pinned: true, folder: 'A' })], now);
  expect(groups.map(({ kind, name, conversations }) => `${kind} ${name}: ${conversations.map(({ id }) => id)}`)).toEqual([
    'pinned : f', 'folder A: e', 'folder Z: d', 'today : a', 'week : b', 'older : c',
  ]);
});

test('usage is stacked by key, the biggest first, the smallest together', () => {
  const row = (key: string, day: string, tokens: number) => ({ key, day, model: 'm', requests: 1, prompt_tokens: tokens, completion_tokens: 0 });
  const days = daysBefore(new Date('2026-11-26T23:00:00Z'), 3);
  expect(days).toEqual(['2026-11-24', '2026-11-25', '2026-11-26']);
  const chart = chartOf([row('a', days[0], 10), row('b', days[0], 30), row('a', days[2], 5), row('a', '2020-01-01', 1)], days, 'others');
  expect(chart.keys).toEqual(['b', 'a']);
  expect(chart.bars[0]).toEqual({ day: days[0], tokens: 40, parts: [{ key: 'b', tokens: 30, from: 0 }, { key: 'a', tokens: 10, from: 30 }] });
  expect(chart.bars[1].parts).toEqual([]);
  expect(chart.top).toBe(40);
  const many = chartOf('abcdefgh'.split('').map((key, i) => row(key, days[0], 100 - i)), days, 'others');
  expect(many.keys).toEqual(['a', 'b', 'c', 'd', 'e', 'others']);
  expect(many.bars[0].tokens).toBe(100 + 99 + 98 + 97 + 96 + 95 + 94 + 93);
});

test('scales end at a round number', () => {
  expect([0, 1, 3, 7, 12, 999, 12_345].map(roundUp)).toEqual([1, 1, 3, 8, 20, 1000, 20_000]);
});
