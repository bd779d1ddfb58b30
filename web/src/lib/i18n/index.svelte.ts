// The interface's words in the reader's language: the one chosen in the settings, or the first the browser asks for.
import { settings } from '../settings.svelte';
import { en } from './en';
import { ko } from './ko';

export type Key = keyof typeof en;
export type Words = Record<Key, string>;

const kWords: Record<'en' | 'ko', Words> = { en, ko };
const browsers = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === 'ko' || tag === 'en') as 'en' | 'ko' | undefined;

export const language = (): 'en' | 'ko' => settings.language || browsers || 'en';

// The words of `key`, with {name} replaced by `values.name`. In English "{n|file|files}" chooses by the number n.
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return kWords[language()][key].replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) =>
    one === undefined ? String(values[name] ?? '') : values[name] === 1 ? one : many,
  );
}
