import { HttpError, readBody, readJson, sendJson } from './http.mjs';
import { pause } from './state.mjs';

let nextId = 1;

export function addDocument(state, name, text, title = '') {
  const id = `d${nextId++}`;
  const document = { id, name, title: title || (/^# (.+)$/m.exec(text)?.[1] ?? name), text, added: state.now() };
  state.documents.set(id, document);
  return document;
}

const listed = ({ id, name, title, text, added }) => ({
  id, name, title, bytes: Buffer.byteLength(text), passages: Math.max(1, Math.ceil(text.length / 600)), added,
});

const kIndexMs = 50;

async function index(state, files) {
  state.indexing = { running: true, done: 0, total: files.length, current: files[0].name };
  for (const { name, text } of files) {
    state.indexing.current = name;
    await pause(state, kIndexMs);
    if (text.includes('\0')) state.problems.push({ file: name, reason: 'is not text and has no format that is known' });
    else addDocument(state, name, text);
    state.indexing.done++;
  }
  state.indexing.running = false;
}

// Whole passages around [start, end), in bytes, cut at characters.
function passage({ id, name, title, text }, start, end) {
  const bytes = Buffer.from(text);
  let begin = Math.max(0, Math.min(start, bytes.length) - 300);
  let stop = Math.min(bytes.length, end + 300);
  while (begin > 0 && (bytes[begin] & 0xc0) === 0x80) begin--;
  while (stop < bytes.length && (bytes[stop] & 0xc0) === 0x80) stop++;
  return { id, name, title, text: bytes.subarray(begin, stop).toString(), start: begin, end: stop, bytes: bytes.length };
}

export async function documents(state, request, response, url) {
  const [, , , id, sub] = url.pathname.split('/').map(decodeURIComponent);
  const { method } = request;
  if (!id && method === 'GET') {
    const q = (url.searchParams.get('q') ?? '').toLowerCase();
    const found = [...state.documents.values()].filter((one) => !one.manual && `${one.name} ${one.title}`.toLowerCase().includes(q)).map(listed);
    const files = found.slice(0, Number(url.searchParams.get('limit') ?? 10_000));
    return sendJson(response, { files, found: found.length, more: files.length < found.length, indexing: state.indexing, problems: state.problems });
  }
  if (!id && method === 'POST') {
    const name = url.searchParams.get('name');
    const text = (await readBody(request)).toString();
    void index(state, [{ name, text }]);
    return sendJson(response, { id: `d${nextId}`, name });
  }
  if (id === 'folder') {
    const { path } = await readJson(request);
    if (!path.startsWith(state.allowedFolder)) {
      throw new HttpError(403, 'folder_not_allowed', `${path} is not below a folder that the owner allowed with --docs`);
    }
    const files = ['handbook/travel.md', 'handbook/holidays.md', 'handbook/backups.md'];
    void index(state, files.map((name) => ({ name, text: `# ${name}\n\nText of ${name}.\n` })));
    return sendJson(response, { path, files: files.length });
  }
  const document = state.documents.get(id);
  if (!document) throw new HttpError(404, 'not_found', `there is no document '${id}'`);
  if (sub === 'text') {
    return sendJson(response, passage(document, Number(url.searchParams.get('start')), Number(url.searchParams.get('end'))));
  }
  if (method === 'DELETE') {
    state.documents.delete(id);
    response.writeHead(204).end();
    return undefined;
  }
  throw new HttpError(405, 'method_not_allowed', method);
}
