// node compare.mjs BANTAM [--context N] [--quantised] MODEL.gguf...
// Feeds the same tokens to llama.cpp and to `bantam logits` and compares what they say comes next: the mean
// Kullback-Leibler divergence over the rows, and 64 greedy tokens. Weights in fewer bits (--quantised) may diverge more
// and part ways in their greedy tokens: the programs round activations differently (formats.mjs says whose cost what).
// Exit code 1 when a model differs, 77 without llama.cpp.
import {basename} from "node:path";
import {parseArgs} from "node:util";
import {argmax, askBantam, askLlama, divergences, mean, openLlama} from "./peer.mjs";

const kPrompt = 64, kGreedy = 64;
// Of f32 weights, what is left is the order of sums and llama.cpp's table of gelu values in half precision.
const kMeanKl = 1e-6, kQuantisedKl = 1e-3;

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
    const {tokens, rows} = await askLlama(llama, path, {contextSize, prompt: kPrompt, greedy: kGreedy});
    const ours = askBantam(bantam, path, contextSize, tokens, rows[0].length);
    const kl = divergences(rows, ours), meanKl = mean(kl);
    const same = tokens.slice(kPrompt).filter((token, i) => argmax(ours[kPrompt - 1 + i]) === token).length;
    const good = options.quantised ? meanKl <= kQuantisedKl : meanKl <= kMeanKl && same === kGreedy;
    failed ||= !good;
    console.log(`${good ? "equal " : "DIFFER"} ${basename(path).padEnd(24)} mean KL ${meanKl.toExponential(1)}` +
      `  max ${Math.max(...kl).toExponential(1)}  greedy ${same}/${kGreedy}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED ${basename(path)}: ${error.stderr?.toString().trim() || error.message}`);
  }
}
process.exit(failed ? 1 : 0);
