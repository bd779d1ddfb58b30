// Weights as the kernels want them: every packable matrix that forward() multiplies with gets panels beside what its
// file stores.
#pragma once

#include "base/page_buffer.h"
#include "formats/model_file.h"
#include "model/config.h"
#include "model/weights.h"

namespace bantam {

// Bytes of all panels of these weights.
size_t packed_bytes(const ModelConfig& config, const Weights& weights);

// What a running model keeps in memory of its weights: panels, and as the file stores them the others that are read
// whole. Of embeddings that are only looked up, rows are read as they come, and none are counted.
size_t resident_bytes(const ModelConfig& config, const Weights& weights);

// Sets Matrix::packed into the memory returned, using all CPUs. Pages of the file that were read for it are given back.
// Throws std::bad_alloc.
PageBuffer pack_weights(const ModelConfig& config, Weights& weights, const ModelFile& file);

}  // namespace bantam
