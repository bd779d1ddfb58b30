import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { ask, answered, composer, from, open, stop, until, withPage } from './harness.mjs';

after(stop);

async function menu(page, title, item) {
  const row = page.locator('nav li', { hasText: title }).first();
  await row.hover();
  await row.getByRole('button', { name: /^Actions for/ }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

test('conversations are renamed, pinned, put in folders and found', withPage({ sample: true }, async ({ page, state }) => {
  await menu(page, 'Who tests the backups?', 'Rename');
  await page.getByRole('textbox', { name: 'Title' }).fill('Backup tests');
  await page.keyboard.press('Enter');
  await until('the name is stored', () => state.conversations.get('c5').title === 'Backup tests');
  await menu(page, 'Backup tests', 'Pin');
  await until('the pin is stored', () => state.conversations.get('c5').pinned);
  await menu(page, 'Ideas for the team day', 'Move to folder…');
  await page.getByRole('combobox', { name: /^Folder/ }).fill('Party');
  await page.keyboard.press('Enter');
  await until('the folder is stored', () => state.conversations.get('c6').folder === 'Party');
  await page.locator('summary', { hasText: 'Party' }).waitFor();
  await page.getByRole('searchbox').fill('answer to: Notes');
  await page.getByText('1 conversation found').waitFor();
  assert.match(await page.locator('nav .snippet').innerText(), /An answer to: Notes for the release/);
}));

test('a conversation is saved as Markdown and JSON, all are saved, and read again', withPage({ sample: true }, async ({ page, state }) => {
  const saved = async (act) => {
    const [download] = await Promise.all([page.waitForEvent('download'), act()]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
  };
  const markdown = await saved(() => menu(page, 'Notes for the release', 'Save as Markdown'));
  assert.equal(markdown.name, 'Notes for the release.md');
  assert.equal(markdown.text, '# Notes for the release\n\n## You\n\nNotes for the release\n\n## Bantam\n\nAn answer to: Notes for the release\n');
  const one = await saved(() => menu(page, 'Notes for the release', 'Save as JSON'));
  assert.equal(JSON.parse(one.text).conversations[0].messages.length, 2);
  await page.getByRole('button', { name: 'Settings' }).click();
  const all = await saved(() => page.getByRole('button', { name: 'Save all' }).click());
  assert.equal(JSON.parse(all.text).conversations.length, 7);

  state.conversations.delete('c3');
  await page.locator('dialog input[type=file]').setInputFiles({ name: all.name, mimeType: 'application/json', buffer: Buffer.from(all.text) });
  await page.getByText('1 conversation imported, 6 already here').waitFor();
  assert.equal(state.conversations.get('c3').messages.length, 2);
  await page.locator('dialog input[type=file]').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') });
  await page.getByText(/x.json is not a file of saved conversations/).waitFor();
}));

test('a deleted conversation is gone, after being asked', withPage({ sample: true, hash: '/#/c/c1' }, async ({ page, state }) => {
  await menu(page, 'Summary of the travel policy', 'Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.ok(state.conversations.has('c1'));
  await menu(page, 'Summary of the travel policy', 'Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await until('it is deleted', () => !state.conversations.has('c1'));
  await page.getByRole('heading', { name: 'Ask your own documents' }).waitFor();
}));

test('with keys, each sees their own conversations, and none without a key', async () => {
  const session = await open({ setup: (state) => (state.keys = new Map([['key-a', 'a'], ['key-b', 'b']])) });
  const { page, state } = session;
  await page.getByRole('heading', { name: 'This server asks for a key' }).waitFor();
  await page.getByLabel('Key').fill('wrong');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('The server refuses the key.').waitFor();
  await page.getByLabel('Key').fill('key-a');
  await page.getByRole('button', { name: 'Continue' }).click();
  await from(page, 'Manual');
  await ask(page, 'Does Bantam need a GPU?');
  await answered(page);
  await until('it is of a', () => [...state.conversations.values()].some(({ owner }) => owner === 'a'));
  assert.equal(await page.getByRole('link', { name: 'Owner' }).count(), 0);
  await page.evaluate(() => localStorage.setItem('bantam.key', 'key-b'));
  await page.reload();
  await composer(page).waitFor();
  await page.getByText('This is not there any more.').waitFor();
  await session.close();
});
