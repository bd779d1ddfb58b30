import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { addDocument } from '../../mock/documents.mjs';
import { answered, ask, composer, from, stop, until, withPage } from './harness.mjs';

after(stop);

const kHandbook = Buffer.from('# 안내서\n\n휴가는 한 해에 25일입니다.\n\nThe gate is opened at seven by the porter. 😀 It closes at ten.\n');

async function dropFiles(page, files) {
  const transfer = await page.evaluateHandle((all) => {
    const data = new DataTransfer();
    for (const { name, text } of all) data.items.add(new File([text], name));
    return data;
  }, files);
  await page.dispatchEvent('body', 'dragover', { dataTransfer: transfer });
  await page.getByText('Drop to add them to your documents').waitFor();
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}

test('dropped files are indexed with progress, and answer with a citation that opens the marked passage', withPage({ setup: (state) => (state.hold = true) }, async ({ page, state }) => {
  await dropFiles(page, [{ name: 'house.md', text: kHandbook.toString() }, { name: 'other.txt', text: 'Nothing of importance.' }]);
  await page.getByText(/^Reading 1 of 1: /).waitFor();
  state.hold = false;
  await until('both are read', () => [...state.documents.values()].filter((one) => !one.manual).length === 2);
  await ask(page, 'When is the gate opened by the porter?');
  await answered(page);
  assert.equal(state.lastChat.documents.index, 'documents');
  await page.locator('.prose').getByRole('button', { name: 'Source 1' }).click();
  await page.locator('mark').first().waitFor();
  assert.equal((await page.locator('mark').allInnerTexts()).join(''), 'The gate is opened at seven by the porter. 😀 It closes at ten.');
  assert.equal(await page.locator('.chat .prose').innerText(), 'The gate is opened at seven by the porter. 😀 It closes at ten. 1');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('complementary').count(), 0);
}));

test('Korean is quoted to the byte', withPage({ locale: 'ko-KR' }, async ({ page, state }) => {
  await page.goto(page.url() + '#/documents');
  await page.locator('input[type=file]').first().setInputFiles({ name: '안내서.md', mimeType: 'text/markdown', buffer: kHandbook });
  await page.getByText('안내서.md').first().waitFor();
  await until('it is read', () => !state.indexing.running && [...state.documents.values()].some(({ name }) => name === '안내서.md'));
  await page.getByRole('link', { name: '새 대화' }).click();
  await from(page, '문서');
  await ask(page, '휴가는 한 해에 며칠입니까?');
  await answered(page);
  await page.getByRole('button', { name: /^출처 1 열기/ }).first().click();
  await page.locator('mark').first().waitFor();
  assert.equal((await page.locator('mark').allInnerTexts()).join(''), '휴가는 한 해에 25일입니다.');
}));

test('what the documents do not say is shown as that, with the nearest passages', withPage({}, async ({ page }) => {
  await page.getByRole('button', { name: 'What is the capital of France?' }).click();
  await answered(page);
  await page.locator('.abstained').getByText('The documents do not say.').waitFor();
  await page.getByRole('heading', { name: 'Nearest passages' }).waitFor();
  await page.locator('.abstained').getByRole('button').first().click();
  await page.locator('mark').first().waitFor();
}));

test('a folder the owner allowed is read, another is refused with the reason', withPage({ hash: '/#/documents' }, async ({ page, state }) => {
  const folder = page.getByRole('textbox', { name: 'Or a folder on the server' });
  await folder.fill('/etc');
  await page.getByRole('button', { name: 'Read folder' }).click();
  await page.getByText(/is not below a folder that the owner allowed/).waitFor();
  await folder.fill('/srv/docs/handbook');
  await page.getByRole('button', { name: 'Read folder' }).click();
  await page.getByText('3 files', { exact: true }).waitFor();
  assert.equal([...state.documents.values()].filter((one) => !one.manual).length, 3);
}));

test('a document can be opened and removed, and files that cannot be read are named', withPage({ sample: true, hash: '/#/documents' }, async ({ page, state }) => {
  await page.locator('input[type=file]').first().setInputFiles({ name: 'picture.bin', mimeType: 'application/octet-stream', buffer: Buffer.from([0, 1, 2]) });
  await page.getByText('1 file could not be read').waitFor();
  await page.getByRole('button', { name: /^Backups/ }).click();
  await page.getByText('Jisoo Han is responsible').waitFor();
  await page.getByRole('button', { name: 'Remove backups.md' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await until('it is gone', () => ![...state.documents.values()].some(({ name }) => name === 'backups.md'));
  await page.getByText('2 files', { exact: true }).waitFor();
}));

test('a person without documents is told so before asking', withPage({}, async ({ page }) => {
  await from(page, 'Documents');
  await page.getByText('There are no documents to answer from yet.').waitFor();
  await composer(page).fill('anything');
  assert.equal(await page.locator('.composer').getByRole('link', { name: 'Add documents' }).getAttribute('href'), '#/documents');
}));

const thousand = (state) => {
  for (let i = 0; i < 1000; i++) addDocument(state, `note-${i}.txt`, `Note ${i}.`);
};

test('of a thousand documents some are listed, more are shown when asked for, and each is found by its name', withPage({ hash: '/#/documents', setup: thousand }, async ({ page }) => {
  const rows = page.locator('.rows li');
  await page.getByText('1,000 files', { exact: true }).waitFor();
  assert.equal(await rows.count(), 200);
  await page.getByRole('button', { name: 'Show more' }).click();
  await until('400 are shown', async () => (await rows.count()) === 400);
  await page.getByRole('searchbox', { name: 'Filter by name' }).fill('note-99');
  await page.getByText('11 files', { exact: true }).waitFor();
  await until('they are shown', async () => (await rows.count()) === 11);
  assert.equal(await page.getByRole('button', { name: 'Show more' }).count(), 0);
  await page.getByRole('searchbox', { name: 'Filter by name' }).fill('nothing of the kind');
  await page.getByText('0 files', { exact: true }).waitFor();
}));
