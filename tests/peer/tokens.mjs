// node tokens.mjs BANTAM [--count N] [--pre NAME,...] VOCABULARY.gguf...
// Gives N random Unicode texts to llama.cpp and to `bantam tokenize`: every one must have the same ids, both as the text
// of a user and with control tokens in it taken for tokens. With --pre, once for each of these pre-tokenizers instead of
// the file's own (files without tensors only). Exit code 1 when a text differs, 77 without llama.cpp.
import {execFileSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {basename, join} from "node:path";
import {parseArgs} from "node:util";
import {openLlama} from "./peer.mjs";

// The same on every machine.
function randomNumbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state >>> 4) / 2 ** 28 * below);
  };
}

// First and last code point; without what the two programs' versions of Unicode may see differently.
const kRanges = [
  [0x20, 0x7E], [0x20, 0x20], [0x61, 0x7A], [0x41, 0x5A], [0x30, 0x39], [0x21, 0x2F], [0x0A, 0x0A], [0x09, 0x0D], [0x01, 0x1F],
  [0xA0, 0x17F], [0x300, 0x36F], [0x391, 0x3A1], [0x3B1, 0x3C9], [0x410, 0x44F], [0x5D0, 0x5EA], [0x627, 0x63A],
  [0x660, 0x669], [0x905, 0x939], [0x93E, 0x94C], [0xE01, 0xE3A], [0x1100, 0x1112], [0x1E00, 0x1EFF], [0x2000, 0x200D],
  [0x2010, 0x2027], [0x2150, 0x2188], [0x2190, 0x21FF], [0x2200, 0x22FF], [0x2581, 0x2581], [0x3000, 0x3003], [0x3041, 0x3096],
  [0x30A1, 0x30FA], [0x4E00, 0x9FA5], [0xAC00, 0xD7A3], [0xE000, 0xE010], [0xFF01, 0xFF5E], [0x1F300, 0x1F5FF],
  [0x1F600, 0x1F64F], [0x1D400, 0x1D433], [0x20000, 0x20100]
];
const kSnippets = [
  "'s", "'LL", "'Ve", "Hello", "HTTPServer", "don't", "  ", "\n\n", " \n ", "\r\n", "\t\t", "1234567", "3.14", "http://a.b/c?d=e", "e\u0301",
  "👩‍👩‍👧", "🇰🇷", "학교에", "漢字かな", "//", "/*\n", "foo_bar", "ÀÉ", "ﬁ", "<|endoftext|>", "<|im_start|>", "</s>", "<s>", "<0x0A>"
];

function randomTexts(count) {
  const random = randomNumbers(20240611);
  const texts = [];
  while (texts.length < count) {
    let text = "";
    for (let runs = 1 + random(12); runs > 0; --runs) {
      if (random(4) === 0) {
        text += kSnippets[random(kSnippets.length)];
        continue;
      }
      const [first, last] = kRanges[random(kRanges.length)];
      for (let n = 1 + random(6); n > 0; --n) text += String.fromCodePoint(first + random(last - first + 1));
    }
    texts.push(text);
  }
  return texts;
}

function askBantam(bantam, path, texts, special) {
  const lines = texts.map((text) => JSON.stringify(text)).join("\n") + "\n";
  const options = ["tokenize", "-m", path, "--lines", ...(special ? ["--special"] : [])];
  const output = execFileSync(bantam, options, {input: lines, maxBuffer: 2 ** 28, stdio: ["pipe", "pipe", "ignore"]});
  return output.toString().trim().split("\n").map((line) => JSON.parse(line));
}

// The file with another value of `tokenizer.ggml.pre`.
function withPre(bytes, name) {
  const key = Buffer.from("tokenizer.ggml.pre");
  const value = bytes.indexOf(key) + key.length + 4;  // past the type of the value
  const length = Number(bytes.readBigUInt64LE(value));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(name.length));
  return Buffer.concat([bytes.subarray(0, value), size, Buffer.from(name), bytes.subarray(value + 8 + length)]);
}

async function compare(llama, bantam, path, label, texts) {
  const model = await llama.loadModel({modelPath: path, vocabOnly: true, gpuLayers: 0});
  // llama.cpp takes every token that is spelled </s> for a control token, also where the file says that it is text.
  const isSentencePiece = model.fileInfo.metadata.tokenizer.ggml.model === "llama";
  // And where an expression of deepseek-llm names U+3000, it has put another space in its place.
  const isDeepseek = model.fileInfo.metadata.tokenizer.ggml.pre === "deepseek-llm";
  let different = 0, compared = 0;
  for (const special of [false, true]) {
    const some = texts.filter((text) =>
      !(special && !isSentencePiece && text.includes("</s>")) && !(isDeepseek && text.includes("\u3000")));
    const ours = askBantam(bantam, path, some, special);
    compared += some.length;
    some.forEach((text, i) => {
      const theirs = model.tokenize(text, special);
      if (ours[i].length === theirs.length && ours[i].every((id, at) => id === theirs[at])) return;
      if (++different <= 3) {
        console.log(`  ${JSON.stringify(text)}${special ? " (special)" : ""}\n    llama.cpp ${theirs}\n    bantam    ${ours[i]}`);
      }
    });
  }
  await model.dispose();
  console.log(`${different ? "DIFFER" : "equal "} ${label.padEnd(40)} ${compared - different}/${compared}`);
  return different === 0;
}

const {values: options, positionals: [bantam, ...vocabularies]} = parseArgs({
  allowPositionals: true,
  options: {count: {type: "string", default: "10000"}, pre: {type: "string"}}
});
if (vocabularies.length === 0) {
  console.error("usage: node tokens.mjs BANTAM [--count N] [--pre NAME,...] VOCABULARY.gguf...");
  process.exit(2);
}
const llama = await openLlama();
const texts = randomTexts(Number(options.count));
const folder = mkdtempSync(join(tmpdir(), "bantam-peer-"));
let equal = true;
try {
  for (const path of vocabularies) {
    if (!options.pre) equal = await compare(llama, bantam, path, basename(path), texts) && equal;
    for (const name of options.pre?.split(",") ?? []) {
      const changed = join(folder, "changed.gguf");
      writeFileSync(changed, withPre(readFileSync(path), name));
      equal = await compare(llama, bantam, changed, `${basename(path)} as ${name}`, texts) && equal;
    }
  }
} finally {
  rmSync(folder, {recursive: true});
}
process.exit(equal ? 0 : 1);
