// 500 hostile texts as answers, titles, quotes and documents: nothing runs, nothing is fetched, no dialog opens.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { addConversation } from '../../mock/conversations.mjs';
import { addDocument } from '../../mock/documents.mjs';
import { hostileTexts } from './hostile.mjs';
import { stop, withPage } from './harness.mjs';

after(stop);
const kPerConversation = 25;

function poison(state, texts) {
  for (let i = 0; i < texts.length; i += kPerConversation) {
    const messages = [];
    texts.slice(i, i + kPerConversation).forEach((text, j) => {
      const id = `m${i + j}`;
      const document = addDocument(state, text.slice(0, 60), text, text.slice(0, 80));
      const citation = { document: document.id, file: text.slice(0, 60), title: text, heading: text, page: null, start: 0, end: Buffer.byteLength(text), quote: text };
      messages.push({ id: `${id}q`, parent: messages.at(-1)?.id ?? null, role: 'user', content: text, created: i, data: {} });
      messages.push({ id, parent: `${id}q`, role: 'assistant', content: text, created: i, data: { source: 'documents', model: text, grounding: { abstained: j % 5 === 0, citations: j % 5 ? [citation] : [], nearest: [citation] } } });
    });
    addConversation(state, '', { id: `h${i}`, title: texts[i], folder: i % 50 ? '' : texts[i].slice(0, 40), messages, head: messages.at(-1).id });
  }
}

test('500 hostile texts do nothing', { timeout: 600_000 }, async () => {
  const texts = hostileTexts();
  assert.equal(texts.length, 500);
  await withPage({ setup: (state) => poison(state, texts) }, (session) => drive(session, texts))();
});

async function drive(session, texts) {
  const { page, state } = session;
  await page.exposeFunction('pwned', () => session.log.dialogs.push('a script ran'));
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  let seen = 0;
  for (let i = 0; i < texts.length; i += kPerConversation) {
    await page.evaluate((id) => (location.hash = `#/c/${id}`), `h${i}`);
    await page.waitForFunction((id) => document.querySelector(`[data-id="${id}"]`), `m${i + kPerConversation - 1}`);
    // Scrolls through all of it, so that each row is drawn.
    for (let step = 0; step < 40; step++) {
      const atTop = await page.evaluate(() => {
        const list = document.querySelector('.viewport');
        list.scrollTop -= list.clientHeight * 0.9;
        return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(list.scrollTop <= 0))));
      });
      if (atTop) break;
    }
    assert.equal(await page.evaluate((id) => Boolean(document.querySelector(`[data-id="${id}"]`)), `m${i}q`), true);
    seen += kPerConversation;
    if (process.env.PROGRESS) console.log(seen);
    if (i % 100 === 0) {
      await page.locator('section ol button').first().click();
      await page.locator('aside mark').first().waitFor();
      await page.getByRole('button', { name: 'Close', exact: true }).click();
    }
    const bad = await page.evaluate(() => {
      const all = [...document.querySelectorAll('#app *')];
      const handlers = all.filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on') || name === 'srcdoc' || name === 'style'));
      const links = [...document.querySelectorAll('#app .prose a')].filter((a) => !/^(https?|mailto):/.test(a.href) || a.rel !== 'noopener noreferrer');
      const elements = document.querySelectorAll('.prose :is(script, img, iframe, object, embed, svg, form, input, video, audio, link, meta, base, style, foreignObject)');
      // The list and the progress bars set styles by script, which the policy allows.
      return { handlers: handlers.filter((one) => one.closest('.prose, .bubble, q, .where')).length, links: links.map((a) => a.outerHTML), elements: elements.length };
    });
    assert.deepEqual(bad, { handlers: 0, links: [], elements: 0 });
  }
  // The same again as streamed answers, a sample.
  state.pieceMs = 0;
  state.piece = 7;
  await page.evaluate(() => (location.hash = '#/'));
  await page.locator('fieldset label', { hasText: 'Model' }).click();
  for (let i = 0; i < 10; i++) {
    state.answers.push(texts[i * 47]);
    await page.getByRole('textbox', { name: 'Message' }).fill(`number ${i}`);
    await page.keyboard.press('Enter');
    await page.waitForFunction((n) => document.querySelectorAll('[aria-busy="true"]').length === 0 && document.body.innerText.includes(`number ${n}`), i);
  }
  assert.equal(seen, 500);
  assert.deepEqual([...new Set(asked.map((path) => path.split('/')[1]))].filter((first) => !['bantam', 'v1', 'chunk-highlight.js', 'chunk-formula.js', 'icon.svg'].includes(first)), []);
  console.log(`${seen} texts, ${asked.length} requests, ${session.log.outside.length} outside, ${session.log.dialogs.length} scripts or dialogs`);
}
