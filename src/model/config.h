// A model's architecture as plain data. Every family we run is a value of ModelConfig; forward() reads nothing else.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace bantam {

// Which elements of a head rotate together: (2i, 2i + 1) in Meta's and GGUF's llama files, (i, i + rope_dim / 2) in
// Hugging Face's and GGUF's "NeoX" families.
enum class RopePairs { neighbours, halves };

// rms: x / rms(x) * w; layer: the same of x - mean(x).
enum class Norm { rms, layer };

// What may differ from layer to layer.
struct LayerConfig {
  int heads = 0, kv_heads = 0;
  int ffn_dim = 0;
  int window = 0;  // a row sees the last `window` rows, itself included; 0: all of them
  bool rope = true;
  float rope_theta = 10000.f;
  float rope_stretch = 1.f;  // positions are divided by it
};

struct ModelConfig {
  std::string family = "llama";
  int vocab = 0, dim = 0, head_dim = 0;
  int context = 0;  // rows the model was trained for
  std::vector<LayerConfig> layer;

  Norm norm = Norm::rms;
  float norm_eps = 1e-5f;
  Activation activation = Activation::silu;
  RopePairs rope_pairs = RopePairs::neighbours;
  int rope_dim = 0;  // rotated elements of each head: the first ones; even, <= head_dim
  // Each pair's frequency is divided by its factor; empty, or rope_dim / 2 of them. In a context of more than
  // `rope_original_context` rows the long ones hold, where there are any. (arXiv 2402.13753)
  std::vector<float> rope_factors, rope_factors_long;
  int rope_original_context = 0;
  float rope_amplitude = 1.f;  // of the rotation's cosines and sines
  bool tied_embeddings = true;
  bool learned_positions = false;  // GPT-2: a row is added to the embedding for each position
  bool gated_ffn = true;           // down(act(gate(x)) * up(x)); false: down(act(up(x)))
  bool parallel_block = false;     // Phi-2: attention and feed-forward block read the same norm of x
  bool norm_bias = false;          // norms outside of heads add a bias
  bool qkv_bias = false;           // Qwen2
  bool attn_out_bias = false, ffn_bias = false, head_bias = false;
  bool qk_norm = false;                   // Qwen3, Gemma3: each head's q and k are normalised before rope
  bool sub_norms = false;                 // BitNet: norms before the last matrix of each block
  bool post_norms = false;                // Gemma2/3: norms after attention and after the feed-forward block
  bool norm_plus_one = false;             // Gemma as Hugging Face stores it: 1 + w where others have w
  float embed_scale = 1.f;                // Gemma: sqrt(dim)
  float attn_scale = 0.f;                 // multiplies q.k; 0: 1 / sqrt(head_dim)
  float attn_cap = 0.f, logit_cap = 0.f;  // Gemma2 soft caps; 0: none
  int experts = 0, experts_used = 0;      // Mixtral: feed-forward blocks of a layer, and how many of them a row takes
  bool causal = true;   // false: rows of a slice see each other both ways, and a slice is read at once, uncached
  int token_types = 0;  // rows of a second embedding, chosen by Batch::types and added to the first; 0: none
  int classes = 0;      // of a head that scores each row instead of predicting the next token; 0: none

  int layers() const { return static_cast<int>(layer.size()); }
  int q_dim(int l) const { return layer[static_cast<size_t>(l)].heads * head_dim; }
  int kv_dim(int l) const { return layer[static_cast<size_t>(l)].kv_heads * head_dim; }
  // Columns of what forward() returns.
  int outputs() const { return classes > 0 ? classes : vocab; }
  int ffn_dim(int l) const { return layer[static_cast<size_t>(l)].ffn_dim; }
};

// Throws FormatError, naming `source`, the field, what was found and what was wanted, when a value is out of range or
// contradicts another. Everything inside the library may then trust the config.
void validate(const ModelConfig& config, const std::string& source);

}  // namespace bantam
