// What the keyboard does. On a Mac the Command key stands for Ctrl.
import type { Key } from './i18n/index.svelte';

export type Command = 'new' | 'search' | 'focus' | 'stop' | 'sidebar' | 'panel' | 'shortcuts' | 'copy' | 'retry' | 'next' | 'previous';

interface Shortcut {
  command: Command;
  keys: string[]; // as shown
  label: Key;
  matches: (event: KeyboardEvent) => boolean;
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
const command = (event: KeyboardEvent) => (isMac ? event.metaKey : event.ctrlKey) && !event.altKey;
const kCommand = isMac ? '⌘' : 'Ctrl';
const shifted = (code: string) => (event: KeyboardEvent) => command(event) && event.shiftKey && event.code === code;
const plain = (code: string) => (event: KeyboardEvent) => command(event) && !event.shiftKey && event.code === code;
const alt = (key: string) => (event: KeyboardEvent) => event.altKey && !event.ctrlKey && !event.metaKey && event.key === key;

export const shortcuts: Shortcut[] = [
  { command: 'new', keys: [kCommand, 'Shift', 'O'], label: 'newConversation', matches: shifted('KeyO') },
  { command: 'search', keys: [kCommand, 'K'], label: 'search', matches: plain('KeyK') },
  { command: 'focus', keys: [kCommand, 'Shift', 'L'], label: 'shortcutFocus', matches: shifted('KeyL') },
  { command: 'stop', keys: ['Esc'], label: 'shortcutStop', matches: (event) => event.key === 'Escape' },
  { command: 'retry', keys: [kCommand, 'Shift', 'E'], label: 'shortcutRetry', matches: shifted('KeyE') },
  { command: 'copy', keys: [kCommand, 'Shift', ';'], label: 'shortcutCopy', matches: shifted('Semicolon') },
  { command: 'previous', keys: ['Alt', '↑'], label: 'shortcutPrevious', matches: alt('ArrowUp') },
  { command: 'next', keys: ['Alt', '↓'], label: 'shortcutNext', matches: alt('ArrowDown') },
  { command: 'sidebar', keys: [kCommand, 'Shift', 'S'], label: 'sidebar', matches: shifted('KeyS') },
  { command: 'panel', keys: [kCommand, ','], label: 'modelPanel', matches: plain('Comma') },
  { command: 'shortcuts', keys: [kCommand, '/'], label: 'shortcuts', matches: plain('Slash') },
];

// Of the message field.
export const fieldShortcuts: { keys: string[]; label: Key }[] = [
  { keys: ['Enter'], label: 'send' },
  { keys: ['Shift', 'Enter'], label: 'shortcutLine' },
  { keys: ['↑'], label: 'shortcutEdit' },
];

export const commandOf = (event: KeyboardEvent): Command | undefined =>
  event.isComposing ? undefined : shortcuts.find(({ matches }) => matches(event))?.command;
