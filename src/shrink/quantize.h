// Stores a model's matrices in smaller formats. Used by `bantam quantize`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "shrink/importance.h"
#include "shrink/mix.h"
#include "tensor/dtype.h"

namespace bantam {

struct QuantizeOptions {
  Mix to = *find_mix("q8_0");
  bool pure = false;  // every matrix in the mix's base format
  // Of token_embd.weight and output.weight, which lose most from few bits; as the mix has them when not given.
  std::optional<DType> embeddings = std::nullopt;
  const Importance* importance = nullptr;  // what the encoders' searches weigh errors with
};

struct QuantizeReport {
  uint64_t bytes_before = 0, bytes_after = 0;  // of all tensors
  uint64_t values = 0;
  std::vector<std::string> notes;  // what was not stored as asked, and why

  double bits_per_weight() const { return 8 * static_cast<double>(bytes_after) / static_cast<double>(values); }
};

// Rewrites a GGUF file: matrices, and those of experts, in the formats of the mix (where a row is not whole blocks, in
// what fitting_format() says, with a note), vectors in f32, what is_quantised_matrix() leaves out as it is. All
// metadata is kept; general.file_type names the mix. Tensors pass through one at a time, their rows split over the
// pool. `progress` is told the bytes written so far and may throw to stop. Throws IoError, FormatError (also for a NaN,
// an infinity, or values too large for the format) or UnsupportedError; `out` is then as it was.
QuantizeReport quantize(const std::filesystem::path& in, const std::filesystem::path& out,
                        const QuantizeOptions& options, ThreadPool& pool,
                        const std::function<void(uint64_t done, uint64_t total)>& progress = {});

}  // namespace bantam
