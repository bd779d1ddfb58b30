// What the comparisons with llama.cpp share: both programs' logits for the same tokens, and how far they are apart.
import {execFileSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";

// Exit code 77 when it is not installed.
export async function openLlama() {
  try {
    const {getLlama, LlamaLogLevel} = await import("node-llama-cpp");
    // One thread: llama.cpp's threads wait for each other spinning, which on a busy machine takes minutes.
    return await getLlama({gpu: false, build: "never", maxThreads: 1, logLevel: LlamaLogLevel.error});
  } catch (error) {
    console.log(`skipped: llama.cpp is not here (npm ci in tests/peer installs it): ${error.message.split("\n")[0]}`);
    process.exit(77);
  }
}

// `count` token ids below `vocab`, the same on every machine.
function someTokens(count, vocab) {
  const tokens = [];
  for (let state = 12345; tokens.length < count;) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    tokens.push((state >>> 8) % vocab);
  }
  return tokens;
}

export function argmax(row) {
  let best = 0;
  for (let i = 1; i < row.length; ++i) if (row[i] > row[best]) best = i;
  return best;
}

// Logits after each of `prompt` tokens and of as many `greedy` ones as follow, and how many experts the model has:
// {tokens, rows, experts}.
export async function askLlama(llama, path, {contextSize, prompt, greedy}) {
  const model = await llama.loadModel({modelPath: path, gpuLayers: 0, useMmap: true, checkTensors: false});
  const context = await model.createContext({
    contextSize, batchSize: 256, threads: 1, flashAttention: false, sequences: 1, experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32"
  });
  const sequence = context.getSequence();
  const vocab = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const wanted = {generateNext: {logits: true}};
  const tokens = someTokens(prompt, vocab), rows = [];
  const run = async (some) => {
    for (const output of await sequence.controlledEvaluate(some.map((token) => [token, wanted]))) {
      const row = new Float32Array(vocab);
      for (const [token, logit] of output.next.logits) row[token] = logit;
      rows.push(row);
    }
  };
  await run(tokens);
  while (tokens.length < prompt + greedy) {
    tokens.push(argmax(rows.at(-1)));
    await run(tokens.slice(-1));
  }
  const {metadata} = model.fileInfo;
  const experts = metadata[metadata.general.architecture].expert_count ?? 0;
  await context.dispose();
  await model.dispose();
  return {tokens, rows, experts};
}

export function askBantam(bantam, path, contextSize, tokens, vocab) {
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

// Kullback and Leibler's, of one row.
function divergence(reference, other) {
  const p = logSoftmax(reference), q = logSoftmax(other);
  return p.reduce((total, logp, i) => total + Math.exp(logp) * (logp - q[i]), 0);
}

export const divergences = (reference, others) => reference.map((row, t) => divergence(row, others[t]));
export const mean = (values) => values.reduce((a, b) => a + b) / values.length;
