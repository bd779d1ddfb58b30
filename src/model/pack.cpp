#include "model/pack.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

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
  return w && w.rows > 1 && is_packable(w.dtype, w.cols) && !is_looked_up(config, weights, w);
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

namespace {

int64_t panels_of(const Matrix& w) { return (w.rows + kPanelRows - 1) / kPanelRows; }

void pack_panel_of(const Matrix& w, int64_t panel, std::byte* to) {
  const int row = static_cast<int>(panel) * kPanelRows;
  pack_panel(w.dtype, w.row(row), w.row_bytes(), std::min(kPanelRows, w.rows - row), w.cols, to);
}

// Calls f(matrix, where its panels belong in `memory`) for each packed matrix.
template <class Byte, class F>
void for_each_packed(const ModelConfig& config, Weights& weights, Byte* memory, F&& f) {
  for_each_tensor(
      config,
      [&](const std::string&, int, int, Matrix& w) {
        if (!is_packed(config, weights, w)) return;
        f(w, memory);
        memory += aligned_bytes(w);
      },
      weights);
}

PageBuffer make_panels(const ModelConfig& config, Weights& weights, size_t total, const ModelFile& file) {
  PageBuffer memory(total);
  ThreadPool pool(available_cpus());
  for_each_packed(config, weights, memory.data(), [&](Matrix& w, std::byte* at) {
    pool.parallel_for(panels_of(w), 4, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        pack_panel_of(w, p, at + static_cast<size_t>(p) * panel_bytes(w.dtype, w.cols));
      }
    });
    w.packed = at;
    file.drop_pages({w.data, w.row_bytes() * static_cast<size_t>(w.rows)});
  });
  // Again, because the kernel maps pages beside those that were read, also such as were given back before.
  for (const NamedTensor& tensor : file.tensors()) file.drop_pages(tensor.bytes);
  return memory;
}

// Sets Matrix::packed into `kept`, unless one panel of each matrix, made anew, says that they are another model's or
// another program's.
bool take_panels(const ModelConfig& config, Weights& weights, const std::byte* kept) {
  bool same = true;
  std::vector<std::byte> panel;
  for_each_packed(config, weights, kept, [&](const Matrix& w, const std::byte* at) {
    panel.resize(panel_bytes(w.dtype, w.cols));
    const int64_t middle = panels_of(w) / 2;
    pack_panel_of(w, middle, panel.data());
    same = same && std::memcmp(panel.data(), at + static_cast<size_t>(middle) * panel.size(), panel.size()) == 0;
  });
  if (same) for_each_packed(config, weights, kept, [](Matrix& w, const std::byte* at) { w.packed = at; });
  return same;
}

}  // namespace

void Panels::keep(const PanelCache& cache, PanelCache::Key key) {
  const std::span<const std::byte> panels(std::get<PageBuffer>(memory_).data(), key.bytes);
  writer_ = std::jthread([cache, key = std::move(key), panels] { cache.keep(key, panels); });
}

Panels pack_weights(const ModelConfig& config, Weights& weights, const ModelFile& file, const PanelCache* cache) {
  const size_t total = packed_bytes(config, weights);
  if (total == 0) return {};
  std::error_code error;
  const PanelCache::Key key{std::filesystem::absolute(file.source(), error).string(), file.identity(), total};
  const bool caches = cache != nullptr && !key.identity.empty() && !error;
  if (caches) {
    auto kept = cache->find(key);
    if (kept && take_panels(config, weights, kept->data())) return Panels(std::move(*kept));
  }
  Panels panels(make_panels(config, weights, total, file));
  if (caches && cache->wants(key)) panels.keep(*cache, key);
  return panels;
}

}  // namespace bantam
