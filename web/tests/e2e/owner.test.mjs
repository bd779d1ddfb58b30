import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { stop, until, withPage } from './harness.mjs';

after(stop);
const kOwner = { sample: true, hash: '/#/owner' };

test('models are pulled with progress, loaded, unloaded and deleted', withPage(kOwner, async ({ page, state }) => {
  const row = (name) => page.locator('tr', { hasText: name });
  assert.match(await row('bantam-1').first().innerText(), /8\.4 MB[\s\S]*27 MB[\s\S]*1,024/);
  state.hold = true;
  await page.getByRole('textbox', { name: 'Model to pull' }).fill('tiny');
  await page.getByRole('button', { name: 'Pull' }).click();
  await page.getByText(/ \/ 50 MB/).waitFor();
  await page.getByRole('button', { name: 'Unload bantam-1' }).click(); // a pull does not keep from other work
  await page.getByRole('button', { name: 'Load bantam-1', exact: true }).waitFor();
  state.hold = false;
  await row('tiny').waitFor();
  await page.getByRole('button', { name: 'Load tiny', exact: true }).click();
  await page.getByRole('button', { name: 'Unload tiny' }).waitFor();
  assert.equal(state.models.find(({ name }) => name === 'tiny').loaded, true);
  await page.getByRole('button', { name: 'Unload tiny' }).click();
  await page.getByRole('button', { name: 'Load tiny', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Delete tiny' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await until('it is deleted', () => !state.models.some(({ name }) => name === 'tiny'));
}));

test('keys are made, shown once, limited and revoked', withPage(kOwner, async ({ page, state }) => {
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Whose key it is' }).fill('minji');
  await dialog.getByRole('spinbutton', { name: 'Tokens a day' }).fill('5000');
  await dialog.getByRole('button', { name: 'Make key' }).click();
  await page.getByText('bk-minji-0123456789abcdef').waitFor();
  await page.getByRole('button', { name: 'I have it' }).click();
  const key = state.keyList.find(({ name }) => name === 'minji');
  assert.equal(key.limits.tokens_per_day, 5000);
  assert.ok(!key.scopes.includes('admin'));
  await page.getByRole('button', { name: 'Limits of minji' }).click();
  await dialog.getByRole('spinbutton', { name: 'Tokens a day' }).fill('9000');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('9,000 tokens/day').waitFor();
  assert.equal(key.limits.tokens_per_day, 9000);
  await page.getByRole('button', { name: 'Revoke minji' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await until('it is revoked', () => key.revoked);
  await until('nothing is left to be done with it', async () => (await page.getByRole('button', { name: 'Limits of minji' }).count()) === 0);
}));

test('usage is a chart and the same numbers as a table', withPage(kOwner, async ({ page, state }) => {
  const chart = page.getByRole('img', { name: /^Tokens used on each of the last 14 days/ });
  await chart.waitFor();
  assert.equal(await chart.locator('rect').count(), state.usage.length);
  await page.getByText('The numbers as a table').click();
  assert.equal(await page.locator('details tbody tr').count(), state.usage.length);
}));

test('the load is alive', withPage(kOwner, async ({ page, state }) => {
  await page.getByText('1,423').waitFor();
  await page.getByText('12 of 64 pages').waitFor();
  state.load = { ...state.load, tokens_per_second: 987, waiting: 5 };
  await page.getByText('987').waitFor();
}));

test('who is not the owner is told so', withPage({ hash: '/#/owner', setup: (state) => (state.keys = new Map([['k', 'somebody']])) }, async ({ page }) => {
  await page.getByLabel('Key').fill('k');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('This page is for the owner of the server.').waitFor();
}));

// The server's answers are what a page at rest must not wait for in a circle.
for (const [hash, most] of [['/#/', 0], ['/#/documents', 0], ['/#/owner', 1]]) {
  test(`a page at rest asks at most once a second: ${hash}`, withPage({ sample: true, hash }, async ({ page }) => {
    await page.waitForLoadState('networkidle');
    // By the page's own clock: the machine may have other work.
    const { asked, seconds } = await page.evaluate(async () => {
      performance.clearResourceTimings();
      const begun = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 4000));
      return { asked: performance.getEntriesByType('resource').length, seconds: (performance.now() - begun) / 1000 };
    });
    assert.ok(asked <= most * (seconds + 1), `${asked} requests in ${seconds} s`);
  }));
}
