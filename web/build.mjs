// Builds the page and packs it for the program: web/dist/NAME.gz and web/dist/SOURCE.sha256 (see README.md).
// --check: writes nothing, and fails where web/dist is not what the sources give, byte for byte.
// The same sources give the same bytes: file names carry no hashes, gzip headers no time.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
process.chdir(root); // names in the styles are made from paths relative to where it runs
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

// The files of web/dist by name.
async function packedFiles() {
  const outDir = mkdtempSync(join(tmpdir(), 'bantam-build-'));
  try {
    await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn', build: { outDir } });
    const packed = readdirSync(outDir).sort().map((name) => [`${name}.gz`, gzip(readFileSync(join(outDir, name)))]);
    return new Map([...packed, ['SOURCE.sha256', Buffer.from(`${sourceHash()}\n`)]]);
  } finally {
    rmSync(outDir, { recursive: true });
  }
}

function write(files) {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  for (const [name, bytes] of files) {
    writeFileSync(join(dist, name), bytes);
    console.log(`${String(bytes.length).padStart(7)}  ${name}`);
  }
}

function check(files) {
  const there = existsSync(dist) ? readdirSync(dist) : [];
  const names = [...new Set([...files.keys(), ...there])].sort();
  const others = names.filter((name) => !files.has(name) || !there.includes(name) || !files.get(name).equals(readFileSync(join(dist, name))));
  if (others.length) throw new Error(`web/dist is not what its sources give (${others.join(', ')}): run make web`);
  console.log(`web/dist is what its sources give: ${files.size} files`);
}

const dist = join(root, 'dist');
const files = await packedFiles();
const total = [...files.values()].reduce((sum, { length }) => sum + length, 0);
if (total > limitBytes) throw new Error(`web/dist has ${total} bytes, expected at most ${limitBytes}`);
if (process.argv.includes('--check')) check(files);
else write(files);
console.log(`${String(total).padStart(7)}  in all, of at most ${limitBytes}`);
