// Every view in both themes, both languages and on a narrow screen: axe finds nothing, nothing sticks out sideways.
// SCREENSHOTS=folder also keeps pictures of them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { answered, ask, from, open, stop } from './harness.mjs';

after(stop);
const axe = await readFile(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const kWords = {
  en: { abstains: 'What is the capital of France?', model: 'Model', manual: 'Manual', documents: 'Documents', settings: 'Settings', panel: 'Model and parameters', travel: 'When are expenses paid back after the receipts?' },
  ko: { abstains: '프랑스의 수도는 어디입니까?', model: '모델', manual: '설명서', documents: '문서', settings: '설정', panel: '모델과 매개변수', travel: '모든 직원은 한 해에 유급 휴가 며칠을 받습니까?' },
};

async function openSidebar(page) {
  if (page.viewportSize().width < 800) await page.locator('header .icon-button').first().click();
}

const kViews = {
  welcome: async () => {},
  sources: async (page, words) => {
    await from(page, words.documents);
    await ask(page, words.travel);
    await answered(page);
    await page.locator('section ol button').first().click();
    await page.locator('mark').first().waitFor();
  },
  abstained: async (page, words) => {
    await from(page, words.manual);
    await ask(page, words.abstains);
    await answered(page);
    await page.locator('.abstained').waitFor();
  },
  answer: async (page, words, state) => {
    state.pieceMs = 10;
    await from(page, words.model);
    await ask(page, 'Show me code, a table and a formula');
    await answered(page);
    await page.locator('.prose math').first().waitFor();
  },
  panel: async (page, words) => {
    await from(page, words.model);
    await page.getByRole('button', { name: words.panel }).click();
    await page.getByRole('complementary').waitFor();
  },
  documents: async (page) => {
    await page.evaluate(() => (location.hash = '#/documents'));
    await page.locator('.rows').waitFor();
  },
  owner: async (page, _words, state) => {
    let second = 0;
    setInterval(() => {
      const running = Math.round(3 + 3 * Math.sin(++second / 3));
      state.load = { ...state.load, running, waiting: Math.max(running - 4, 0), tokens_per_second: 240 * running, pages_used: 9 * running };
    }, 1000).unref();
    await page.evaluate(() => (location.hash = '#/owner'));
    await page.locator('figure svg').waitFor();
    await page.waitForFunction((most) => document.querySelector('polyline')?.points.length > most, process.env.SCREENSHOTS ? 40 : 2);
  },
  settings: async (page, words) => {
    await openSidebar(page);
    await page.locator('nav').getByRole('button', { name: words.settings }).evaluate((button) => button.click());
    await page.getByRole('dialog').waitFor();
  },
  shortcuts: async (page) => {
    await page.keyboard.press('Control+/');
    await page.getByRole('dialog').waitFor();
  },
  error: async (page, words, state) => {
    state.faults.push({ path: '/v1/chat/completions', status: 404, code: 'model_not_found', times: 1 });
    await from(page, words.model);
    await ask(page, 'Hello');
    await page.getByRole('alert').waitFor();
  },
  key: async (page, _words, state) => {
    state.keys = new Map([['k', 'a']]);
    await page.reload();
    await page.locator('.gate').waitFor();
  },
};

// States of them that come and go, in two of the looks.
const kStates = {
  'full context': async (page, words, state) => {
    state.answers.push('A short answer.');
    await from(page, words.model);
    await ask(page, 'What is said about this? '.repeat(145));
    await answered(page);
    await page.locator('.composer .notice').waitFor();
  },
  editing: async (page, words) => {
    await from(page, words.model);
    await ask(page, 'Hello');
    await answered(page);
    await page.keyboard.press('ArrowUp');
    await page.locator('.user textarea').waitFor();
  },
  gone: async (page, words, state) => {
    state.faults.push({ path: '/', status: 0, times: Infinity });
    await from(page, words.model);
    await ask(page, 'Hello');
    await page.getByRole('alert').waitFor();
    await page.locator('.banner').waitFor();
  },
  menu: async (page) => {
    await openSidebar(page);
    await page.locator('nav li').first().hover();
    await page.locator('nav li button').first().click();
    await page.getByRole('menu').waitFor();
  },
  search: async (page) => {
    await openSidebar(page);
    await page.getByRole('searchbox').fill('answer');
    await page.locator('.snippet').first().waitFor();
  },
  empty: async (page, _words, state) => {
    state.conversations.clear();
    state.documents.clear();
    await page.evaluate(() => (location.hash = '#/documents'));
    await page.reload();
    await page.locator('.view').waitFor();
  },
  reading: async (page, _words, state) => {
    state.indexing = { running: true, done: 3, total: 8, current: 'handbook/a-file-with-a-rather-long-name.pdf' };
    state.problems.push({ file: 'picture.bin', reason: 'is not text and has no format that is known' });
    await page.evaluate(() => (location.hash = '#/documents'));
    await page.getByRole('progressbar').waitFor();
  },
  pulling: async (page, _words, state) => {
    state.hold = true;
    await page.evaluate(() => (location.hash = '#/owner'));
    await page.locator('form .input').fill('smollm2');
    await page.locator('form .button').click();
    await page.getByRole('progressbar').waitFor();
  },
  'new key': async (page) => {
    await page.evaluate(() => (location.hash = '#/owner'));
    await page.locator('section[aria-labelledby=keys] .head button').click();
    await page.getByRole('dialog').waitFor();
  },
  keys: async (page) => {
    await page.evaluate(() => (location.hash = '#/owner'));
    await page.locator('section[aria-labelledby=keys] li .icon-button').first().scrollIntoViewIfNeeded();
  },
  question: async (page) => {
    await page.evaluate(() => (location.hash = '#/owner'));
    await page.locator('section[aria-labelledby=keys] li .icon-button').first().click();
    await page.getByRole('dialog').waitFor();
  },
};

const kLooks = [
  { name: 'en-light', locale: 'en-US', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'ko-dark', locale: 'ko-KR', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'en-dark-360', locale: 'en-US', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  { name: 'ko-light-360', locale: 'ko-KR', colorScheme: 'light', viewport: { width: 360, height: 740 } },
  { name: 'en-light-360, states', states: true, locale: 'en-US', colorScheme: 'light', viewport: { width: 360, height: 740 } },
  { name: 'ko-dark, states', states: true, locale: 'ko-KR', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
];

async function findings(page) {
  await page.evaluate((source) => window.axe ?? new Function(source)(), axe).catch(() => page.addScriptTag({ content: axe }));
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary.split('\n')[1] ?? ''}`).join(' | ')}`);
  });
}

for (const { name: look, states, ...context } of kLooks) {
  test(`axe finds nothing in any view, ${look}`, { timeout: 1_800_000 }, async (t) => {
    for (const [view, show] of Object.entries(states ? kStates : kViews)) {
      if (process.env.VIEWS && !process.env.VIEWS.split(',').includes(view)) continue;
      await t.test(view, async () => {
        const session = await open({ sample: true, bypassCSP: true, reducedMotion: 'reduce', ...context });
        const { page, state } = session;
        try {
          state.pieceMs = 0;
          await page.waitForTimeout(200);
          await show(page, kWords[context.locale.slice(0, 2)], state);
          await page.waitForTimeout(300);
          if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${view}-${look}.png`) });
          assert.deepEqual(await findings(page), []);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `sticks out by ${overflow} px`);
        } finally {
          await session.close();
        }
      });
    }
  });
}

test('reduced motion is respected', async () => {
  const session = await open({ reducedMotion: 'reduce' });
  const duration = await session.page.locator('.welcome li button').first().evaluate((button) => parseFloat(getComputedStyle(button).transitionDuration));
  assert.ok(duration < 0.001);
  await session.close();
});

test('the page can be installed', async () => {
  const session = await open({});
  const manifest = await session.page.evaluate(async () => (await fetch('/manifest.webmanifest')).json());
  assert.equal(manifest.display, 'standalone');
  for (const { src, sizes } of manifest.icons.filter(({ type }) => type === 'image/png')) {
    const width = await session.page.evaluate(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      return image.naturalWidth;
    }, src);
    assert.equal(`${width}x${width}`, sizes);
  }
  await session.close();
});
