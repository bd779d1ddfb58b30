// JSON answers, errors in OpenAI's form, and the files of web/dist with the policy that the program sends.
import { readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

export const kPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const kTypes = {
  html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', png: 'image/png',
  webmanifest: 'application/manifest+json',
};

export class HttpError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function sendJson(response, value, status = 200) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
}

export function sendError(response, { status = 500, code = 'server_error', message = 'failed' }) {
  sendJson(response, { error: { message, type: 'error', code, param: null } }, status);
}

export async function readBody(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

export const readJson = async (request) => JSON.parse((await readBody(request)).toString() || '{}');

export function sendFile(response, path) {
  const name = path === '/' ? 'index.html' : path.slice(1);
  const file = join(dist, `${name}.gz`);
  if (!/^[\w.-]+$/.test(name) || !existsSync(file)) return false;
  response.writeHead(200, {
    'Content-Type': kTypes[name.split('.').at(-1)] ?? 'application/octet-stream',
    'Content-Encoding': 'gzip',
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': kPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  });
  response.end(readFileSync(file));
  return true;
}
