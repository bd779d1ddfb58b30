// What a person chose for this browser, kept in localStorage.
import type { ChatSettings } from './api/types';

export interface Preset {
  name: string;
  text: string;
}

export interface Settings {
  language: '' | 'en' | 'ko'; // '': the browser's
  theme: '' | 'light' | 'dark'; // '': the system's
  chat: ChatSettings; // of the next new conversation
  presets: Preset[];
}

const kKey = 'bantam.settings';

function stored(): Partial<Settings> {
  try {
    return JSON.parse(localStorage.getItem(kKey) ?? '{}');
  } catch {
    return {};
  }
}

export const settings = $state<Settings>({ language: '', theme: '', chat: {}, presets: [], ...stored() });

export function keepSettings() {
  $effect(() => localStorage.setItem(kKey, JSON.stringify(settings)));
  $effect(() => {
    if (settings.theme) document.documentElement.dataset.theme = settings.theme;
    else delete document.documentElement.dataset.theme;
  });
}
