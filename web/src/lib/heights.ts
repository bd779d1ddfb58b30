// Heights of a list's rows and their running sums, in a Fenwick tree: each question and change takes O(log n).

export class Heights {
  private readonly sums: Float64Array; // sums[i] covers the rows (i - lowbit(i), i], counted from 1
  private readonly heights: Float64Array;

  constructor(heights: ArrayLike<number>) {
    this.heights = Float64Array.from(heights);
    this.sums = new Float64Array(this.heights.length + 1);
    for (let i = 1; i <= this.heights.length; i++) {
      this.sums[i] += this.heights[i - 1];
      const above = i + (i & -i);
      if (above <= this.heights.length) this.sums[above] += this.sums[i];
    }
  }

  get count(): number {
    return this.heights.length;
  }

  get total(): number {
    return this.offset(this.count);
  }

  height(row: number): number {
    return this.heights[row];
  }

  // What the row's height grew by.
  set(row: number, height: number): number {
    const change = height - this.heights[row];
    this.heights[row] = height;
    for (let i = row + 1; i <= this.count; i += i & -i) this.sums[i] += change;
    return change;
  }

  // Where `row` begins; for `count`, where the last one ends.
  offset(row: number): number {
    let sum = 0;
    for (let i = row; i > 0; i -= i & -i) sum += this.sums[i];
    return sum;
  }

  // The row at `y`, clamped to the rows there are; -1 of an empty list.
  rowAt(y: number): number {
    let row = 0;
    let left = y;
    for (let step = 2 ** Math.floor(Math.log2(Math.max(this.count, 1))); step >= 1; step /= 2) {
      const next = row + step;
      if (next <= this.count && this.sums[next] <= left) {
        row = next;
        left -= this.sums[next];
      }
    }
    return Math.min(row, this.count - 1);
  }
}
