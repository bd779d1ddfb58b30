// Stores a model's matrices in a smaller format. Used by `bantam quantize`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/dtype.h"

namespace bantam {

struct QuantizeOptions {
  DType to = DType::q8_0;
  // Of token_embd.weight and output.weight, which lose most from few bits; `to` when not given.
  std::optional<DType> embeddings;
};

struct QuantizeReport {
  uint64_t bytes_before = 0, bytes_after = 0;  // of all tensors
  std::vector<std::string> notes;              // what was not stored as asked, and why
};

// Rewrites a GGUF file: two-dimensional tensors in the wanted format (f16 where a row is not whole blocks of it, with a
// note), vectors in f32, tensors of more dimensions as they are. All metadata is kept; general.file_type says what most
// tensors are. Tensors pass through one at a time, their rows split over the pool. `progress` is told the bytes written
// so far and may throw to stop. Throws IoError, FormatError or UnsupportedError; `out` is then as it was.
QuantizeReport quantize(const std::filesystem::path& in, const std::filesystem::path& out,
                        const QuantizeOptions& options, ThreadPool& pool,
                        const std::function<void(uint64_t done, uint64_t total)>& progress = {});

}  // namespace bantam
