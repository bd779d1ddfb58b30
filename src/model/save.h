// A model on its way to disk: what a GGUF file or a Hugging Face folder must say about it, and its tensors under the
// names and in the row order that format wants. Training, quantising and converting end here.
#pragma once

#include <vector>

#include "formats/tensor_source.h"
#include "model/config.h"
#include "model/weights.h"

namespace bantam {

// The keys that Model::load() reads back from a GGUF file; tokenizer and naming keys are the caller's to add.
Metadata gguf_metadata(const ModelConfig& config);

// Sources look into `config` and `weights`, which must stay alive. Each weight keeps its format.
std::vector<TensorSource> gguf_tensors(const ModelConfig& config, const Weights& weights);

// The same for a Hugging Face folder. Throws UnsupportedError when its config cannot describe this model.
Metadata hf_metadata(const ModelConfig& config);
std::vector<TensorSource> hf_tensors(const ModelConfig& config, const Weights& weights);

}  // namespace bantam
