#include "model/pack.h"

#include <algorithm>

#include "base/thread_pool.h"
#include "kernels/packed.h"

namespace bantam {
namespace {

constexpr size_t kAlignment = 64;

// Embeddings are looked up row by row, and multiplied with only where they are the head as well.
bool is_looked_up(const ModelConfig& config, const Weights& weights, const Matrix& w) {
  const bool embed_is_head = config.tied_embeddings && config.classes == 0;
  return (&w == &weights.embed && !embed_is_head) || &w == &weights.positions || &w == &weights.token_types;
}

// Whether panels are made of it.
bool is_packed(const ModelConfig& config, const Weights& weights, const Matrix& w) {
  return w && w.rows > 1 && is_packable(w.dtype) && !is_looked_up(config, weights, w);
}

size_t aligned_bytes(const Matrix& w) {
  return (packed_bytes(w.dtype, w.rows, w.cols) + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

size_t packed_bytes(const ModelConfig& config, const Weights& weights) {
  size_t total = 0;
  for_each_tensor(
      config,
      [&](const std::string&, int, int, const Matrix& w) {
        if (is_packed(config, weights, w)) total += aligned_bytes(w);
      },
      weights);
  return total;
}

size_t resident_bytes(const ModelConfig& config, const Weights& weights) {
  size_t total = packed_bytes(config, weights);
  for_each_tensor(
      config,
      [&](const std::string&, int, int, const Matrix& w) {
        const bool whole = w && !is_packed(config, weights, w) && !is_looked_up(config, weights, w);
        if (whole) total += static_cast<size_t>(w.rows) * w.row_bytes();
      },
      weights);
  return total;
}

PageBuffer pack_weights(const ModelConfig& config, Weights& weights, const ModelFile& file) {
  const size_t total = packed_bytes(config, weights);
  if (total == 0) return {};
  PageBuffer memory(total);
  ThreadPool pool(available_cpus());
  std::byte* at = memory.data();
  const auto pack = [&](Matrix& w) {
    const int64_t panels = (w.rows + kPanelRows - 1) / kPanelRows;
    pool.parallel_for(panels, 4, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int row = static_cast<int>(p) * kPanelRows;
        pack_panel(w.dtype, w.row(row), w.row_bytes(), std::min(kPanelRows, w.rows - row), w.cols,
                   at + static_cast<size_t>(p) * panel_bytes(w.dtype, w.cols));
      }
    });
    w.packed = at;
    at += aligned_bytes(w);
    file.drop_pages({w.data, w.row_bytes() * static_cast<size_t>(w.rows)});
  };
  for_each_tensor(
      config,
      [&](const std::string&, int, int, Matrix& w) {
        if (is_packed(config, weights, w)) pack(w);
      },
      weights);
  // Again, because the kernel maps pages beside those that were read, also such as were given back before.
  for (const NamedTensor& tensor : file.tensors()) file.drop_pages(tensor.bytes);
  return memory;
}

}  // namespace bantam
