// Qwen 2 and 2.5 (biases on q, k and v) and Qwen 3 (norms of q and k).
#include "model/families/llama_like.h"
#include "model/families/shape.h"

namespace bantam {
namespace {

// The configs carry a window that most models do not use.
void read_hf(const ModelFile& folder, ModelConfig& c) {
  const Metadata& meta = folder.metadata;
  if (!meta.flag_or("hf.use_sliding_window", false)) return;
  read_hf_windows(meta, c, 1);
  if (meta.has("hf.layer_types")) return;
  const auto whole = static_cast<size_t>(meta.integer_or("hf.max_window_layers", 0, 0, c.layers()));
  for (size_t l = 0; l < whole; ++l) c.layer[l].window = 0;
}

void write_hf(const ModelConfig& c, Metadata& meta) {
  if (meta.has("hf.sliding_window")) meta.set("hf.use_sliding_window", true);
  if (c.qkv_bias) meta.set("hf.attention_bias", true);
}

}  // namespace

const Family kQwen2 = {.name = "qwen2",
                       .hf_architecture = "Qwen2ForCausalLM",
                       .hf_type = "qwen2",
                       .hf = {.stems = kLlamaStems, .layers = "model.layers."},
                       .read_hf = read_hf,
                       .write_hf = write_hf};

const Family kQwen3 = {.name = "qwen3",
                       .hf_architecture = "Qwen3ForCausalLM",
                       .hf_type = "qwen3",
                       .hf = kQwen2.hf,
                       .begin = [](ModelConfig& c) { c.qk_norm = true; },
                       .read_hf = read_hf,
                       .write_hf = write_hf};

}  // namespace bantam
