// A block of Markdown as HTML that is safe to show, remembered: a list that scrolls asks for the same blocks again.
import { t } from '../i18n/index.svelte';
import { closeOpenMarks } from './blocks';
import { type Env, type Renderers, toHtml } from './parser';
import { sanitize } from './sanitize';

const kMostRemembered = 4000; // blocks

// The heavy renderers come when a text first needs them; blocks that were drawn without are then drawn again.
let renderers = $state.raw<Renderers>({});
const asked = new Set<string>();
let remembered = new Map<string, string>();

function load(name: 'highlight' | 'math', renderer: () => Promise<Renderers>) {
  if (asked.has(name)) return;
  asked.add(name);
  renderer().then(
    (loaded) => {
      remembered = new Map();
      renderers = { ...renderers, ...loaded };
    },
    () => asked.delete(name), // the server is gone: the text stays plain
  );
}

function loadWhatIsNeeded(block: string) {
  if (/(```|~~~)\s*\w/.test(block)) load('highlight', async () => ({ highlight: (await import('./highlight')).highlight }));
  if (/\$|\\[[(]/.test(block)) load('math', async () => ({ math: (await import('./formula')).formula }));
}

export function renderBlock(block: string, env: { open: boolean; citations: number }): string {
  const whole: Env = { ...renderers, ...env, copyLabel: t('copy'), sourceLabel: t('source') };
  if (env.open) {
    loadWhatIsNeeded(block);
    return sanitize(toHtml(closeOpenMarks(block), whole));
  }
  const key = `${whole.copyLabel}\n${env.citations}\n${block}`;
  let html = remembered.get(key);
  if (html === undefined) {
    loadWhatIsNeeded(block);
    html = sanitize(toHtml(block, whole));
    if (remembered.size >= kMostRemembered) remembered.delete(remembered.keys().next().value!);
    remembered.set(key, html);
  }
  return html;
}
