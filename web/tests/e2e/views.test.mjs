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
  answer: async (page, words) => {
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
  owner: async (page) => {
    await page.evaluate(() => (location.hash = '#/owner'));
    await page.locator('figure svg').waitFor();
    await page.waitForTimeout(1500);
  },
  settings: async (page, words) => {
    if ((await page.viewportSize()).width < 800) await page.locator('header .icon-button').first().click();
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

const kLooks = [
  { name: 'en-light', locale: 'en-US', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'ko-dark', locale: 'ko-KR', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'en-dark-360', locale: 'en-US', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  { name: 'ko-light-360', locale: 'ko-KR', colorScheme: 'light', viewport: { width: 360, height: 740 } },
];

async function findings(page) {
  await page.evaluate((source) => window.axe ?? new Function(source)(), axe).catch(() => page.addScriptTag({ content: axe }));
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary.split('\n')[1] ?? ''}`).join(' | ')}`);
  });
}

for (const { name: look, ...context } of kLooks) {
  test(`axe finds nothing in any view, ${look}`, { timeout: 600_000 }, async (t) => {
    for (const [view, show] of Object.entries(kViews)) {
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
