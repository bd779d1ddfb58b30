// Builds the page and packs it for the program: web/dist/NAME.gz and web/dist/SOURCE.sha256 (see README.md).
// The same sources give the same bytes: file names carry no hashes, gzip headers no time.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
const limitBytes = 400_000;

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

// As tests/check_page.cmake computes it without Node.
function sourceHash() {
  const sources = [
    'index.html', 'package.json', 'package-lock.json', 'vite.config.ts', 'svelte.config.js', 'tsconfig.json',
    ...filesBelow(join(root, 'public')),
    ...filesBelow(join(root, 'src')),
  ].sort();
  const lines = sources.map((name) => {
    const hash = createHash('sha256').update(readFileSync(join(root, name))).digest('hex');
    return `${hash}  ${name}\n`;
  });
  return createHash('sha256').update(lines.join('')).digest('hex');
}

function gzip(bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  packed[9] = 255;  // the operating system's byte: unknown, so that every machine writes the same
  return packed;
}

await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
let total = 0;
for (const name of readdirSync(join(root, 'build')).sort()) {
  const packed = gzip(readFileSync(join(root, 'build', name)));
  writeFileSync(join(dist, `${name}.gz`), packed);
  total += packed.length;
  console.log(`${String(packed.length).padStart(7)}  ${name}`);
}
writeFileSync(join(dist, 'SOURCE.sha256'), `${sourceHash()}\n`);
console.log(`${String(total).padStart(7)}  in all, of at most ${limitBytes}`);
if (total > limitBytes) throw new Error(`web/dist has ${total} bytes, expected at most ${limitBytes}`);
