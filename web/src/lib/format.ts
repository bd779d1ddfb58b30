// Numbers and times in the reader's language.
import { language } from './i18n/index.svelte';

export const number = (value: number, digits = 0): string =>
  value.toLocaleString(language(), { minimumFractionDigits: 0, maximumFractionDigits: digits });

const kUnits = ['B', 'KB', 'MB', 'GB', 'TB'];
export function bytes(value: number): string {
  let unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.length; unit++) value /= 1000;
  return `${number(value, value < 10 && unit > 0 ? 1 : 0)} ${kUnits[unit]}`;
}

export const date = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleDateString(language(), { year: 'numeric', month: 'short', day: 'numeric' });

export const time = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleString(language(), { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' });
