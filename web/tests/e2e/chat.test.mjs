import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { answered, ask, composer, from, stop, until, withPage } from './harness.mjs';

after(stop);
const stored = (state) => [...state.conversations.values()][0];

for (const [locale, first] of [['en-US', 'Does my data leave my computer?'], ['ko-KR', '내 데이터가 컴퓨터 밖으로 나갑니까?']]) {
  test(`the first screen answers its examples in the language of the browser: ${locale}`, withPage({ locale }, async ({ page }) => {
    assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
    await page.getByRole('button', { name: first }).click();
    await answered(page);
    await page.locator('section h3').waitFor();
    assert.match(await page.locator('.assistant .text').innerText(), locale === 'ko-KR' ? /^아니요/ : /^No, nothing leaves/);
  }));
}

test('an answer is streamed as Markdown with code, a table and formulas', withPage({}, async ({ page, state }) => {
  await from(page, 'Model');
  await ask(page, 'Show me everything');
  await answered(page);
  await page.locator('.hljs-keyword').first().waitFor();
  await page.locator('.prose math').first().waitFor();
  assert.equal(await page.locator('.prose math').count(), 2);
  assert.equal(await page.locator('.prose table td.align-right').count(), 2);
  assert.equal(await page.locator('.prose ol li').count(), 3);
  assert.equal(await page.locator('.prose [style]').count(), 0);
  assert.match(await page.locator('.assistant .about').innerText(), /bantam-1 · .*tokens\/s/);
  await until('the conversation is on the server', () => stored(state)?.messages.length === 2);
  assert.equal(stored(state).title, 'Show me everything');
}));

test('what has been written stands still while the rest comes', withPage({ setup: (state) => (state.pieceMs = 15) }, async ({ page }) => {
  await from(page, 'Model');
  await ask(page, 'Stream');
  await page.locator('.prose h3').waitFor();
  await page.evaluate(() => {
    window.first = document.querySelector('.prose p');
    window.removed = 0;
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.removedNodes) if (node === window.first) window.removed++;
    }).observe(document.querySelector('.prose'), { childList: true });
  });
  await answered(page);
  assert.equal(await page.evaluate(() => window.removed), 0);
  assert.equal(await page.evaluate(() => window.first.isConnected), true);
}));

test('a formula is drawn while the rest is written, and is not drawn again', withPage({ setup: (state) => (state.hold = true) }, async ({ page, state }) => {
  state.answers.push(`It is $x^2$.\n\n${'A sentence after it. '.repeat(12)}\n\nAnd $y$.`);
  state.piece = 40;
  await from(page, 'Model');
  await ask(page, 'Formula');
  await page.locator('[aria-busy=true] .prose math').waitFor();
  await page.evaluate(() => (window.formula = document.querySelector('.prose math')));
  state.hold = false;
  await until('the second is drawn', async () => (await page.locator('.prose math').count()) === 2);
  await answered(page);
  assert.equal(await page.evaluate(() => window.formula.isConnected), true);
}));

test('an answer can be stopped, and what was written is kept', withPage({ setup: (state) => (state.hold = true) }, async ({ page, state }) => {
  await from(page, 'Model');
  await ask(page, 'A long one');
  await page.locator('.prose p').first().waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('You stopped this answer.').waitFor();
  await until('it is stored', () => stored(state)?.messages.length === 2);
  assert.equal(stored(state).messages[1].data.stopped, true);
  assert.ok(stored(state).messages[1].content.length > 0);
}));

test('retrying and editing make versions that the arrows switch', withPage({}, async ({ page, state }) => {
  state.answers.push('First answer.', 'Second answer.', 'Third answer.');
  await from(page, 'Model');
  await ask(page, 'Question one');
  await page.getByText('First answer.').first().waitFor();
  await answered(page);
  await page.getByRole('button', { name: 'Answer again' }).click();
  await page.locator('.assistant').getByText('Second answer.').waitFor();
  await answered(page);
  await page.locator('.assistant').getByRole('button', { name: 'Previous version' }).click();
  await page.locator('.assistant').getByText('First answer.').waitFor();

  await composer(page).press('ArrowUp');
  await page.getByRole('textbox', { name: 'Edit your message' }).fill('Question two');
  await page.getByRole('button', { name: 'Send', exact: true }).first().click();
  await page.locator('.assistant').getByText('Third answer.').waitFor();
  await answered(page);
  await page.locator('.user').getByText('2/2').waitFor();
  await page.locator('.user').getByRole('button', { name: 'Previous version' }).click();
  await page.locator('.user .bubble').getByText('Question one').waitFor();
  await until('the head is stored', () => {
    const head = stored(state).messages.find(({ id }) => id === stored(state).head);
    return head?.content === 'Second answer.';
  });
  await page.reload();
  await page.locator('.assistant').getByText('Second answer.').waitFor();
}));

test('an answer and a code block can be copied', withPage({}, async ({ page }) => {
  await from(page, 'Model');
  await ask(page, 'Copy me');
  await answered(page);
  await page.locator('.code-head button').click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^def greet/);
  await page.locator('.assistant').getByRole('button', { name: 'Copy' }).last().click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^Here is a \*\*short answer/);
}));

test('a link shows where it leads before it is opened', withPage({}, async ({ page }) => {
  await from(page, 'Model');
  await ask(page, 'Link');
  await answered(page);
  await page.getByRole('link', { name: 'link', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('example.com', { exact: true }).waitFor();
  assert.equal(await dialog.getByRole('link', { name: 'Open' }).getAttribute('rel'), 'noopener noreferrer');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').count(), 0);
}));

test('the model, its parameters and the system prompt reach the server and come back', withPage({}, async ({ page, state }) => {
  await from(page, 'Model');
  await page.getByRole('button', { name: 'Model and parameters' }).click();
  const panel = page.getByRole('complementary');
  await panel.getByRole('combobox', { name: 'Model' }).selectOption('smollm2');
  await panel.getByRole('spinbutton', { name: 'Temperature' }).fill('0.3');
  await panel.getByRole('spinbutton', { name: 'Most tokens' }).fill('77');
  await panel.getByRole('combobox', { name: 'Presets' }).selectOption('Teacher');
  await ask(page, 'Explain');
  await answered(page);
  const sent = state.lastChat;
  assert.equal(sent.model, 'smollm2');
  assert.equal(sent.temperature, 0.3);
  assert.equal(sent.max_tokens, 77);
  assert.match(sent.messages[0].content, /patient teacher/);
  assert.equal(sent.messages[0].role, 'system');

  await panel.getByRole('textbox', { name: 'System prompt' }).fill('Answer like a pirate.');
  await panel.getByRole('textbox', { name: 'System prompt' }).blur();
  await panel.getByRole('textbox', { name: 'Name of the preset' }).fill('Pirate');
  await panel.getByRole('button', { name: 'Keep' }).click();
  await page.reload();
  await page.getByRole('button', { name: 'Model and parameters' }).click();
  assert.equal(await panel.getByRole('combobox', { name: 'Presets' }).inputValue(), 'Pirate');
}));

test('the meter warns before the context is full, and the oldest messages can be left out', withPage({}, async ({ page, state }) => {
  await from(page, 'Model');
  const long = 'word '.repeat(500);
  state.answers.push(long, 'short', 'last');
  await ask(page, 'First');
  await answered(page);
  await ask(page, long);
  await answered(page);
  await page.getByText('The context is nearly full').waitFor();
  assert.match(await page.getByRole('meter').getAttribute('aria-valuetext'), /of 1,024 tokens/);
  await page.getByRole('button', { name: 'Leave out the oldest messages' }).click();
  await ask(page, 'And now?');
  await until('only the newest messages were sent', () => state.lastChat.messages.at(-1).content === 'And now?');
  assert.ok(state.lastChat.messages.length < 5);
}));

test('the keyboard alone does everything', withPage({ sample: true }, async ({ page }) => {
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+k');
  assert.equal(await page.evaluate(() => document.activeElement.type), 'search');
  await page.keyboard.type('backups');
  await page.getByText('1 conversation found').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Who tests the backups?', level: 1 }).waitFor();
  await page.keyboard.press('Control+Shift+KeyO');
  await page.getByRole('heading', { name: 'Ask your own documents' }).waitFor();
  await page.keyboard.press('Control+/');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Shift+KeyS');
  assert.equal(await page.getByRole('navigation').isVisible(), false);
}));

test('the shortcuts answer again, copy, open the panel, lead to the field and from message to message', withPage({}, async ({ page, state }) => {
  state.answers.push('First. '.repeat(300), 'Second.');
  await from(page, 'Model');
  await ask(page, 'Question');
  await answered(page);
  await page.keyboard.press('Control+Shift+Semicolon');
  await page.getByText('Copied').waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^First\. First/);
  await page.keyboard.press('Control+Comma');
  await page.getByRole('complementary').waitFor();
  await page.keyboard.press('Escape');
  await until('the panel is closed', async () => (await page.getByRole('complementary').count()) === 0);
  const top = () => page.locator('.viewport').evaluate((list) => list.scrollTop);
  const end = await top();
  await page.keyboard.press('Alt+ArrowUp');
  await until('it is further up', async () => (await top()) < end);
  await page.keyboard.press('Control+Shift+KeyE');
  await page.locator('.assistant').getByText('2/2').waitFor();
  await answered(page);
  await page.locator('.viewport').focus();
  await page.keyboard.press('Control+Shift+KeyL');
  assert.ok(await composer(page).evaluate((field) => field === document.activeElement));
}));

test('Enter that ends a Hangul syllable does not send', withPage({ locale: 'ko-KR' }, async ({ page, state }) => {
  await composer(page).fill('안녕');
  await composer(page).dispatchEvent('keydown', { key: 'Enter', code: 'Enter', isComposing: true });
  assert.equal(state.conversations.size, 0);
  assert.equal(await composer(page).inputValue(), '안녕');
}));

test('a screen reader is told that an answer comes, and then the answer', withPage({ setup: (state) => (state.pieceMs = 1000) }, async ({ page, state }) => {
  state.answers.push('One sentence to hear. Another one to hear.');
  const live = page.locator('[aria-live="polite"]').last();
  await from(page, 'Model');
  await ask(page, 'Say it');
  await page.waitForFunction(() => [...document.querySelectorAll('[aria-live]')].some((one) => one.textContent.includes('is answering')));
  await answered(page);
  await until('the end is read', async () => (await live.textContent()).includes('Another one to hear.'));
}));
