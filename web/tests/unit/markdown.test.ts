import { expect, test } from 'vitest';
import { kSample } from '../../mock/chat.mjs';
import { BlockSplitter, closeOpenMarks } from '../../src/lib/markdown/blocks';
import { toHtml } from '../../src/lib/markdown/parser';

test('HTML in an answer is text', () => {
  expect(toHtml('<img src=x onerror=alert(1)>')).toBe('<p>&lt;img src=x onerror=alert(1)&gt;</p>\n');
  expect(toHtml('<script>alert(1)</script>')).not.toContain('<script');
  expect(toHtml('a <b onclick="x()">b</b>')).not.toContain('<b');
});

test('only addresses of the web and of mail are links', () => {
  for (const url of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'vbscript:x', 'data:text/html,x', 'file:///etc/passwd', '//evil.example/x', '/owner', 'java\tscript:x']) {
    expect(toHtml(`[x](<${url}>)`), url).not.toContain('<a');
    expect(toHtml(`<${url}>`), url).not.toContain('<a');
    expect(toHtml(`![x](<${url}>)`), url).not.toMatch(/<a|<img/);
  }
  expect(toHtml('[x](https://example.com)')).toContain('<a href="https://example.com" rel="noopener noreferrer" target="_blank">');
});

test('a picture is a link, never fetched', () => {
  const html = toHtml('![a cat](https://example.com/cat.png)');
  expect(html).not.toContain('<img');
  expect(html).toContain('href="https://example.com/cat.png"');
});

test('a language cannot break out of its code block', () => {
  expect(toHtml('```"><img/src=x>\ncode\n```')).not.toContain('<img');
  expect(toHtml('```js" onload="x\ncode\n```')).not.toContain('onload');
});

test('citations are buttons only as far as there are sources', () => {
  expect(toHtml('So it is [1] and [2].', { citations: 1 })).toContain('data-cite="1"');
  expect(toHtml('So it is [1] and [2].', { citations: 1 })).not.toContain('data-cite="2"');
  expect(toHtml('So it is [1].')).not.toContain('data-cite');
});

test('formulas are found, prices are not', () => {
  const math = (tex: string, display: boolean) => `{${display ? 'block' : 'line'}:${tex}}`;
  expect(toHtml('$x^2$ and \\(y\\)', { math })).toBe('<p>{line:x^2} and {line:y}</p>\n');
  expect(toHtml('$$\nx\n$$', { math })).toContain('{block:x}');
  expect(toHtml('\\[x\\]', { math })).toContain('{block:x}');
  expect(toHtml('It costs $5 or $10.', { math })).toBe('<p>It costs $5 or $10.</p>\n');
  expect(toHtml('$$ never closed', { math })).not.toContain('{');
  expect(toHtml('`$x$`', { math })).toContain('<code>$x$</code>');
});

test('while a text grows, blocks that are finished never change, and the end is the same as at once', () => {
  const splitter = new BlockSplitter();
  let finished: string[] = [];
  for (let length = 1; length <= kSample.length; length++) {
    const blocks = splitter.update(kSample.slice(0, length));
    expect(blocks.join('')).toBe(kSample.slice(0, length));
    expect(blocks.slice(0, finished.length)).toEqual(finished);
    finished = blocks.slice(0, -1);
  }
  const streamed = splitter.update(kSample).map((block) => toHtml(block)).join('');
  expect(streamed).toBe(toHtml(kSample));
  expect(finished.length).toBeGreaterThan(6);
});

test('another text begins anew', () => {
  const splitter = new BlockSplitter();
  splitter.update('one\n\ntwo');
  expect(splitter.update('three').join('')).toBe('three');
});

test('marks that are still open are closed for now', () => {
  expect(closeOpenMarks('some **bold')).toBe('some **bold**');
  expect(closeOpenMarks('some **')).toBe('some ');
  expect(closeOpenMarks('a `code')).toBe('a `code`');
  expect(closeOpenMarks('see [the page](https://exa')).toBe('see the page');
  expect(closeOpenMarks('**done** text')).toBe('**done** text');
  expect(closeOpenMarks('```js\nlet a = `x')).toBe('```js\nlet a = `x');
});
