import { expect, test } from 'vitest';
import type { Message } from '../../src/lib/api/types';
import { Tree } from '../../src/lib/tree';

const message = (id: string, parent: string | null): Message => ({ id, parent, role: 'user', content: id, created: 0, data: {} });
const ids = (messages: readonly Message[]) => messages.map(({ id }) => id).join(' ');
// a -> b -> c, with b2 beside b and c2 below b2
const branched = new Tree([message('a', null), message('b', 'a'), message('c', 'b'), message('b2', 'a'), message('c2', 'b2')]);

test('a path runs from the root to the head', () => {
  expect(ids(branched.path('c'))).toBe('a b c');
  expect(ids(branched.path('c2'))).toBe('a b2 c2');
  expect(branched.path(null)).toEqual([]);
  expect(branched.path('gone')).toEqual([]);
});

test('siblings keep the order in which they were written', () => {
  expect(ids(branched.siblings('b'))).toBe('b b2');
  expect(ids(branched.siblings('a'))).toBe('a');
  expect(branched.siblings('gone')).toEqual([]);
});

test('choosing a branch shows its newest leaf', () => {
  expect(branched.leaf('b')).toBe('c');
  expect(branched.leaf('b2')).toBe('c2');
  expect(branched.newestLeaf()).toBe('c2');
  expect(new Tree([]).newestLeaf()).toBeNull();
});

test('a message whose parent is gone is shown as a root', () => {
  const tree = new Tree([message('x', 'gone'), message('y', 'x')]);
  expect(ids(tree.path('y'))).toBe('x y');
  expect(ids(tree.siblings('x'))).toBe('x');
});

test('a cycle in a damaged import ends', () => {
  const tree = new Tree([message('p', 'q'), message('q', 'p')]);
  expect(ids(tree.path('p'))).toBe('q p');
  expect(['p', 'q']).toContain(tree.leaf('p'));
});
