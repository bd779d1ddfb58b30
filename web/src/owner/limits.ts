// The limits a key can have, in the order they are asked for.
import type { KeyLimits } from '../lib/api/types';
import type { Key } from '../lib/i18n/index.svelte';

export const kLimits: { name: keyof KeyLimits; label: Key; short: Key; step: number }[] = [
  { name: 'requests_per_minute', label: 'requestsPerMinute', short: 'requestsPerMinuteValue', step: 1 },
  { name: 'tokens_per_minute', label: 'tokensPerMinute', short: 'tokensPerMinuteValue', step: 1 },
  { name: 'requests_per_day', label: 'requestsPerDay', short: 'requestsPerDayValue', step: 1 },
  { name: 'tokens_per_day', label: 'tokensPerDay', short: 'tokensPerDayValue', step: 1 },
  { name: 'concurrent', label: 'concurrent', short: 'concurrentValue', step: 1 },
  { name: 'budget_month', label: 'budgetMonth', short: 'budgetMonthValue', step: 0.01 },
];

export const noLimits = (): KeyLimits => ({
  requests_per_minute: 0,
  tokens_per_minute: 0,
  requests_per_day: 0,
  tokens_per_day: 0,
  concurrent: 0,
  budget_month: 0,
});
