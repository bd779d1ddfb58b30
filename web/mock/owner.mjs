import { HttpError, readJson, sendJson } from './http.mjs';
import { pause } from './state.mjs';

function findModel(state, name) {
  const model = state.models.find((one) => one.name === name);
  if (!model) throw new HttpError(404, 'model_not_found', `there is no model '${name}'`);
  return model;
}

const kPullMs = 20;

export async function pull(state, request, response) {
  const { model } = await readJson(request);
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  const total = 50_000_000;
  for (let completed = 0; completed <= total && !response.destroyed; completed += 5_000_000) {
    response.write(JSON.stringify({ status: 'pulling', completed, total }) + '\n');
    await pause(state, kPullMs, response);
  }
  if (response.destroyed) return;
  if (!state.models.some(({ name }) => name === model)) {
    state.models.push({ name: model, bytes: total, memory: 70_000_000, context: 2048, loaded: false, format: 'Q4_K_M', licence: 'MIT' });
  }
  response.end(JSON.stringify({ status: 'success' }) + '\n');
}

export async function removeModel(state, request, response) {
  const { model } = await readJson(request);
  findModel(state, model);
  state.models = state.models.filter(({ name }) => name !== model);
  sendJson(response, {});
}

async function keys(state, request, response, id) {
  if (!id && request.method === 'GET') return sendJson(response, { keys: state.keyList });
  if (!id) {
    const { name, scopes, limits } = await readJson(request);
    const key = { id: `k${state.keyList.length + 1}`, name, scopes, created: state.now(), revoked: false, limits };
    state.keyList.push(key);
    return sendJson(response, { ...key, key: `bk-${name}-0123456789abcdef` });
  }
  const key = state.keyList.find((one) => one.id === id);
  if (!key) throw new HttpError(404, 'not_found', `there is no key '${id}'`);
  if (request.method === 'PATCH') return sendJson(response, Object.assign(key, await readJson(request)));
  key.revoked = true;
  response.writeHead(204).end();
  return undefined;
}

export async function owner(state, request, response, url) {
  const [, , what, name, action] = url.pathname.split('/').map(decodeURIComponent);
  if (what === 'keys') return keys(state, request, response, name);
  if (what === 'usage') return sendJson(response, { rows: state.usage });
  if (what === 'load') return sendJson(response, state.load);
  if (what === 'models' && !name) return sendJson(response, state.models.map(({ default: _, ...model }) => model));
  if (what === 'models') {
    findModel(state, name).loaded = action === 'load';
    return sendJson(response, {});
  }
  throw new HttpError(404, 'not_found', url.pathname);
}
