import { expect, test } from 'vitest';
import { Heights } from '../../src/lib/heights';

function slowOffset(heights: number[], row: number): number {
  return heights.slice(0, row).reduce((sum, height) => sum + height, 0);
}

test('offsets and rows agree with adding up, for lists of every size and after changes', () => {
  let seed = 1;
  const random = (most: number) => ((seed = (seed * 48271) % 2147483647) % most) + 1;
  for (const count of [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 127]) {
    const plain = Array.from({ length: count }, () => random(300));
    const heights = new Heights(plain);
    for (let change = 0; change < 20 && count > 0; change++) {
      const row = random(count) - 1;
      const height = random(500);
      expect(heights.set(row, height)).toBe(height - plain[row]);
      plain[row] = height;
    }
    for (let row = 0; row <= count; row++) expect(heights.offset(row)).toBe(slowOffset(plain, row));
    for (let row = 0; row < count; row++) {
      expect(heights.rowAt(slowOffset(plain, row))).toBe(row);
      expect(heights.rowAt(slowOffset(plain, row + 1) - 1)).toBe(row);
    }
    expect(heights.rowAt(1e9)).toBe(count - 1);
    expect(heights.total).toBe(slowOffset(plain, count));
  }
});
