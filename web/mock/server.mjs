// The page's server in memory: speaks the contract of README.md, so that the page is built and tested without the program.
import { createServer } from 'node:http';
import { chat, tokenize } from './chat.mjs';
import { conversations } from './conversations.mjs';
import { addDocument, documents } from './documents.mjs';
import { HttpError, sendError, sendFile, sendJson } from './http.mjs';
import { kManuals } from './manual.mjs';
import { owner, pull, removeModel } from './owner.mjs';
import { newState, takeFault } from './state.mjs';

// Whose request it is: '' without keys.
function ownerOf(state, request) {
  if (!state.keys) return '';
  const key = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const found = state.keys.get(key);
  if (found === undefined) throw new HttpError(401, 'invalid_api_key', 'the key is not known');
  return found;
}

function info(state, who) {
  const files = [...state.documents.values()].filter((one) => !one.manual).length;
  return {
    version: '0.1 (mock)', keys: state.keys !== null, owner: state.keys === null || who === 'admin',
    models: state.models.map(({ name, context, loaded, bytes, format, default: usual }) => ({ name, context, loaded, bytes, format, default: usual ?? false })),
    documents: { files, passages: files * 10, indexing: state.indexing.running },
  };
}

async function route(state, request, response) {
  const url = new URL(request.url, 'http://localhost');
  const path = url.pathname;
  if (request.method === 'GET' && sendFile(response, path)) return;
  const fault = takeFault(state, request.method, path);
  if (fault?.status === 0) return void response.destroy();
  if (fault) throw new HttpError(fault.status, fault.code, fault.message ?? fault.code);
  const who = ownerOf(state, request);
  if (path === '/bantam/info') return sendJson(response, info(state, who));
  if (path === '/v1/chat/completions') return chat(state, request, response);
  if (path === '/v1/tokenize') return tokenize(request, response);
  if (path === '/api/pull') return pull(state, request, response);
  if (path === '/api/delete') return removeModel(state, request, response);
  if (/^\/bantam\/(conversations|export|import)/.test(path)) return conversations(state, who, request, response, url);
  if (path.startsWith('/bantam/documents')) return documents(state, request, response, url);
  if (path.startsWith('/bantam/')) return owner(state, request, response, url);
  throw new HttpError(404, 'not_found', path);
}

// Starts at a free port, or the one given. The state may be changed while it runs.
export async function startMock(port = 0) {
  const state = newState();
  for (const { name, text } of kManuals) addDocument(state, name, text).manual = true;
  const server = createServer((request, response) => {
    route(state, request, response).catch((error) => {
      if (response.headersSent) response.destroy();
      else sendError(response, error);
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve)));
  const drop = () => server.closeAllConnections(); // as a network that breaks does
  return { state, close, drop, url: `http://127.0.0.1:${server.address().port}`, port: server.address().port };
}
