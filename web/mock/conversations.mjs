import { HttpError, readJson, sendJson } from './http.mjs';

const summary = ({ id, title, created, updated, pinned, folder, messages }) => ({
  id, title, created, updated, pinned, folder, messages: messages.length,
});
const whole = ({ owner: _, ...conversation }) => conversation;

const known = (state, owner, id) => [...state.conversations.values()].find((one) => one.owner === owner && one.id === id);

function find(state, owner, id) {
  const conversation = known(state, owner, id);
  if (!conversation) throw new HttpError(404, 'not_found', `there is no conversation '${id}'`);
  return conversation;
}

export function addConversation(state, owner, { id, title = '', folder = '', settings = {}, created, updated, pinned = false, head = null, messages = [] }) {
  const now = state.now();
  const conversation = { owner, id, title, created: created ?? now, updated: updated ?? now, pinned, folder, settings, head, messages };
  state.conversations.set(state.conversations.has(id) ? `${owner}/${id}` : id, conversation); // ids are each owner's
  return conversation;
}

function list(state, owner, query) {
  const q = (query.get('q') ?? '').toLowerCase();
  const limit = Number(query.get('limit') ?? 50);
  const before = Number(query.get('before') ?? 0);
  const all = [...state.conversations.values()].filter((one) => one.owner === owner).sort((a, b) => b.updated - a.updated);
  const found = [];
  for (const one of all) {
    if (before && !one.pinned && one.updated >= before) continue;
    if (!q) found.push(summary(one));
    else {
      const message = one.messages.find(({ content }) => content.toLowerCase().includes(q));
      if (!message && !one.title.toLowerCase().includes(q)) continue;
      const at = Math.max((message?.content.toLowerCase().indexOf(q) ?? 0) - 30, 0);
      found.push({ ...summary(one), snippet: message?.content.slice(at, at + 120) ?? one.title });
    }
  }
  return { conversations: found.slice(0, limit), more: found.length > limit };
}

function putMessage(state, conversation, id, { parent, role, content, data }) {
  const { messages } = conversation;
  if (parent !== null && !messages.some((one) => one.id === parent)) throw new HttpError(400, 'invalid_value', `parent: there is no message '${parent}'`);
  const message = { id, parent, role, content, created: state.now(), data };
  conversation.messages = [...messages.filter((one) => one.id !== id), message];
  conversation.head = id;
  conversation.updated = state.now();
}

export async function conversations(state, owner, request, response, url) {
  const [, , , id, sub, messageId] = url.pathname.split('/').map(decodeURIComponent);
  const { method } = request;
  if (url.pathname === '/bantam/export') {
    const all = [...state.conversations.values()].filter((one) => one.owner === owner).map(whole);
    return sendJson(response, { version: 1, conversations: all });
  }
  if (url.pathname === '/bantam/import') {
    const { conversations: all } = await readJson(request);
    const fresh = all.filter((one) => !known(state, owner, one.id));
    for (const one of fresh) addConversation(state, owner, one);
    return sendJson(response, { imported: fresh.length, skipped: all.length - fresh.length });
  }
  if (!id && method === 'GET') return sendJson(response, list(state, owner, url.searchParams));
  if (!id && method === 'POST') {
    const body = await readJson(request);
    if (known(state, owner, body.id)) throw new HttpError(409, 'conversation_exists', `there is a conversation '${body.id}' already`);
    return sendJson(response, whole(addConversation(state, owner, body)), 201);
  }
  const conversation = find(state, owner, id);
  if (sub === 'messages' && method === 'PUT') {
    putMessage(state, conversation, messageId, await readJson(request));
    return sendJson(response, conversation.messages.at(-1));
  }
  if (method === 'GET') return sendJson(response, whole(conversation));
  if (method === 'PATCH') return sendJson(response, whole(Object.assign(conversation, await readJson(request))));
  if (method === 'DELETE') {
    for (const [key, one] of state.conversations) if (one === conversation) state.conversations.delete(key);
    response.writeHead(204).end();
    return undefined;
  }
  throw new HttpError(405, 'method_not_allowed', method);
}
