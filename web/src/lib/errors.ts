// What a person reads when something fails: what happened, and what to do next.
import { ApiFailure } from './api/http';
import type { Key } from './i18n/index.svelte';

export type Remedy = 'retry' | 'key' | 'model' | 'fresh' | 'trim' | 'none';

export interface Explanation {
  title: Key;
  next: Key;
  remedies: Remedy[];
  detail: string; // the server's own words, where ours do not say it all
}

interface Known {
  matches: (failure: ApiFailure) => boolean;
  title: Key;
  next: Key;
  remedies: Remedy[];
  detailed?: boolean;
}

const code = (pattern: RegExp) => (failure: ApiFailure) => pattern.test(failure.code);
const status = (...all: number[]) => (failure: ApiFailure) => all.includes(failure.status);
const full = (failure: ApiFailure) => failure.status === 507 || /disk|storage_full|no space/i.test(`${failure.code} ${failure.message}`);

// The first that matches explains.
const kKnown: Known[] = [
  { matches: status(0), title: 'errorGone', next: 'errorGoneNext', remedies: ['retry'] },
  { matches: full, title: 'errorDisk', next: 'errorDiskNext', remedies: ['retry'] },
  { matches: code(/context_length/), title: 'errorContext', next: 'errorContextNext', remedies: ['trim', 'fresh'] },
  { matches: code(/model_not_found|deployment_not_found/i), title: 'errorModel', next: 'errorModelNext', remedies: ['model'] },
  { matches: code(/collection_not_found/), title: 'errorCollection', next: 'errorCollectionNext', remedies: ['none'] },
  { matches: status(401), title: 'errorKey', next: 'errorKeyNext', remedies: ['key'] },
  { matches: status(403), title: 'errorForbidden', next: 'errorForbiddenNext', remedies: ['key'], detailed: true },
  { matches: status(429), title: 'errorQuota', next: 'errorQuotaNext', remedies: ['retry'], detailed: true },
  { matches: status(503), title: 'errorBusy', next: 'errorBusyNext', remedies: ['retry'] },
  { matches: status(413), title: 'errorLarge', next: 'errorLargeNext', remedies: ['none'], detailed: true },
  { matches: status(404), title: 'errorMissing', next: 'errorMissingNext', remedies: ['none'], detailed: true },
];

export function explain(error: unknown): Explanation {
  const failure = error instanceof ApiFailure ? error : new ApiFailure(500, '', String((error as Error)?.message ?? error));
  const known = kKnown.find(({ matches }) => matches(failure));
  if (!known) return { title: 'errorOther', next: 'errorOtherNext', remedies: ['retry'], detail: failure.message };
  return { title: known.title, next: known.next, remedies: known.remedies, detail: known.detailed ? failure.message : '' };
}
