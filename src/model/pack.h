// Weights as the kernels want them: every packable matrix that forward() multiplies with gets panels beside what its
// file stores.
#pragma once

#include <thread>
#include <variant>

#include "base/page_buffer.h"
#include "formats/model_file.h"
#include "model/config.h"
#include "model/panel_cache.h"
#include "model/weights.h"

namespace bantam {

// Bytes of all panels of these weights.
size_t packed_bytes(const ModelConfig& config, const Weights& weights);

// What a running model keeps in memory of its weights: panels, and as the file stores them the others that are read
// whole. Of embeddings that are only looked up, rows are read as they come, and none are counted.
size_t resident_bytes(const ModelConfig& config, const Weights& weights);

// Panels that were made or were kept. Destroying them waits until they are written to a cache.
class Panels {
 public:
  Panels() = default;
  explicit Panels(PageBuffer made) : memory_(std::move(made)) {}
  explicit Panels(KeptPanels kept) : memory_(std::move(kept)) {}

  // Begins to write what was made to the cache.
  void keep(const PanelCache& cache, PanelCache::Key key);

 private:
  std::variant<PageBuffer, KeptPanels> memory_;
  std::jthread writer_;  // reads memory_, so it ends first
};

// Sets Matrix::packed into the panels returned: those of the cache, if there is one and it has them, else made using
// all CPUs, and written to it. Pages of the file that were read for it are given back. Throws std::bad_alloc.
Panels pack_weights(const ModelConfig& config, Weights& weights, const ModelFile& file, const PanelCache* cache);

}  // namespace bantam
