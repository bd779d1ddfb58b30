// node compare.mjs BANTAM [--context N] [--quantised] MODEL.gguf...
// Feeds the same tokens to llama.cpp and to `bantam logits` and compares what they say comes next: the mean
// Kullback-Leibler divergence over the rows, and 64 greedy tokens. Weights in fewer bits (--quantised) may diverge more
// and part ways in their greedy tokens: the programs round activations differently.
// Exit code 1 when a model differs, 77 without llama.cpp.
import {execFileSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {basename, join} from "node:path";
import {parseArgs} from "node:util";

const kPrompt = 64, kGreedy = 64;
// Of f32 weights, what is left is the order of sums and llama.cpp's table of gelu values in half precision.
const kMeanKl = 1e-6, kQuantisedKl = 1e-3;

async function openLlama() {
  try {
    const {getLlama, LlamaLogLevel} = await import("node-llama-cpp");
    // One thread: llama.cpp's threads wait for each other spinning, which on a busy machine takes minutes.
    return await getLlama({gpu: false, build: "never", maxThreads: 1, logLevel: LlamaLogLevel.error});
  } catch (error) {
    console.log(`skipped: llama.cpp is not here (npm ci in tests/peer installs it): ${error.message.split("\n")[0]}`);
    process.exit(77);
  }
}

// Token ids below `vocab`, the same on every machine.
function promptTokens(vocab) {
  const tokens = [];
  for (let state = 12345; tokens.length < kPrompt;) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    tokens.push((state >>> 8) % vocab);
  }
  return tokens;
}

function argmax(row) {
  let best = 0;
  for (let i = 1; i < row.length; ++i) if (row[i] > row[best]) best = i;
  return best;
}

// Row by row, with greedy tokens after the prompt: {tokens, rows}.
async function askLlama(llama, path, contextSize) {
  const model = await llama.loadModel({modelPath: path, gpuLayers: 0, useMmap: true, checkTensors: false});
  const context = await model.createContext({
    contextSize, batchSize: 256, threads: 1, flashAttention: false, sequences: 1, experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32"
  });
  const sequence = context.getSequence();
  const vocab = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const wanted = {generateNext: {logits: true}};
  const tokens = promptTokens(vocab), rows = [];
  const run = async (some) => {
    for (const output of await sequence.controlledEvaluate(some.map((token) => [token, wanted]))) {
      const row = new Float32Array(vocab);
      for (const [token, logit] of output.next.logits) row[token] = logit;
      rows.push(row);
    }
  };
  await run(tokens);
  while (tokens.length < kPrompt + kGreedy) {
    tokens.push(argmax(rows.at(-1)));
    await run(tokens.slice(-1));
  }
  await context.dispose();
  await model.dispose();
  return {tokens, rows};
}

function askBantam(bantam, path, contextSize, tokens, vocab) {
  const folder = mkdtempSync(join(tmpdir(), "bantam-peer-"));
  try {
    const out = join(folder, "logits");
    execFileSync(bantam, ["logits", "-m", path, "--context", contextSize, "--tokens", tokens.join(","), "-o", out]);
    const bytes = readFileSync(out);
    const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    return tokens.map((_, t) => all.subarray(t * vocab, (t + 1) * vocab));
  } finally {
    rmSync(folder, {recursive: true});
  }
}

function logSoftmax(row) {
  const peak = row.reduce((a, b) => Math.max(a, b));
  const sum = row.reduce((total, x) => total + Math.exp(x - peak), 0);
  return Float64Array.from(row, (x) => x - peak - Math.log(sum));
}

function divergence(reference, other) {
  const p = logSoftmax(reference), q = logSoftmax(other);
  return p.reduce((total, logp, i) => total + Math.exp(logp) * (logp - q[i]), 0);
}

const {values: options, positionals: [bantam, ...models]} = parseArgs({
  allowPositionals: true,
  options: {context: {type: "string", default: "512"}, quantised: {type: "boolean", default: false}}
});
if (models.length === 0) {
  console.error("usage: node compare.mjs BANTAM [--context N] [--quantised] MODEL.gguf...");
  process.exit(2);
}
const contextSize = Number(options.context);
const llama = await openLlama();
let failed = false;
for (const path of models) {
  try {
    const {tokens, rows} = await askLlama(llama, path, contextSize);
    const ours = askBantam(bantam, path, contextSize, tokens, rows[0].length);
    const kl = rows.map((row, t) => divergence(row, ours[t]));
    const mean = kl.reduce((a, b) => a + b) / kl.length;
    const same = tokens.slice(kPrompt).filter((token, i) => argmax(ours[kPrompt - 1 + i]) === token).length;
    const good = options.quantised ? mean <= kQuantisedKl : mean <= kMeanKl && same === kGreedy;
    failed ||= !good;
    console.log(`${good ? "equal " : "DIFFER"} ${basename(path).padEnd(24)} mean KL ${mean.toExponential(1)}` +
      `  max ${Math.max(...kl).toExponential(1)}  greedy ${same}/${kGreedy}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED ${basename(path)}: ${error.stderr?.toString().trim() || error.message}`);
  }
}
process.exit(failed ? 1 : 0);
