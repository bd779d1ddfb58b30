// Usage as a chart: tokens of each key on each day, stacked.
import type { UsageRow } from './api/types';

export interface Bar {
  day: string;
  parts: { key: string; tokens: number; from: number }[]; // from: where the part begins, in tokens
  tokens: number;
}

export interface Chart {
  bars: Bar[];
  keys: string[]; // those that used most come first
  top: number; // of the scale, a round number
}

const kDayMs = 86_400_000;
const kMostKeys = 6;

export function daysBefore(today: Date, days: number): string[] {
  const midnight = Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate());
  return Array.from({ length: days }, (_, i) => new Date(midnight - (days - 1 - i) * kDayMs).toISOString().slice(0, 10));
}

// A number whose half is short, too, at least `value`.
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

// Keys beyond the sixth are counted together as `others`.
export function chartOf(rows: readonly UsageRow[], days: readonly string[], others: string): Chart {
  const tokensOf = (row: UsageRow) => row.prompt_tokens + row.completion_tokens;
  const totals = new Map<string, number>();
  for (const row of rows) totals.set(row.key, (totals.get(row.key) ?? 0) + tokensOf(row));
  const ordered = [...totals].sort((a, b) => b[1] - a[1]).map(([key]) => key);
  const named = ordered.slice(0, ordered.length > kMostKeys ? kMostKeys - 1 : kMostKeys);
  const keys = ordered.length > named.length ? [...named, others] : named;
  const bars = days.map((day) => {
    const byKey = new Map<string, number>();
    for (const row of rows) {
      if (row.day !== day) continue;
      const key = named.includes(row.key) ? row.key : others;
      byKey.set(key, (byKey.get(key) ?? 0) + tokensOf(row));
    }
    let tokens = 0;
    const parts: Bar['parts'] = [];
    for (const key of keys) {
      const part = byKey.get(key) ?? 0;
      if (part > 0) parts.push({ key, tokens: part, from: tokens });
      tokens += part;
    }
    return { day, parts, tokens };
  });
  return { bars, keys, top: roundUp(Math.max(0, ...bars.map((bar) => bar.tokens))) };
}
