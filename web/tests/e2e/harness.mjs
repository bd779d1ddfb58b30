// A browser on the mock server. Every page logs what it must never do: requests to others, dialogs, errors, broken policy.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { fill } from '../../mock/sample.mjs';
import { startMock } from '../../mock/server.mjs';

const kBrowsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const browserPath = process.env.CHROMIUM ?? kBrowsers.find((path) => existsSync(path));

const kWaitMs = Number(process.env.WAIT ?? 120_000); // for what comes at once where the machine has no other work

let browser;
export async function start() {
  browser ??= await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  return browser;
}

export async function stop() {
  await browser?.close();
  browser = undefined;
}

// A mock server and a page on it. `sample`: with conversations, documents, keys and usage.
export async function open({ sample = false, hash = '', url, setup, ...context } = {}) {
  const mock = url ? null : await startMock();
  if (sample) fill(mock.state);
  setup?.(mock.state);
  const origin = url ?? mock.url;
  const opened = await (await start()).newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', ...context });
  await opened.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const page = await opened.newPage();
  page.setDefaultTimeout(kWaitMs);
  const log = { outside: [], dialogs: [], errors: [] };
  await opened.route(
    (address) => address.origin !== origin && !['data:', 'blob:'].includes(address.protocol),
    (route) => (log.outside.push(route.request().url()), route.abort()),
  );
  page.on('dialog', (dialog) => (log.dialogs.push(dialog.message()), dialog.dismiss()));
  page.on('pageerror', (error) => log.errors.push(error.message));
  page.on('console', (message) => {
    // The browser itself reports each answer with an error status; those are the subject of some tests.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) log.errors.push(message.text());
  });
  await page.goto(origin + hash);
  await page.waitForSelector('main');
  return {
    mock, page, log, origin,
    state: mock?.state,
    async close() {
      await opened.close();
      await mock?.close();
      assert.deepEqual(log, { outside: [], dialogs: [], errors: [] });
    },
  };
}

// Runs `body` with an opened page and checks the log after it.
export const withPage = (options, body) => async () => {
  const session = await open(options);
  let failed = true;
  try {
    await body(session);
    failed = false;
  } finally {
    if (failed) await session.page.screenshot({ path: '/tmp/bantam-web-failed.png' }).catch(() => {});
    await session.close().catch((error) => {
      if (!failed) throw error;
    });
  }
};

export const composer = (page) => page.getByRole('textbox', { name: /^(Message|메시지)$/ });

export async function ask(page, text) {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

// Chooses where answers come from, as a person would.
export const from = (page, name) => page.locator('fieldset label', { hasText: name }).click();

export const answered = (page) => page.waitForFunction(() => document.querySelector('.assistant') && !document.querySelector('[aria-busy="true"]'));

export async function until(what, check) {
  for (const begun = Date.now(); Date.now() - begun < kWaitMs; ) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`never: ${what}`);
}
