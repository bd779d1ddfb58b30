// OpenELM: heads and feed-forward widths that grow from layer to layer.
#include <algorithm>

#include "base/error.h"
#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr StemPair kStems[] = {{"token_embd", "transformer.token_embeddings"},
                               {"output_norm", "transformer.norm"},
                               {"output", "lm_head"},
                               {"attn_norm", "attn_norm"},
                               {"attn_qkv", "attn.qkv_proj"},
                               {"attn_q_norm", "attn.q_norm"},
                               {"attn_k_norm", "attn.k_norm"},
                               {"attn_output", "attn.out_proj"},
                               {"ffn_norm", "ffn_norm"},
                               {"ffn_up", "ffn.proj_1"},
                               {"ffn_down", "ffn.proj_2"}};

// The multiple of `divisor` nearest to `width`, but at least nine tenths of it. (OpenELM, modeling_openelm.py)
int divisible(double width, int divisor) {
  const int nearest = std::max(divisor, static_cast<int>(width + divisor / 2.0) / divisor * divisor);
  return nearest < 0.9 * width ? nearest + divisor : nearest;
}

void read_hf_shape(const ModelFile& folder, ModelConfig& c) {
  const Metadata& meta = folder.metadata;
  const auto size = [&](const char* key) { return static_cast<int>(meta.integer(key, 1, kMostInt)); };
  c.dim = size("hf.model_dim");
  c.context = size("hf.max_context_length");
  c.head_dim = c.rope_dim = size("hf.head_dim");
  c.norm_eps = 1e-6f;
  c.activation = read_hf_activation(meta, c);
  c.qk_norm = meta.flag_or("hf.normalize_qk_projections", true);
  if (!meta.flag_or("hf.ffn_with_glu", true))
    throw UnsupportedError("{}: feed-forward blocks without a gate are not known in OpenELM", folder.source());

  const auto layers = static_cast<size_t>(meta.integer("hf.num_transformer_layers", 1, 1 << 10));
  const auto heads = meta.integers_or_empty("hf.num_query_heads"), kv_heads = meta.integers_or_empty("hf.num_kv_heads");
  const auto multipliers = meta.numbers_or_empty("hf.ffn_multipliers");
  if (heads.size() != layers || kv_heads.size() != layers || multipliers.size() != layers) {
    throw FormatError(
        "{}: 'num_query_heads', 'num_kv_heads' and 'ffn_multipliers' have {}, {} and {} values, expected one for each "
        "of {} layers",
        folder.source(), heads.size(), kv_heads.size(), multipliers.size(), layers);
  }
  const auto divisor = static_cast<int>(meta.integer_or("hf.ffn_dim_divisor", 256, 1, 1 << 16));
  const auto theta = static_cast<float>(meta.number_or("hf.rope_freq_constant", 10000));
  for (size_t l = 0; l < layers; ++l) {
    const auto in_range = [](double value) { return value > 0 && value < 1 << 20; };
    if (!in_range(static_cast<double>(heads[l])) || !in_range(static_cast<double>(kv_heads[l])) ||
        !in_range(multipliers[l] * c.dim)) {
      throw FormatError("{}: layer {} has {} heads, {} key/value heads and a feed-forward width of {} x {}",
                        folder.source(), l, heads[l], kv_heads[l], multipliers[l], c.dim);
    }
    c.layer.push_back({.heads = static_cast<int>(heads[l]),
                       .kv_heads = static_cast<int>(kv_heads[l]),
                       .ffn_dim = divisible(multipliers[l] * c.dim, divisor),
                       .rope_theta = theta});
  }
}

void write_hf(const ModelConfig& c, Metadata& meta) {
  std::vector<int64_t> heads, kv_heads;
  std::vector<double> multipliers;
  for (const LayerConfig& layer : c.layer) {
    heads.push_back(layer.heads);
    kv_heads.push_back(layer.kv_heads);
    multipliers.push_back(static_cast<double>(layer.ffn_dim) / c.dim);
  }
  meta.set("hf.activation_fn_name", std::string("swish"));
  meta.set("hf.vocab_size", int64_t{c.vocab});
  meta.set("hf.model_dim", int64_t{c.dim});
  meta.set("hf.max_context_length", int64_t{c.context});
  meta.set("hf.head_dim", int64_t{c.head_dim});
  meta.set("hf.num_transformer_layers", int64_t{c.layers()});
  meta.set("hf.num_query_heads", heads);
  meta.set("hf.num_kv_heads", kv_heads);
  meta.set("hf.ffn_multipliers", multipliers);
  meta.set("hf.ffn_dim_divisor", int64_t{1});
  meta.set("hf.ffn_with_glu", true);
  meta.set("hf.normalize_qk_projections", c.qk_norm);
  meta.set("hf.rope_freq_constant", double{c.layer[0].rope_theta});
  meta.set("hf.share_input_output_layers", c.tied_embeddings);
}

}  // namespace

const Family kOpenElm = {
    .name = "openelm",
    .hf_architecture = "OpenELMForCausalLM",
    .hf_type = "openelm",
    .gguf = {.fused_qkv = true},
    .hf = {.fused_qkv = true, .fused_gate_up = true, .stems = kStems, .layers = "transformer.layers."},
    .begin = [](ModelConfig& c) { c.qk_norm = true; },
    .hf_shape = read_hf_shape,
    .write_hf = write_hf};

}  // namespace bantam
