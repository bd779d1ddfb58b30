#include "engine/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/session.h"
#include "model/kv_cache.h"
#include "model/pack.h"

namespace bantam {
namespace {

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();
constexpr int kLeastContext = 256;

int run_context(const ModelConfig& c, int context) {
  return context > 0 ? context : std::min(c.context, kDefaultContext);
}

// A layer's activations for a chunk of rows, of the widest layer, and one row of logits.
uint64_t work_bytes(const ModelConfig& c, int context) {
  size_t widest = 0;
  for (int l = 0; l < c.layers(); ++l) {
    const auto q = static_cast<size_t>(c.q_dim(l)), kv = static_cast<size_t>(c.kv_dim(l));
    const auto ffn = static_cast<size_t>(c.ffn_dim(l));
    widest = std::max(widest, 8 * static_cast<size_t>(c.dim) + 3 * q + 3 * kv + 3 * ffn);
  }
  const auto rows = static_cast<size_t>(std::min(kPrefillRows, context));
  return sizeof(real) * (rows * widest + static_cast<size_t>(c.outputs()));
}

// As measured on the vocabularies of GPT-2, Qwen 2, Llama 2 and 3 (bench/memory.sh): a token lies in the file's
// metadata and in the tokenizer, with its places in two hash tables; so does a merge; SentencePiece keeps every way to
// cut a token in two.
constexpr uint64_t kProgramBytes = 20 << 20, kTokenBytes = 180, kMergeBytes = 123, kCutBytes = 57;

uint64_t program_bytes(const Metadata& meta) {
  uint64_t bytes = kProgramBytes;
  if (!meta.has("tokenizer.ggml.tokens")) return bytes;
  const auto& tokens = meta.strings("tokenizer.ggml.tokens");
  bytes += kTokenBytes * tokens.size();
  if (meta.has("tokenizer.ggml.merges")) return bytes + kMergeBytes * meta.strings("tokenizer.ggml.merges").size();
  for (const std::string& token : tokens) bytes += kCutBytes * token.size();
  return bytes;
}

// The number that follows `key` at the beginning of a line, or that is all of the file when there is no key.
uint64_t number_in(const std::filesystem::path& path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream rest(line.substr(key.size()));
    uint64_t number = 0;
    if (rest >> number) return number;
  }
  return kUnknown;
}

std::string gib(uint64_t bytes) { return fmt::format("{:.2f} GiB", static_cast<double>(bytes) / (1 << 30)); }

// The longest context, in steps of 256 tokens, with which the need is at most `available`; 0 when there is none.
int longest_context(const Model& model, int context, DType cache_format, uint64_t available) {
  for (int tokens = context / kLeastContext * kLeastContext; tokens >= kLeastContext; tokens -= kLeastContext) {
    if (memory_needed(model, tokens, cache_format).total() <= available) return tokens;
  }
  return 0;
}

}  // namespace

MemoryNeed memory_needed(const Model& model, int context, DType cache_format) {
  const ModelConfig& c = model.config();
  const int tokens = run_context(c, context);
  return {resident_bytes(c, model.weights()), KvPool::bytes_for(c, tokens, cache_format), work_bytes(c, tokens),
          program_bytes(model.metadata())};
}

uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

uint64_t available_memory(const std::filesystem::path& root) {
  uint64_t available = number_in(root / "proc/meminfo", "MemAvailable:");
  if (available != kUnknown) available <<= 10;  // given in KiB
  const std::filesystem::path group = root / "sys/fs/cgroup";
  const uint64_t limit = number_in(group / "memory.max", ""), used = number_in(group / "memory.current", "");
  if (limit == kUnknown || used == kUnknown) return available;
  // Cached files count as used but give way.
  const uint64_t cached = number_in(group / "memory.stat", "inactive_file ");
  const uint64_t taken = used - std::min(used, cached == kUnknown ? 0 : cached);
  return std::min(available, limit - std::min(limit, taken));
}

void refuse_unless_it_fits(const Model& model, int context, DType cache_format, uint64_t available,
                           const std::string& what) {
  const MemoryNeed need = memory_needed(model, context, cache_format);
  if (need.total() <= available) return;
  const int tokens = run_context(model.config(), context);
  std::vector<std::string> choices;
  if (const int fits = longest_context(model, tokens, cache_format, available); fits > 0) {
    choices.push_back(fmt::format("--context {}", fits));
  }
  for (const DType smaller : {DType::f16, DType::q8_0}) {
    if (row_bytes(smaller, 32) >= row_bytes(cache_format, 32)) continue;
    if (model.config().head_dim % traits(smaller).block != 0) continue;
    if (need.total() - need.cache + KvPool::bytes_for(model.config(), tokens, smaller) > available) continue;
    choices.push_back(fmt::format("--kv {}", traits(smaller).name));
    break;
  }
  for (const DType smaller : {DType::q8_0, DType::q4_0}) {
    const uint64_t weights = row_bytes(smaller, 32) * (model.parameters() / 32);
    if (weights >= need.weights || need.total() - need.weights + weights > available) continue;
    choices.push_back(fmt::format("the model in {} (bantam quantize)", traits(smaller).name));
    break;
  }
  throw UsageError(
      "{}: needs {} ({} of weights, {} for {} tokens of context, {} to work in), but only {} are free; {}", what,
      gib(need.total()), gib(need.weights), gib(need.cache), tokens, gib(need.work + need.program), gib(available),
      choices.empty() ? "a smaller model is needed" : fmt::format("what would fit: {}", fmt::join(choices, ", or ")));
}

}  // namespace bantam
