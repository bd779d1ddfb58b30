// Markdown to HTML. Nothing in it can run or fetch: HTML is shown as text, images become links, links show their host
// when clicked (see Markdown.svelte), and sanitize.ts looks at the result once more.
import MarkdownIt from 'markdown-it';
import { math } from './math';

export interface Renderers {
  highlight?: (code: string, language: string) => string | null;
  math?: (tex: string, display: boolean) => string;
  sourceLabel?: string;
  copyLabel?: string;
}

export interface Env extends Renderers {
  open?: boolean; // more of the text is to come
  citations?: number; // [1] to [citations] are buttons
}

const kSafeUrl = /^(?:https?:\/\/|mailto:)/i;

const md = new MarkdownIt({ html: false, linkify: true, breaks: false, typographer: false });
md.validateLink = (url) => kSafeUrl.test(url.trim());
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
md.use(math);

const { escapeHtml } = md.utils;

md.inline.ruler.before('link', 'citation', (state, silent) => {
  const found = /^\[(\d{1,2})\](?!\()/.exec(state.src.slice(state.pos, state.pos + 5));
  const number = Number(found?.[1] ?? 0);
  if (!found || number < 1 || number > ((state.env as Env).citations ?? 0)) return false;
  if (!silent) state.push('citation', 'button', 0).content = found[1];
  state.pos += found[0].length;
  return true;
});

md.renderer.rules.citation = (tokens, i, _options, env) => {
  const { content } = tokens[i];
  const label = escapeHtml((env as Env).sourceLabel ?? 'Source');
  return `<button type="button" class="cite" data-cite="${content}" aria-label="${label} ${content}">${content}</button>`;
};

md.renderer.rules.image = (tokens, i) => {
  const url = String(tokens[i].attrGet('src') ?? '');
  const label = tokens[i].content || url;
  if (!kSafeUrl.test(url)) return escapeHtml(label);
  return `<a class="image-link" href="${escapeHtml(url)}" rel="noopener noreferrer" target="_blank">${escapeHtml(label)}</a>`;
};

md.renderer.rules.link_open = (tokens, i, options, _env, self) => {
  tokens[i].attrSet('rel', 'noopener noreferrer');
  tokens[i].attrSet('target', '_blank');
  return self.renderToken(tokens, i, options);
};

// Below the page's own headings: # and ## of an answer are <h3>, as most answers begin with ##.
for (const rule of ['heading_open', 'heading_close']) {
  md.renderer.rules[rule] = (tokens, i, options, _env, self) => {
    tokens[i].tag = `h${Math.min(Math.max(Number(tokens[i].tag[1]) + 1, 3), 6)}`;
    return self.renderToken(tokens, i, options);
  };
}

// markdown-it aligns cells by a style attribute, which the Content-Security-Policy forbids.
for (const rule of ['th_open', 'td_open']) {
  md.renderer.rules[rule] = (tokens, i, options, _env, self) => {
    const align = /text-align:\s*(left|center|right)/.exec(String(tokens[i].attrGet('style') ?? ''))?.[1];
    tokens[i].attrs = align ? [['class', `align-${align}`]] : null;
    return self.renderToken(tokens, i, options);
  };
}
md.renderer.rules.table_open = () => '<div class="table" tabindex="0"><table>';
md.renderer.rules.table_close = () => '</table></div>';

function codeBlock(code: string, language: string, env: Env): string {
  const coloured = language && env.highlight ? env.highlight(code, language) : null;
  const label = escapeHtml(env.copyLabel ?? 'Copy');
  return (
    `<div class="code"><div class="code-head"><span>${escapeHtml(language)}</span>` +
    `<button type="button" data-copy="">${label}</button></div>` +
    `<pre tabindex="0"><code>${coloured ?? escapeHtml(code)}</code></pre></div>`
  );
}

md.renderer.rules.fence = (tokens, i, _options, env) => {
  const language = /^[\w+#.-]{1,20}/.exec(tokens[i].info.trim())?.[0] ?? '';
  return codeBlock(tokens[i].content, language, env as Env);
};
md.renderer.rules.code_block = (tokens, i, _options, env) => codeBlock(tokens[i].content, '', env as Env);

const formula = (tex: string, display: boolean, env: Env) => env.math?.(tex, display) ?? `<code class="tex">${escapeHtml(tex)}</code>`;
md.renderer.rules.math_inline = (tokens, i, _options, env) => formula(tokens[i].content, false, env as Env);
md.renderer.rules.math_block = (tokens, i, _options, env) =>
  `<div class="math" tabindex="0">${formula(tokens[i].content, true, env as Env)}</div>`;

// Not yet safe to show: sanitize.ts comes after.
export const toHtml = (source: string, env: Env = {}): string => md.render(source, { ...env });

// The lines at which the blocks of the text begin.
export function blockStarts(source: string): number[] {
  return md
    .parse(source, { open: true })
    .filter((token) => token.level === 0 && token.map && token.nesting >= 0)
    .map((token) => token.map![0]);
}
