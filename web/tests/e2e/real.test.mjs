// The page of the program itself: BANTAM=path of bantam. Each test has a server of its own, with an empty folder of data.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answered, ask, composer, from, stop, until, withPage } from './harness.mjs';

after(stop);
const kProgram = process.env.BANTAM;
const kSkip = kProgram ? false : 'BANTAM names no program';
const kVocabulary = fileURLToPath(new URL('../../../models/bantam-1.gguf', import.meta.url));
const kHouse = '# House rules\n\nThe gate is opened at seven by the porter. It closes at ten.\n\nVisitors sign the book at the desk.\n';

// Answers with the address once the server listens.
function listening(server) {
  return new Promise((resolve, reject) => {
    let said = '';
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (piece) => {
        said += piece;
        const address = /listening at (http:\S+)/.exec(said);
        if (address) resolve(address[1]);
      });
    }
    server.once('exit', (code) => reject(new Error(`bantam serve ended with ${code}: ${said}`)));
  });
}

// Models for one purpose each, trained in seconds; all tests share them. `slow` says the same word to the end of its
// context: the model inside the program is done before a person could stop it. `writer` says one sentence that cites.
const kShapes = {
  slow: { dim: 512, layers: 6, ffn: 1536, steps: 1 },
  writer: { dim: 128, layers: 2, heads: 2, steps: 40, warmup: 5 },
};
const kPorter = 'The gate is opened at seven by the porter';
const kTexts = {
  slow: Array(6).fill({ text: 'and on '.repeat(1500) }),
  writer: Array.from({ length: 100 }, (_, i) => ({
    messages: [{ role: 'user', content: `question and sources from the book ${'desk gate visitors number '.repeat(i)}` }, { role: 'assistant', content: `${kPorter} [1].` }],
  })),
};
let models;
async function trained(bantam, name) {
  models ??= await mkdtemp(join(tmpdir(), 'bantam-models-'));
  const file = join(models, `${name}.gguf`);
  if (existsSync(file)) return file;
  await writeFile(`${file}.jsonl`, kTexts[name].map((line) => `${JSON.stringify(line)}\n`).join(''));
  const shape = { context: 1024, 'batch-tokens': 1024, 'micro-tokens': 1024, 'eval-steps': 0, ...kShapes[name] };
  bantam('train', '--data', `${file}.jsonl`, '--tokenizer', kVocabulary, '--run', `${file}.run`, '-o', file,
    ...Object.entries(shape).flatMap(([key, value]) => [`--${key}`, String(value)]));
  return file;
}

after(async () => {
  if (models) await rm(models, { recursive: true });
});

// Runs `body` with the page of a new server, and ends the server.
// flags: of `bantam serve`, for the folder of its data. diskBytes: its folder is a disk of that size, which only root can make; skipped for others.
const withServer = (options, body) => async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bantam-page-'));
  if (options.diskBytes && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${options.diskBytes}`, 'tmpfs', folder]).status !== 0) {
    await rm(folder, { recursive: true });
    return t.skip('a small disk can be mounted by root only');
  }
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder };
  const bantam = (...parts) => {
    const { status, stdout, stderr } = spawnSync(kProgram, parts, { env, encoding: 'utf8' });
    assert.equal(status, 0, `bantam ${parts[0]}: ${stderr}`);
    return stdout;
  };
  const prepared = options.prepare?.(bantam);
  const flags = options.model ? ['-m', await trained(bantam, options.model), '-t', '1'] : ((await options.flags?.(folder)) ?? []);
  const server = spawn(kProgram, ['serve', '--port', '0', '--drain', '0', ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    await withPage({ ...options, url: await listening(server) }, (session) => body({ ...session, prepared, folder }))();
  } finally {
    const ended = new Promise((resolve) => (server.exitCode === null ? server.once('exit', resolve) : resolve()));
    server.kill('SIGTERM');
    await ended;
    if (options.diskBytes) spawnSync('umount', [folder]);
    await rm(folder, { recursive: true });
  }
};

const marked = async (page) => {
  await page.locator('mark').first().waitFor();
  return (await page.locator('mark').allInnerTexts()).join('');
};

async function tryExample(page, question) {
  await page.getByRole('button', { name: question }).click();
  await answered(page);
}

const newConversation = (page, name = 'New conversation') => page.getByRole('link', { name }).first().click();

test('the examples are answered in English, and the quote is marked in its document', { skip: kSkip }, withServer({}, async ({ page }) => {
  await tryExample(page, 'Does my data leave my computer?');
  const answer = await page.locator('.chat .prose').innerText();
  assert.match(answer, /nothing leaves your computer/);
  await page.locator('.prose').getByRole('button', { name: 'Source 1' }).click();
  assert.match(await marked(page), /nothing leaves your computer/);
  await page.keyboard.press('Escape');
  await newConversation(page);
  await tryExample(page, 'Which languages does Bantam understand?');
  assert.match(await page.locator('.chat .prose').innerText(), /English and Korean/);
  await newConversation(page);
  await tryExample(page, 'What is the capital of France?');
  await page.locator('.abstained').getByText('The documents do not say.').waitFor();
}));

test('the examples are answered in Korean', { skip: kSkip }, withServer({ locale: 'ko-KR' }, async ({ page }) => {
  await tryExample(page, '내 데이터가 컴퓨터 밖으로 나갑니까?');
  assert.match(await page.locator('.chat .prose').innerText(), /밖으로 나가지 않습니다/);
  await page.getByRole('button', { name: /^출처 1 열기/ }).first().click();
  assert.match(await marked(page), /밖으로 나가지 않습니다/);
  await page.keyboard.press('Escape');
  await newConversation(page, '새 대화');
  await tryExample(page, 'Bantam은 어떤 언어를 이해합니까?');
  assert.match(await page.locator('.chat .prose').innerText(), /한국어와 영어/);
  await newConversation(page, '새 대화');
  await tryExample(page, '프랑스의 수도는 어디입니까?');
  await page.locator('.abstained').getByText('문서에 답이 없습니다.').waitFor();
}));

test('a document is added, answers, survives a reload, and is removed', { skip: kSkip }, withServer({ hash: '/#/documents' }, async ({ page }) => {
  await addHouse(page);
  await newConversation(page);
  await from(page, 'Documents');
  await ask(page, 'When is the gate opened?');
  await answered(page);
  assert.match(await page.locator('.chat .prose').innerText(), /seven/);
  await page.locator('.prose').getByRole('button', { name: 'Source 1' }).click();
  assert.equal(await marked(page), 'The gate is opened at seven by the porter.');
  await page.keyboard.press('Escape');
  await page.reload();
  await page.locator('.prose').getByRole('button', { name: 'Source 1' }).waitFor();
  await page.goto(new URL('/#/documents', page.url()).href);
  await page.getByRole('button', { name: 'Remove house.md' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await until('it is gone', async () => (await page.getByText('house.md').count()) === 0);
}));

test('a folder that the owner allowed is read and answers; another is refused', { skip: kSkip }, withServer({
  hash: '/#/documents',
  flags: async (folder) => {
    await mkdir(join(folder, 'allowed', 'house'), { recursive: true });
    await writeFile(join(folder, 'allowed', 'house', 'rules.md'), kHouse);
    return ['--docs', join(folder, 'allowed')];
  },
}, async ({ page, folder }) => {
  const path = page.getByRole('textbox', { name: 'Or a folder on the server' });
  const read = async (name) => {
    await path.fill(name);
    await page.getByRole('button', { name: 'Read folder' }).click();
  };
  await read(folder);
  await page.getByRole('alert').getByText('This is not allowed.').waitFor();
  await read(join(folder, 'allowed', 'house'));
  await page.getByText('1 file', { exact: true }).waitFor();
  await newConversation(page);
  await from(page, 'Documents');
  await ask(page, 'When is the gate opened?');
  await answered(page);
  assert.match(await page.locator('.chat .prose').innerText(), /seven/);
}));

test('conversations are pinned, put in folders, exported, deleted and brought back by an import', { skip: kSkip }, withServer({}, async ({ page }) => {
  await tryExample(page, 'Which languages does Bantam understand?');
  const row = page.locator('nav li', { hasText: 'Which languages' }).first();
  const choose = async (item) => {
    await row.hover();
    await row.getByRole('button', { name: /^Actions for/ }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  const saved = async (act) => {
    const [download] = await Promise.all([page.waitForEvent('download'), act()]);
    return readFile(await download.path(), 'utf8');
  };
  await choose('Move to folder…');
  await page.getByRole('combobox', { name: /^Folder/ }).fill('Questions');
  await page.keyboard.press('Enter');
  await page.locator('summary', { hasText: 'Questions' }).waitFor();
  await choose('Pin');
  await page.reload();
  await page.getByText('Pinned', { exact: true }).waitFor();
  assert.match(await saved(() => choose('Save as Markdown')), /^# Which languages[\s\S]*English and Korean/);
  await page.getByRole('button', { name: 'Settings' }).click();
  const all = await saved(() => page.getByRole('button', { name: 'Save all' }).click());
  await page.keyboard.press('Escape');
  await choose('Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await until('it is gone', async () => (await row.count()) === 0);
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.locator('dialog input[type=file]').setInputFiles({ name: 'all.json', mimeType: 'application/json', buffer: Buffer.from(all) });
  await page.getByText('1 conversation imported, 0 already here').waitFor();
  await page.keyboard.press('Escape');
  await row.locator('a').click();
  await page.locator('.prose').getByRole('button', { name: 'Source 1' }).waitFor();
}));

test('a conversation is renamed, found by what was said in it, and deleted', { skip: kSkip }, withServer({}, async ({ page }) => {
  await tryExample(page, 'Which languages does Bantam understand?');
  const row = page.locator('nav li').first();
  const choose = async (item) => {
    await row.hover();
    await row.getByRole('button', { name: /^Actions for/ }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await choose('Rename');
  await page.getByRole('textbox', { name: 'Title' }).fill('Tongues');
  await page.keyboard.press('Enter');
  await page.locator('nav li', { hasText: 'Tongues' }).waitFor();
  await page.getByRole('searchbox').fill('English and Korean');
  await page.getByText('1 conversation found').waitFor();
  await page.getByRole('searchbox').fill('');
  await page.reload();
  await page.locator('nav li', { hasText: 'Tongues' }).waitFor();
  await choose('Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'Ask your own documents' }).waitFor();
  await until('it is gone', async () => (await page.locator('nav li', { hasText: 'Tongues' }).count()) === 0);
}));

test('the model inside the program writes and answers again', { skip: kSkip }, withServer({}, async ({ page }) => {
  await from(page, 'Model');
  await ask(page, 'Write a long story about a hen.');
  await answered(page);
  await page.getByRole('button', { name: 'Answer again' }).click();
  await page.locator('.assistant').getByText('2/2').waitFor();
  await answered(page);
  assert.ok((await page.locator('.chat .prose').innerText()).length > 0);
  assert.equal(await page.locator('[role=alert]').count(), 0);
}));

async function metric(origin, name) {
  const text = await (await fetch(`${origin}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)[1]);
}

const running = (origin) => metric(origin, 'bantam_requests_running');
const stopButton = (page) => page.getByRole('button', { name: 'Stop', exact: true });

// Asks, and waits until the answer is being written.
async function askSlowly(page, question) {
  await ask(page, question);
  await page.locator('.assistant[aria-busy=true] .prose').waitFor();
}

async function withoutSampling(page) {
  await from(page, 'Model');
  await page.getByRole('button', { name: 'Model and parameters' }).click();
  await page.getByRole('spinbutton', { name: 'Temperature' }).fill('0');
  await page.getByRole('complementary').getByRole('button', { name: 'Close' }).click();
}

test('Stop ends the request on the server; what was written and what is being typed stay', { skip: kSkip }, withServer({ model: 'slow' }, async ({ page, origin }) => {
  await withoutSampling(page);
  await askSlowly(page, 'What does the porter do at seven?');
  assert.equal(await running(origin), 1);
  await composer(page).fill('half a thought');
  await stopButton(page).click();
  await page.getByText('You stopped this answer.').waitFor();
  await until('nothing runs', async () => (await running(origin)) === 0);
  const text = await page.locator('.chat .prose').innerText();
  assert.ok(text.length > 0 && text.length < 2000);
  assert.equal(await composer(page).inputValue(), 'half a thought');
  await page.reload();
  await page.getByText('You stopped this answer.').waitFor();
  assert.equal(await page.locator('.chat .prose').innerText(), text);
  assert.equal(await composer(page).inputValue(), 'half a thought');
}));

test('answering again and editing while an answer is written make branches, and free the request before', { skip: kSkip }, withServer({ model: 'slow' }, async ({ page, origin }) => {
  await withoutSampling(page);
  await askSlowly(page, 'Question one');
  await page.keyboard.press('Escape');
  await page.getByText('You stopped this answer.').waitFor();
  await page.getByRole('button', { name: 'Answer again' }).click();
  await page.locator('.assistant[aria-busy=true] .prose').waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'Edit your message' }).fill('Question two');
  await page.getByRole('button', { name: 'Send', exact: true }).first().click();
  await page.locator('.bubble').getByText('Question two').waitFor();
  await page.locator('.assistant[aria-busy=true] .prose').waitFor();
  await until('only the last is computed', async () => (await running(origin)) === 1);
  await stopButton(page).click();
  await until('nothing runs', async () => (await running(origin)) === 0);
  await page.locator('.user').getByText('2/2').waitFor();
  await page.locator('.user').getByRole('button', { name: 'Previous version' }).click();
  await page.locator('.bubble').getByText('Question one').waitFor();
  await page.locator('.assistant').getByText('2/2').waitFor();
  await page.reload();
  await page.locator('.bubble').getByText('Question one').waitFor();
  await page.locator('.assistant').getByText('2/2').waitFor();
}));

async function addHouse(page) {
  await page.locator('input[type=file]').first().setInputFiles({ name: 'house.md', mimeType: 'text/markdown', buffer: Buffer.from(kHouse) });
  await page.getByText('1 file', { exact: true }).waitFor();
}

test('a model writes the answer from documents; what no passage says is left out and named; or it is quoted', { skip: kSkip }, withServer({ model: 'writer', hash: '/#/documents' }, async ({ page }) => {
  await addHouse(page);
  await newConversation(page);
  await from(page, 'Documents');
  await ask(page, 'When is the gate opened?');
  await answered(page);
  assert.equal(await page.locator('.chat .prose').innerText(), `${kPorter}. 1`);
  await page.locator('.about', { hasText: 'writer' }).waitFor();
  await page.locator('.prose').getByRole('button', { name: 'Source 1' }).click();
  assert.equal(await marked(page), `${kPorter}.`);
  await page.keyboard.press('Escape');

  await newConversation(page);
  await from(page, 'Manual');
  await ask(page, 'Which languages does Bantam understand?');
  await answered(page);
  assert.match(await page.locator('.chat .prose').innerText(), /^Bantam answers questions in English and Korean. 1$/);
  await page.getByText('1 sentence of the model left out: no passage says so').click();
  await page.locator('.assistant li').getByText(kPorter).waitFor();

  await page.getByRole('button', { name: 'Model and parameters' }).click();
  await page.getByRole('checkbox', { name: 'Let the model write answers from documents' }).uncheck();
  await page.getByRole('complementary').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Answer again' }).click();
  await page.locator('.assistant').getByText('2/2').waitFor();
  await answered(page);
  assert.equal(await page.getByText('of the model left out').count(), 0);
}));

test('Stop ends an answer that a model writes from documents, and the question can be asked again', { skip: kSkip }, withServer({ model: 'slow' }, async ({ page, origin }) => {
  await from(page, 'Manual');
  await ask(page, 'Which languages does Bantam understand?');
  await until('it is being written', async () => (await running(origin)) === 1);
  await stopButton(page).click();
  await until('nothing runs', async () => (await running(origin)) === 0);
  await page.getByRole('button', { name: 'Try again' }).waitFor();
}));

async function makeKey(page, name, limits = {}) {
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Whose key it is' }).fill(name);
  for (const [label, value] of Object.entries(limits)) await dialog.getByRole('spinbutton', { name: label }).fill(String(value));
  await dialog.getByRole('button', { name: 'Make key' }).click();
  const secret = await page.getByRole('status').locator('code').innerText();
  await page.getByRole('button', { name: 'I have it' }).click();
  return secret;
}

const says = (origin, key) =>
  fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'bantam-1', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 8 }),
  });

test('the owner unloads and loads a model, and sees the load', { skip: kSkip }, withServer({ hash: '/#/owner' }, async ({ page }) => {
  await page.locator('td', { hasText: 'bantam-1' }).first().waitFor();
  assert.ok(await page.getByRole('button', { name: 'Delete bantam-1' }).isDisabled());
  const unload = page.getByRole('button', { name: 'Unload bantam-1' });
  const load = page.getByRole('button', { name: 'Load bantam-1', exact: true });
  await unload.or(load).waitFor();
  if (await unload.count()) await unload.click();
  await load.click();
  await unload.click();
  await load.waitFor();
  await page.getByText(/^\d+ of \d+ pages$/).waitFor();
}));

// A server of model files that gives half of one, and the rest when it is told to.
async function halfwayServer(file) {
  let go;
  const told = new Promise((resolve) => (go = resolve));
  const server = createServer(async (request, response) => {
    const [, from] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [, '0'];
    const rest = file.subarray(Number(from));
    response.writeHead(Number(from) ? 206 : 200, {
      'Content-Length': rest.length, 'Accept-Ranges': 'bytes',
      ...(Number(from) ? { 'Content-Range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
    });
    if (request.method === 'HEAD') return response.end();
    response.write(rest.subarray(0, rest.length / 2));
    await told;
    response.end(rest.subarray(rest.length / 2));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { go, url: `http://127.0.0.1:${server.address().port}/tiny.gguf`, close: () => (server.closeAllConnections(), server.close()) };
}

test('the owner pulls a model and sees how far it is, loads it and deletes it', { skip: kSkip }, withServer({ hash: '/#/owner' }, async ({ page }) => {
  const models = await halfwayServer(await readFile(kVocabulary));
  try {
    await page.getByRole('textbox', { name: 'Model to pull' }).fill(models.url);
    await page.getByRole('button', { name: 'Pull' }).click();
    await until('half of it is there', async () => (await page.getByRole('progressbar').evaluateAll(([bar]) => bar?.position ?? 0)) > 0.3);
    models.go();
    await page.getByRole('button', { name: 'Load tiny', exact: true }).click();
    await page.getByRole('button', { name: 'Unload tiny' }).waitFor();
    await page.getByRole('button', { name: 'Delete tiny' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await until('it is gone', async () => (await page.getByRole('button', { name: 'Delete tiny' }).count()) === 0);
  } finally {
    models.close();
  }
}));

test('the first key is the owner’s and the page keeps it; another is limited, refused beyond that, and revoked', { skip: kSkip }, withServer({ hash: '/#/owner' }, async ({ page, origin }) => {
  await makeKey(page, 'house');
  const secret = await makeKey(page, 'minji', { 'Requests a day': 1 });
  assert.equal((await says(origin, secret)).status, 200);
  assert.equal((await says(origin, secret)).status, 429);
  await page.getByRole('button', { name: 'Limits of minji' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('spinbutton', { name: 'Requests a day' }).fill('50');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('50 requests/day').waitFor();
  assert.equal((await says(origin, secret)).status, 200);
  await page.getByRole('button', { name: 'Revoke minji' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('revoked', { exact: true }).waitFor();
  assert.equal((await says(origin, secret)).status, 401);
  assert.equal((await fetch(`${origin}/bantam/keys`)).status, 401);
  await page.reload();
  await page.getByRole('img', { name: /^Tokens used on each of the last 14 days/ }).locator('rect').first().waitFor();
  await page.getByText('The numbers as a table').click();
  assert.match(await page.locator('details tbody').innerText(), /minji\s+bantam-1\s+2\s/);
}));

test('what was said before there were keys stays with who makes the first key, and no other key sees it', { skip: kSkip }, withServer({}, async ({ page, origin }) => {
  await tryExample(page, 'Which languages does Bantam understand?');
  const address = page.url();
  await page.getByRole('link', { name: 'Owner' }).click();
  await makeKey(page, 'house');
  const guest = await makeKey(page, 'guest');
  const list = async (key) => (await (await fetch(`${origin}/bantam/conversations`, { headers: { Authorization: `Bearer ${key}` } })).json()).conversations;
  assert.deepEqual(await list(guest), []);
  await page.goto(address);
  await page.reload();
  await page.locator('.bubble').getByText('Which languages does Bantam understand?').waitFor();
  await page.evaluate((key) => localStorage.setItem('bantam.key', key), guest);
  await page.reload();
  await page.getByText('This is not there any more.').waitFor();
}));

const ownerAndGuest = (bantam) => [['owner'], ['guest', '--scopes', 'chat,documents,models']].map((of) => JSON.parse(bantam('keys', 'create', ...of, '--json')).key);

test('with keys the page asks for one; a guest chats and is told that the owner’s page is not theirs', { skip: kSkip }, withServer({ hash: '/#/owner', prepare: ownerAndGuest }, async ({ page, prepared: [owner, guest] }) => {
  const enter = async (key) => {
    await page.getByLabel('Key').fill(key);
    await page.getByRole('button', { name: 'Continue' }).click();
  };
  await enter('bk-nobody');
  await page.getByRole('alert').waitFor();
  await enter(guest);
  await page.getByText('This page is for the owner of the server.').waitFor();
  await newConversation(page);
  await tryExample(page, 'Which languages does Bantam understand?');
  assert.match(await page.locator('.chat .prose').innerText(), /English and Korean/);
  await page.evaluate(() => localStorage.clear());
  await page.goto(new URL('/#/owner', page.url()).href);
  await page.reload();
  await enter(owner);
  await page.getByRole('button', { name: 'Revoke guest' }).waitFor();
  assert.equal(await page.locator('nav').getByText('Which languages').count(), 0); // conversations are each key's own
}));

// Takes all room that is left on the disk of `folder`.
function fillDisk(folder) {
  const filler = join(folder, 'filler');
  for (const size of [65536, 4096, 1]) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
  }
  return filler;
}

test('a full disk is said with the next step; what was written waits in the browser and is stored when there is room', { skip: kSkip }, withServer({ diskBytes: 8_000_000, hash: '/#/documents' }, async ({ page, folder }) => {
  await page.getByText('There are no documents yet.').waitFor();
  const filler = fillDisk(folder);
  await page.locator('input[type=file]').first().setInputFiles({ name: 'long.txt', mimeType: 'text/plain', buffer: Buffer.alloc(200_000, 'a word ') });
  await page.getByRole('alert').getByText('long.txt was not added.').waitFor();
  await page.getByRole('alert').getByText('The server’s disk is full.').waitFor();
  await newConversation(page);
  await from(page, 'Manual');
  await ask(page, 'Which languages does Bantam understand?');
  await page.getByRole('status').getByText('Your messages are kept in this browser until then.').waitFor();
  await answered(page);
  await rm(filler);
  await page.getByRole('status').getByRole('button', { name: 'Try again' }).click();
  await until('the banner is gone', async () => (await page.getByText('Your messages are kept in this browser until then.').count()) === 0);
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await page.locator('.bubble').getByText('Which languages does Bantam understand?').waitFor();
}));
