// LaTeX in Markdown: $x$ and \(x\) in a line, $$x$$ and \[x\] as a block. A dollar sign before a digit or a space is money.
import type { MarkdownIt } from 'markdown-it';

const kBackslash = 0x5c;
const kDollar = 0x24;

// The index of the `closer` that ends math begun before `from`, or -1.
function closing(source: string, closer: string, from: number): number {
  for (let at = source.indexOf(closer, from); at >= 0; at = source.indexOf(closer, at + 1)) {
    let backslashes = 0;
    while (source.charCodeAt(at - 1 - backslashes) === kBackslash) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}

function dollarMath(source: string, from: number): [string, number] | null {
  if (/\s/.test(source[from] ?? ' ')) return null;
  const end = closing(source, '$', from);
  if (end <= from || /\s/.test(source[end - 1]) || /\d/.test(source[end + 1] ?? '')) return null;
  return [source.slice(from, end), end + 1];
}

function parenthesisMath(source: string, from: number): [string, number] | null {
  const end = closing(source, '\\)', from);
  return end < 0 ? null : [source.slice(from, end), end + 2];
}

function inlineMath(md: MarkdownIt) {
  md.inline.ruler.before('escape', 'math_inline', (state, silent) => {
    const { src, pos } = state;
    const code = src.charCodeAt(pos);
    let found: [string, number] | null = null;
    if (code === kDollar && src.charCodeAt(pos + 1) !== kDollar) found = dollarMath(src, pos + 1);
    else if (code === kBackslash && src[pos + 1] === '(') found = parenthesisMath(src, pos + 2);
    if (!found) return false;
    if (!silent) state.push('math_inline', 'math', 0).content = found[0];
    state.pos = found[1];
    return true;
  });
}

function blockMath(md: MarkdownIt) {
  const rule: Parameters<typeof md.block.ruler.before>[2] = (state, startLine, endLine, silent) => {
    const begin = state.bMarks[startLine] + state.tShift[startLine];
    const opener = state.src.slice(begin, begin + 2);
    if (opener !== '$$' && opener !== '\\[') return false;
    const closer = opener === '$$' ? '$$' : '\\]';
    let line = startLine;
    let end = closing(state.src.slice(0, state.eMarks[line]), closer, begin + 2);
    while (end < 0 && ++line < endLine) end = closing(state.src.slice(0, state.eMarks[line]), closer, state.bMarks[line]);
    // What has no end is math only while it is being written.
    if (end < 0 && !state.env.open) return false;
    if (end >= 0 && state.src.slice(end + 2, state.eMarks[line]).trim() !== '') return false;
    if (silent) return true;
    const token = state.push('math_block', 'math', 0);
    token.content = state.src.slice(begin + 2, end < 0 ? state.eMarks[endLine - 1] : end).trim();
    token.map = [startLine, Math.min(line + 1, endLine)];
    state.line = token.map[1];
    return true;
  };
  md.block.ruler.before('fence', 'math_block', rule, { alt: ['paragraph', 'reference', 'blockquote', 'list'] });
}

export function math(md: MarkdownIt) {
  inlineMath(md);
  blockMath(md);
}
