// Each test uses a client as its documentation does; the server is `bantam serve` with a key of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createAzure } from '@ai-sdk/azure';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { embed, generateObject, generateText, jsonSchema, streamText, tool } from 'ai';
import { Ollama } from 'ollama';
import OpenAI, { AzureOpenAI } from 'openai';

const model = 'bantam-1';
const messages = [{ role: 'user', content: 'Hello' }];
const mood = {
  type: 'object',
  properties: { mood: { enum: ['good', 'bad', '보통'] }, level: { type: 'integer', minimum: 0, maximum: 99 } },
  required: ['mood', 'level'],
  additionalProperties: false,
};
const weather = {
  name: 'weather',
  description: 'The weather in a city',
  parameters: { type: 'object', properties: { city: { enum: ['Seoul', 'Busan'] } }, required: ['city'], additionalProperties: false },
};
// An answer still being written when it is given up: Node's fetch never ends a body that was complete before.
const long = '[a-z ]{1500}';
const isMood = (value) => {
  assert.ok(mood.properties.mood.enum.includes(value.mood), value.mood);
  assert.ok(Number.isInteger(value.level) && value.level >= 0 && value.level <= 99, value.level);
};
let server, folder, url, apiKey;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bantam-clients-'));
  const args = ['serve', '--port', '0', '--first-key', 'clients', '--keys', join(folder, 'keys.db'), '--quiet'];
  server = spawn(process.env.BANTAM, args, { env: { ...process.env, XDG_DATA_HOME: folder } });
  let said = '';
  server.stderr.on('data', (text) => process.stderr.write(text));
  await new Promise((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`bantam serve ended with ${code}`)));
    server.stdout.on('data', (text) => {
      said += text;
      if (said.includes("-d '")) resolve();
    });
  });
  apiKey = said.match(/bt-[0-9a-f]+/)[0];
  url = said.match(/listening at (\S+)/)[1];
});

after(async () => {
  server.removeAllListeners('exit');
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  assert.equal(await ended, 0, 'SIGTERM ends the server in good order');
  rmSync(folder, { recursive: true });
});

const openai = () => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

test('openai: models', async () => {
  const ids = [];
  for await (const m of openai().models.list()) ids.push(m.id);
  assert.ok(ids.includes(model));
  assert.equal((await openai().models.retrieve(model)).object, 'model');
});

test('openai: a chat, whole and as a stream, is the same for one seed', async () => {
  const request = { model, messages, seed: 7, max_tokens: 24, temperature: 0.5 };
  const whole = await openai().chat.completions.create(request);
  assert.ok(whole.usage.completion_tokens <= 24);
  let text = '', usage;
  const stream = await openai().chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(usage.total_tokens, whole.usage.total_tokens);
});

test('openai: the stream helper gathers a message', async () => {
  const runner = openai().chat.completions.stream({ model, messages, max_tokens: 8 });
  const message = await runner.finalMessage();
  assert.equal(message.role, 'assistant');
});

test('openai: several choices, logprobs, stop', async () => {
  const out = await openai().chat.completions.create({ model, messages, n: 2, max_tokens: 4, logprobs: true, top_logprobs: 3 });
  assert.equal(out.choices.length, 2);
  assert.equal(out.choices[0].logprobs.content[0].top_logprobs.length, 3);
});

test('openai: structured output keeps to its schema', async () => {
  const response_format = { type: 'json_schema', json_schema: { name: 'mood', strict: true, schema: mood } };
  for (const seed of [1, 2, 3]) {
    const out = await openai().chat.completions.create({ model, messages, response_format, seed, temperature: 1, max_tokens: 200 });
    assert.equal(out.choices[0].finish_reason, 'stop');
    isMood(JSON.parse(out.choices[0].message.content));
  }
  const parsed = await openai().chat.completions.parse({ model, messages, response_format, max_tokens: 200 });
  isMood(JSON.parse(parsed.choices[0].message.content));
  const answer = await openai().responses.create({ model, input: 'Hello', text: { format: { type: 'json_schema', name: 'mood', schema: mood, strict: true } }, max_output_tokens: 200 });
  isMood(JSON.parse(answer.output_text));
  const cut = await openai().chat.completions.create({ model, messages, response_format, max_tokens: 2 });
  assert.equal(cut.choices[0].finish_reason, 'length');
  const bad = { type: 'json_schema', json_schema: { name: 'x', schema: { not: { type: 'string' } } } };
  await assert.rejects(openai().chat.completions.create({ model, messages, response_format: bad }), (e) => e.status === 400 && e.message.includes('#/not'));
  const choice = await openai().chat.completions.create({ model, messages, guided_choice: ['yes', 'no'], max_tokens: 20 });
  assert.ok(['yes', 'no'].includes(choice.choices[0].message.content));
});

test('openai: a tool that must be called is called, with arguments of its schema', async () => {
  const tools = [{ type: 'function', function: weather }];
  for (const tool_choice of ['required', { type: 'function', function: { name: 'weather' } }]) {
    const out = await openai().chat.completions.create({ model, messages, tools, tool_choice, max_tokens: 200 });
    assert.equal(out.choices[0].finish_reason, 'tool_calls');
    const call = out.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'weather');
    assert.ok(['Seoul', 'Busan'].includes(JSON.parse(call.function.arguments).city));
  }
  const streamed = openai().chat.completions.stream({ model, messages, tools, tool_choice: 'required', max_tokens: 200 });
  const message = await streamed.finalMessage();
  assert.ok(['Seoul', 'Busan'].includes(JSON.parse(message.tool_calls[0].function.arguments).city));
  const answer = await openai().responses.create({ model, input: 'Hello', tools: [{ type: 'function', ...weather, strict: true }], tool_choice: 'required', max_output_tokens: 200 });
  const call = answer.output.find((item) => item.type === 'function_call');
  assert.equal(call.name, 'weather');
  const after = [...messages, { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Seoul"}' } }] }, { role: 'tool', tool_call_id: 'c1', content: 'sunny' }];
  assert.equal((await openai().chat.completions.create({ model, messages: after, tools, tool_choice: 'none', max_tokens: 4 })).choices.length, 1);
});

test('openai: an aborted stream ends, and the server goes on', async () => {
  const stream = await openai().chat.completions.create({ model, messages, stream: true, guided_regex: long, max_tokens: 2000 });
  for await (const chunk of stream) {
    if (chunk.choices.length > 0) stream.controller.abort();
  }
  const abort = new AbortController();
  const waiting = openai().chat.completions.create({ model, messages, max_tokens: 2000 }, { signal: abort.signal });
  abort.abort();
  await assert.rejects(waiting, OpenAI.APIUserAbortError);
  assert.equal((await openai().chat.completions.create({ model, messages, max_tokens: 2 })).choices.length, 1);
});

test('openai: completions', async () => {
  const out = await openai().completions.create({ model, prompt: 'Once upon a time', max_tokens: 8 });
  assert.equal(out.object, 'text_completion');
});

test('openai: responses, whole and as a stream', async () => {
  const whole = await openai().responses.create({ model, input: 'Hello', max_output_tokens: 16 });
  assert.equal(whole.object, 'response');
  assert.equal(typeof whole.output_text, 'string');
  const types = [];
  for await (const event of await openai().responses.create({ model, input: 'Hello', max_output_tokens: 16, stream: true })) types.push(event.type);
  assert.equal(types[0], 'response.created');
  assert.ok(['response.completed', 'response.incomplete'].includes(types.at(-1)));
});

test('openai: embeddings', async () => {
  const out = await openai().embeddings.create({ model, input: ['a text', 'another'] });
  assert.equal(out.data.length, 2);
  const length = Math.hypot(...out.data[0].embedding);
  assert.ok(Math.abs(length - 1) < 1e-3);
});

test('openai: errors have their classes', async () => {
  await assert.rejects(openai().chat.completions.create({ model: 'none', messages }), OpenAI.NotFoundError);
  await assert.rejects(openai().chat.completions.create({ model, messages: [] }), OpenAI.BadRequestError);
  await assert.rejects(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong', maxRetries: 0 }).models.list(), OpenAI.AuthenticationError);
});

test('openai: grounded chat cites the manual', async () => {
  const out = await openai().chat.completions.create({ model, messages: [{ role: 'user', content: 'Does Bantam need a GPU?' }], documents: { index: 'manual' } });
  assert.ok(out.documents.citations.length > 0);
  assert.ok(out.documents.citations[0].quote.length > 0);
});

test('azure: chat, embeddings and errors', async () => {
  const azure = new AzureOpenAI({ endpoint: url, apiKey, apiVersion: '2024-10-21', deployment: model, maxRetries: 0 });
  const out = await azure.chat.completions.create({ model, messages, max_tokens: 8 });
  assert.equal(out.choices.length, 1);
  assert.deepEqual(out.choices[0].content_filter_results, {});
  let chunks = 0;
  for await (const chunk of await azure.chat.completions.create({ model, messages, max_tokens: 8, stream: true })) chunks += chunk.choices.length;
  assert.ok(chunks > 0);
  const other = new AzureOpenAI({ endpoint: url, apiKey, apiVersion: '2024-10-21', deployment: 'none', maxRetries: 0 });
  await assert.rejects(other.chat.completions.create({ model: 'none', messages }), (e) => e.status === 404 && e.code === 'DeploymentNotFound');
});

test('ollama: chat, generate, embed, list, show', async () => {
  const ollama = new Ollama({ host: url, headers: { Authorization: `Bearer ${apiKey}` } });
  const whole = await ollama.chat({ model, messages, options: { num_predict: 8 } });
  assert.equal(whole.done, true);
  let text = '';
  for await (const part of await ollama.chat({ model, messages, stream: true, options: { num_predict: 8, seed: 1 } })) text += part.message.content;
  assert.equal(typeof text, 'string');
  assert.equal(typeof (await ollama.generate({ model, prompt: 'Hello', options: { num_predict: 4 } })).response, 'string');
  assert.equal((await ollama.embed({ model, input: ['a', 'b'] })).embeddings.length, 2);
  assert.ok((await ollama.list()).models.some((m) => m.name === model));
  assert.ok((await ollama.show({ model })).model_info);
  assert.ok((await ollama.ps()).models.length > 0);
  assert.ok((await ollama.version()).version);
  await assert.rejects(ollama.chat({ model: 'none', messages }));
});

test('ollama: structured output, tools, abort', async () => {
  const ollama = new Ollama({ host: url, headers: { Authorization: `Bearer ${apiKey}` } });
  const out = await ollama.chat({ model, messages, format: mood, options: { num_predict: 200 } });
  isMood(JSON.parse(out.message.content));
  assert.ok(JSON.parse((await ollama.generate({ model, prompt: 'Hello', format: mood, options: { num_predict: 200 } })).response));
  const called = await ollama.chat({ model, messages, tools: [{ type: 'function', function: weather }], options: { num_predict: 8 } });
  assert.equal(called.done, true);
  const format = { type: 'string', pattern: `^${long}$` };
  const stream = await ollama.generate({ model, prompt: 'Hello', format, stream: true, options: { num_predict: 2000 } });
  await assert.rejects(async () => {
    for await (const _ of stream) stream.abort();
  }, { name: 'AbortError' });
});

const anthropic = () => new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });

test('anthropic: a message, whole and as a stream, is the same for one seed', async () => {
  const request = { model, messages, system: [{ type: 'text', text: 'Be brief.' }], seed: 7, max_tokens: 24, temperature: 0.5 };
  const whole = await anthropic().messages.create(request);
  assert.equal(whole.type, 'message');
  assert.ok(['end_turn', 'max_tokens'].includes(whole.stop_reason));
  assert.ok(whole.usage.output_tokens > 0 && whole.usage.output_tokens <= 24);
  assert.ok(whole._request_id);
  let text = '';
  const stream = anthropic().messages.stream(request).on('text', (piece) => (text += piece));
  const final = await stream.finalMessage();
  assert.deepEqual(final.content, whole.content);
  assert.equal(text, whole.content.map((block) => block.text).join(''));
  assert.equal(final.stop_reason, whole.stop_reason);
  const input = (usage) => usage.input_tokens + usage.cache_read_input_tokens;
  assert.equal(input(final.usage), input(whole.usage));
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
  const { max_tokens, temperature, seed, ...counted } = request;
  assert.equal((await anthropic().messages.countTokens(counted)).input_tokens, input(whole.usage));
  const types = [];
  for await (const event of await anthropic().messages.create({ ...request, stream: true })) types.push(event.type);
  assert.equal(types[0], 'message_start');
  assert.equal(types.at(-1), 'message_stop');
});

test('anthropic: a stop sequence is named', async () => {
  const request = { model, messages, seed: 7, max_tokens: 60, temperature: 0.5 };
  const { text } = (await anthropic().messages.create(request)).content[0];
  const stop = text.slice(3, 6);
  const out = await anthropic().messages.create({ ...request, stop_sequences: ['never written', stop] });
  assert.equal(out.stop_reason, 'stop_sequence');
  assert.equal(out.stop_sequence, stop);
  assert.ok(!(out.content[0]?.text ?? '').includes(stop));
});

test('anthropic: tools, their results and output of a schema', async () => {
  const tools = [{ name: weather.name, description: weather.description, input_schema: weather.parameters }];
  for (const tool_choice of [{ type: 'any' }, { type: 'tool', name: 'weather' }]) {
    const out = await anthropic().messages.create({ model, messages, tools, tool_choice, max_tokens: 200 });
    assert.equal(out.stop_reason, 'tool_use');
    assert.equal(out.content[0].name, 'weather');
    assert.ok(['Seoul', 'Busan'].includes(out.content[0].input.city));
  }
  const final = await anthropic().messages.stream({ model, messages, tools, tool_choice: { type: 'any' }, max_tokens: 200 }).finalMessage();
  assert.ok(['Seoul', 'Busan'].includes(final.content[0].input.city));
  const result = { type: 'tool_result', tool_use_id: final.content[0].id, content: [{ type: 'text', text: 'sunny' }] };
  const after = [...messages, { role: 'assistant', content: final.content }, { role: 'user', content: [result] }];
  assert.equal((await anthropic().messages.create({ model, messages: after, tools, max_tokens: 8 })).role, 'assistant');
  const output_config = { format: { type: 'json_schema', schema: mood } };
  isMood(JSON.parse((await anthropic().messages.create({ model, messages, output_config, max_tokens: 200 })).content[0].text));
});

test('anthropic: keys, errors and an aborted stream', async () => {
  const bearer = new Anthropic({ baseURL: url, apiKey: null, authToken: apiKey, maxRetries: 0 });
  assert.equal((await bearer.messages.create({ model, messages, max_tokens: 2 })).usage.output_tokens, 2);
  const wrong = new Anthropic({ baseURL: url, apiKey: 'bt-wrong', maxRetries: 0 });
  await assert.rejects(wrong.messages.create({ model, messages, max_tokens: 2 }), Anthropic.AuthenticationError);
  await assert.rejects(anthropic().messages.create({ model: 'none', messages, max_tokens: 2 }), (error) => error instanceof Anthropic.NotFoundError && error.type === 'not_found_error' && !!error.requestID);
  const image = [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://localhost/a.png' } }] }];
  await assert.rejects(anthropic().messages.create({ model, messages: image, max_tokens: 2 }), Anthropic.BadRequestError);
  const output_config = { format: { type: 'json_schema', schema: { type: 'string', pattern: `^${long}$` } } };
  const stream = anthropic().messages.stream({ model, messages, output_config, max_tokens: 2000 });
  stream.on('text', () => stream.abort());
  await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
  assert.equal((await anthropic().messages.create({ model, messages, max_tokens: 2 })).role, 'assistant');
});

test('ai sdk: objects and tools', async () => {
  const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey });
  for (const of of [provider.chat(model), provider.responses(model)]) {
    const { object } = await generateObject({ model: of, schema: jsonSchema(mood), prompt: 'Hello', maxOutputTokens: 200, maxRetries: 0 });
    isMood(object);
    const tools = { weather: tool({ description: weather.description, inputSchema: jsonSchema(weather.parameters) }) };
    const { toolCalls } = await generateText({ model: of, prompt: 'Hello', tools, toolChoice: 'required', maxOutputTokens: 200, maxRetries: 0 });
    assert.equal(toolCalls[0].toolName, 'weather');
    assert.ok(['Seoul', 'Busan'].includes(toolCalls[0].input.city));
  }
});

test('ai sdk: text, stream and embedding through @ai-sdk/openai', async () => {
  const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey });
  for (const of of [provider.chat(model), provider.responses(model)]) {
    const { text, usage } = await generateText({ model: of, prompt: 'Hello', maxOutputTokens: 8, maxRetries: 0 });
    assert.equal(typeof text, 'string');
    assert.ok(usage.totalTokens > 0);
    let streamed = '';
    for await (const piece of streamText({ model: of, prompt: 'Hello', maxOutputTokens: 8 }).textStream) streamed += piece;
    assert.equal(typeof streamed, 'string');
  }
  assert.ok((await embed({ model: provider.embedding(model), value: 'a text' })).embedding.length > 0);
});

test('ai sdk: text through @ai-sdk/azure', async () => {
  const newer = createAzure({ baseURL: `${url}/openai/v1`, apiKey });
  const older = createAzure({ baseURL: `${url}/openai`, apiKey, useDeploymentBasedUrls: true });
  for (const provider of [newer, older]) {
    const { text } = await generateText({ model: provider.chat(model), prompt: 'Hello', maxOutputTokens: 8, maxRetries: 0 });
    assert.equal(typeof text, 'string');
  }
});
