import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { addConversation } from '../../mock/conversations.mjs';
import { ask, answered, from, stop, until, withPage } from './harness.mjs';

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

const twoKeys = { setup: (state) => (state.keys = new Map([['key-a', 'a'], ['key-b', 'b']])) };

async function enter(page, key) {
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: /^(Continue|Use key)$/ }).click();
}

async function changeKey(page, key) {
  await page.getByRole('button', { name: 'Settings' }).click();
  await Promise.all([page.waitForEvent('load'), enter(page, key)]);
  await page.getByRole('heading', { name: 'Ask your own documents' }).waitFor();
}

const ofOwner = (state, owner) => [...state.conversations.values()].filter((one) => one.owner === owner);
const stored = (state, owner, messages) => until(`${messages} messages of ${owner} are stored`, () => ofOwner(state, owner)[0]?.messages.length === messages);
const gpu = 'Does Bantam need a GPU?';

test('with keys, each sees their own conversations, and none without a key', withPage(twoKeys, async ({ page, state }) => {
  await page.getByRole('heading', { name: 'This server asks for a key' }).waitFor();
  await enter(page, 'wrong');
  await page.getByText('The server refuses the key.').waitFor();
  await enter(page, 'key-a');
  await from(page, 'Manual');
  await ask(page, gpu);
  await answered(page);
  await stored(state, 'a', 2);
  assert.equal(await page.getByRole('link', { name: 'Owner' }).count(), 0);
  const address = page.url();
  await changeKey(page, 'key-b');
  await page.getByText('Your conversations will be kept here').waitFor();
  await page.goto(address);
  await page.getByText('This is not there any more.').waitFor();
  assert.equal(await page.getByText(gpu).count(), 0);
}));

test('what one key could not store yet is neither shown to another nor sent with it, and is stored when the first is back', withPage(twoKeys, async ({ page, state }) => {
  await enter(page, 'key-a');
  await from(page, 'Manual');
  state.faults.push({ method: 'PUT', path: '/bantam/conversations', status: 503, code: 'overloaded', times: Infinity });
  await ask(page, gpu);
  await answered(page);
  await page.getByText('Your messages are kept in this browser until then.').waitFor();
  await page.evaluate(() => localStorage.setItem('bantam.key', 'key-b'));
  await page.reload();
  await page.getByText('This is not there any more.').waitFor();
  assert.equal(await page.locator('.bubble').count(), 0);
  state.faults.length = 0;
  await changeKey(page, 'key-a');
  await stored(state, 'a', 2);
  assert.deepEqual(ofOwner(state, 'b'), []);
  await page.getByRole('link', { name: gpu }).click();
  await page.locator('.bubble').getByText(gpu).waitFor();
}));

test('a key that is refused amid a conversation loses nothing: what was written goes on under the next key', withPage(twoKeys, async ({ page, state }) => {
  await enter(page, 'key-a');
  await from(page, 'Manual');
  await ask(page, gpu);
  await answered(page);
  await stored(state, 'a', 2);
  state.keys.delete('key-a');
  await ask(page, 'And how much memory?');
  await page.getByRole('heading', { name: 'This server asks for a key' }).waitFor();
  await enter(page, 'key-b');
  await page.locator('.bubble').getByText('And how much memory?').waitFor();
  await stored(state, 'b', 1);
  await page.getByRole('button', { name: 'Try again' }).click();
  await stored(state, 'b', 2);
  await page.reload();
  await page.locator('.bubble').getByText('And how much memory?').waitFor();
  assert.equal(ofOwner(state, 'a')[0].messages.length, 2);
}));

test('a link to a conversation opens it once the key is entered', withPage({ ...twoKeys, hash: '/#/c/mine', setup: (state) => {
  twoKeys.setup(state);
  const question = { id: 'm', parent: null, role: 'user', content: gpu, created: 1, data: {} };
  addConversation(state, 'a', { id: 'mine', title: 'Mine', messages: [question], head: 'm' });
} }, async ({ page }) => {
  await enter(page, 'key-a');
  await page.locator('.bubble').getByText(gpu).waitFor();
}));
