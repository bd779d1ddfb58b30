// One step's work: rows of several sequences, prefill and decode mixed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/kv_cache.h"

namespace bantam {

enum class Logits { none, last_row, all_rows };

// Rows [begin, begin + count) of the batch continue the sequence whose past is in `kv`.
struct Slice {
  KvCache* kv;
  int begin, count;
};

struct Batch {
  std::vector<int32_t> tokens;
  std::vector<int32_t> positions;
  std::vector<int32_t> types;  // of each row where the model has token types, else empty
  std::vector<Slice> slices;
  std::vector<int32_t> logit_rows;  // rows forward() returns logits for, ascending
  std::vector<int32_t> state_rows;  // rows forward() returns states for, ascending

  int rows() const { return static_cast<int>(tokens.size()); }
  void clear();
  // Appends rows for `new_tokens` (at least one) at kv's next positions. Throws UsageError when kv or
  // its pool has no room left.
  void append(KvCache& kv, std::span<const int32_t> new_tokens, Logits logits);
  // The same for a model with token types: one for each token.
  void append(KvCache& kv, std::span<const int32_t> new_tokens, std::span<const int32_t> new_types, Logits logits);
};

}  // namespace bantam
