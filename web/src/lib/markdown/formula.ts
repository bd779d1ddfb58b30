// LaTeX to MathML, which browsers draw without fonts of ours. Loaded when the first formula is shown.
import katex from 'katex';

export function formula(tex: string, display: boolean): string {
  let html: string;
  try {
    html = katex.renderToString(tex, {
      displayMode: display,
      output: 'mathml',
      throwOnError: true,
      strict: 'ignore',
      trust: false,
      maxExpand: 200,
      maxSize: 20,
    });
  } catch {
    const escaped = tex.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    return `<code class="tex">${escaped}</code>`;
  }
  // The source, which is kept beside the formula for other programs, would be shown once sanitize.ts drops its element.
  return html.replace(/<annotation[^>]*>[^<]*<\/annotation>/g, '').replace(/<\/?semantics>/g, '');
}
