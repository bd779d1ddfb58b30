// Whatever fails, a person reads what happened and what to do, and no typed text is lost.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startMock } from '../../mock/server.mjs';
import { answered, ask, composer, from, open, stop, until, withPage } from './harness.mjs';

after(stop);
const kChat = '/v1/chat/completions';

for (const [name, fault, says, button] of [
  ['the context is full', { status: 400, code: 'context_length_exceeded' }, 'The conversation is longer than the model’s context.', 'Leave out the oldest messages'],
  ['the model is missing', { status: 404, code: 'model_not_found' }, 'The model is not there.', 'Choose a model'],
  ['a limit is reached', { status: 429, code: 'rate_limit_exceeded', message: '60 requests a minute' }, 'A limit of your key is reached.', 'Try again'],
  ['the queue is full', { status: 503, code: 'overloaded' }, 'The server is busy.', 'Try again'],
  ['the disk is full', { status: 507, code: 'insufficient_storage' }, 'The server’s disk is full.', 'Try again'],
  ['a key may not do it', { status: 403, code: 'insufficient_permissions', message: 'it needs the scope chat' }, 'This is not allowed.', 'Enter a key'],
  ['the server fails', { status: 500, code: 'server_error', message: 'a fault of the program' }, 'Something went wrong.', 'Try again'],
]) {
  test(`when ${name}, it is said with the next step, and the question stays`, withPage({}, async ({ page, state }) => {
    state.faults.push({ path: kChat, times: 1, ...fault });
    await from(page, 'Model');
    await ask(page, 'My precious question');
    await page.getByRole('alert').getByText(says).waitFor();
    await page.getByRole('alert').getByRole('button', { name: button }).waitFor();
    assert.equal(await page.locator('.bubble').innerText(), 'My precious question');
    await page.getByRole('button', { name: 'Answer again' }).click();
    await answered(page);
    await page.locator('.prose').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    await until('question and answer are stored', () => [...state.conversations.values()][0].messages.length === 2);
  }));
}

test('a draft outlives the page, each conversation has its own', withPage({ sample: true }, async ({ page }) => {
  await composer(page).fill('half a thought');
  await page.reload();
  assert.equal(await composer(page).inputValue(), 'half a thought');
  await page.getByRole('link', { name: '휴가는 며칠입니까?' }).click();
  await page.getByRole('heading', { name: '휴가는 며칠입니까?', level: 1 }).waitFor();
  await until('the other draft is shown', async () => (await composer(page).inputValue()) === '');
  await page.getByRole('link', { name: 'New conversation' }).click();
  await until('the first draft is back', async () => (await composer(page).inputValue()) === 'half a thought');
}));

test('while the server is gone, what is written is kept, and saved when it is back', async () => {
  const session = await open({});
  const { page, mock } = session;
  await from(page, 'Model');
  await mock.close();
  await ask(page, 'Written into the void');
  await page.getByRole('status').getByText('The server does not answer.').waitFor();
  await page.getByText('What you wrote is kept in this browser').waitFor();
  assert.equal(await page.locator('.bubble').innerText(), 'Written into the void');
  await composer(page).fill('and a draft');
  const again = await startMock(mock.port);
  await until('the question is on the new server', () => [...again.state.conversations.values()][0]?.messages[0]?.content === 'Written into the void');
  await page.reload();
  await page.locator('.bubble').getByText('Written into the void').waitFor();
  assert.equal(await composer(page).inputValue(), 'and a draft');
  await page.getByRole('button', { name: 'Try again' }).click();
  await answered(page);
  await page.locator('.prose').waitFor();
  session.log.errors.length = 0; // the browser's own words about the connection
  await again.close();
  await session.close().catch((error) => {
    if (error.code !== 'ERR_SERVER_NOT_RUNNING') throw error;
  });
});

test('a full disk is said, and the messages wait in the browser', withPage({}, async ({ page, state }) => {
  state.faults.push({ method: 'PUT', path: '/bantam/conversations', status: 507, code: 'insufficient_storage', times: Infinity });
  await from(page, 'Model');
  await ask(page, 'No room');
  await page.getByText('The server’s disk is full.').waitFor();
  await page.getByText('Your messages are kept in this browser until then.').waitFor();
  state.faults.length = 0;
  await answered(page);
  await until('all is stored', async () => {
    await page.getByRole('status').getByRole('button', { name: 'Try again' }).click({ timeout: 1000 }).catch(() => {}); // gone once it is
    return [...state.conversations.values()][0]?.messages.length === 2;
  });
}));

test('a connection that breaks in the middle keeps what came', withPage({ setup: (state) => (state.hold = true) }, async ({ page, mock }) => {
  await from(page, 'Model');
  await ask(page, 'Break');
  await page.locator('.prose p').first().waitFor();
  mock.drop();
  await page.getByRole('alert').getByText('The server does not answer.').waitFor();
  assert.ok((await page.locator('.prose').innerText()).length > 5);
}));
