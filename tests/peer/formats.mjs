// node formats.mjs BANTAM [--formats NAME,...] MODEL.gguf...
// Every f32 model in every weight format (`bantam quantize --pure`), the same 64 tokens to llama.cpp and to `bantam
// logits`: the mean Kullback-Leibler divergence of their distributions in one table. Both programs round activations
// before they multiply by quantised weights; so each is also held against exact maths: the quantised weights decoded to
// f32 and run by bantam in f32. Where the programs are more than 1e-3 apart, the lines below the table say which of them
// is far from that. In a mixture of experts the least rounding sends a token whose two best experts score alike to the
// other one: there a tenth of the tokens may be anywhere, and the lines say what the others do.
// Exit code 1 when ours is more than 1e-3 from exact maths and further than llama.cpp's, 77 without llama.cpp.
import {execFileSync} from "node:child_process";
import {mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {basename, join} from "node:path";
import {parseArgs} from "node:util";
import {askBantam, askLlama, divergences, mean, openLlama} from "./peer.mjs";

const kContext = 512, kPrompt = 64, kMostKl = 1e-3;
const kFormats = "f32,f16,bf16,q8_0,q6_k,q5_k_s,q5_1,q5_0,q4_k_s,q4_1,q4_0,iq4_nl,iq4_xs,mxfp4,q3_k_s,q2_k,tq2_0,tq1_0";

const {values: options, positionals: [bantam, ...models]} = parseArgs({
  allowPositionals: true, options: {formats: {type: "string", default: kFormats}}
});
if (models.length === 0) {
  console.error("usage: node formats.mjs BANTAM [--formats NAME,...] MODEL.gguf...");
  process.exit(2);
}
const llama = await openLlama();
const folder = mkdtempSync(join(tmpdir(), "bantam-formats-"));
const quantize = (from, to, format) => execFileSync(bantam, ["quantize", from, to, "--to", format, "--pure"], {stdio: "pipe"});

// Of all but the largest tenth.
const trimmedMean = (values) => mean([...values].sort((a, b) => a - b).slice(0, Math.floor(0.9 * values.length)));

// {between: llama.cpp and bantam, ours: exact and bantam, theirs: exact and llama.cpp}, each the mean of all tokens and
// without the largest tenth
async function measure(model, format) {
  const small = join(folder, "small.gguf"), exact = join(folder, "exact.gguf");
  quantize(model, small, format);
  quantize(small, exact, "f32");
  const {tokens, rows: theirs, experts} = await askLlama(llama, small, {contextSize: kContext, prompt: kPrompt, greedy: 0});
  const ask = (path) => askBantam(bantam, path, kContext, tokens, theirs[0].length);
  const ours = ask(small), reference = ask(exact);
  const kl = {between: divergences(theirs, ours), ours: divergences(reference, ours), theirs: divergences(reference, theirs)};
  const each = (average) => Object.fromEntries(Object.entries(kl).map(([who, values]) => [who, average(values)]));
  return {...each(mean), trimmed: each(trimmedMean), experts};
}

const short = (value) => value.toExponential(1).padStart(9);
const name = (path) => basename(path, ".gguf");
const row = (label, cells) => console.log(label.padEnd(8) + cells.join(""));
const explanations = [];
let failed = false;
try {
  row("", [...models.map((model) => name(model).slice(0, 9).padStart(10)), "  | exact-ours exact-llama.cpp (means)"]);
  for (const format of options.formats.split(",")) {
    const cells = [];
    for (const model of models) {
      const kl = await measure(model, format).catch((error) => {
        throw new Error(`${name(model)} in ${format}: ${error.stderr?.toString().trim() || error.message}`);
      });
      cells.push(kl);
      const held = kl.experts > 0 ? kl.trimmed : kl;
      failed ||= held.ours > kMostKl && held.ours > held.theirs;
      if (kl.between <= kMostKl) continue;
      const who = kl.ours > 2 * kl.theirs ? "ours" : kl.theirs > 2 * kl.ours ? "llama.cpp's" : "both programs'";
      const numbers = ({ours, theirs, between}) => `exact to bantam ${short(ours).trim()}, exact to llama.cpp ` +
        `${short(theirs).trim()}, llama.cpp to bantam ${short(between).trim()}`;
      explanations.push(`${name(model)} in ${format}: ${who} rounding of activations: ${numbers(kl)}` +
        (kl.experts > 0 ? `; nine tenths of the tokens: ${numbers(kl.trimmed)}` : ""));
    }
    row(format, [
      ...cells.map((kl) => ` ${short(kl.between)}`),
      `  |  ${short(mean(cells.map((kl) => kl.ours)))}       ${short(mean(cells.map((kl) => kl.theirs)))}`
    ]);
  }
  console.log(explanations.length ? `above ${kMostKl}:` : `all at most ${kMostKl}`);
  for (const line of explanations) console.log("  " + line);
} catch (error) {
  failed = true;
  console.log(`FAILED ${error.message}`);
} finally {
  rmSync(folder, {recursive: true});
}
process.exit(failed ? 1 : 0);
