// One sequence being run: the model, the threads and memory it is run with, and its past in a KvCache.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "model/batch.h"
#include "model/model.h"
#include "model/run.h"

namespace bantam {

// Most rows run at once; between two such chunks a caller may cancel. Results do not depend on it.
inline constexpr int kPrefillRows = 256;

// Context when nobody says otherwise: the model's own, but no more than this.
inline constexpr int kDefaultContext = 4096;

inline constexpr int kMostContext = 1 << 24;

// The context to run a model with: `context`, or the default for 0. Throws UsageError when it is out of range, or the
// model writes no text.
int checked_context(const ModelConfig& config, int context);

using Cancelled = std::function<bool()>;

class Session {
 public:
  // `context`: most tokens of the sequence, up to kMostContext; 0 takes the default. More than the model was trained
  // for is allowed, but not where positions have weights. `cache_format` is the KvCache's. All memory is taken here,
  // save the activations of the first chunk. Throws UsageError when a value is out of range.
  Session(std::shared_ptr<const Model> model, int threads, int context = 0, DType cache_format = kRealType);

  const Model& model() const { return *model_; }
  int context() const { return kv_.capacity(); }
  // The tokens whose keys and values are cached.
  std::span<const int32_t> tokens() const { return tokens_; }

  // How many of the first tokens run_to() would not run again; never the last one, whose logits are wanted.
  int shared_prefix(std::span<const int32_t> tokens) const;

  // Makes `tokens` the sequence and returns the logits [vocab] of its last one, valid until the next call. Rows that
  // the cache shares with it are kept, the rest is run chunk by chunk; nothing when `cancelled` returned true before
  // one (rows already run stay). Throws UsageError when there are no tokens, more than context() or one not of the
  // model.
  std::optional<std::span<const real>> run_to(std::span<const int32_t> tokens, const Cancelled& cancelled = {});

  // Runs at most kPrefillRows tokens after those cached; the result as forward() and as long as run_to()'s.
  Tensor append(std::span<const int32_t> tokens, Logits logits);

  // Keeps the first `size` tokens.
  void truncate(int size);

  // Times the parts of every pass from now on; nullptr: none.
  void time_parts(PartTimes* times) { compute_.times = times; }

  // Memory of the cache, and of the activations so far.
  size_t cache_bytes() const { return kv_pool_.bytes(); }
  size_t activation_bytes() const { return arena_.capacity(); }

 private:
  std::shared_ptr<const Model> model_;
  ThreadPool pool_;
  Compute compute_;
  KvPool kv_pool_;
  KvCache kv_;
  Arena arena_;
  Batch batch_;
  std::vector<int32_t> tokens_;
};

}  // namespace bantam
