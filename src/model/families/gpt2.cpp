// GPT-2: layer norm, learned positions, and in its Hugging Face folders matrices that lie [in, out], as its "Conv1D"
// layers multiply by them.                                         transformers, models/gpt2/modeling_gpt2.py
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr StemPair kStems[] = {{"token_embd", "wte"},          {"position_embd", "wpe"}, {"output_norm", "ln_f"},
                               {"output", "lm_head"},          {"attn_norm", "ln_1"},    {"attn_qkv", "attn.c_attn"},
                               {"attn_output", "attn.c_proj"}, {"ffn_norm", "ln_2"},     {"ffn_up", "mlp.c_fc"},
                               {"ffn_down", "mlp.c_proj"}};

constexpr std::string_view kPrefix = "transformer.";
// The causal mask, which old checkpoints carry along.
constexpr std::string_view kMasks[] = {".attn.bias", ".attn.masked_bias"};
constexpr std::string_view kInOut[] = {"attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight",
                                       "mlp.c_proj.weight"};

bool ends_with_one_of(std::string_view name, std::span<const std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return name.ends_with(end); });
}

// [in, out] to [out, in], in `tensor` and in the bytes it then looks into.
std::vector<std::byte> transposed(NamedTensor& tensor, const std::string& source) {
  const DTypeTraits& format = traits(tensor.dtype);
  if (tensor.shape.size() != 2 || format.block != 1) {
    throw FormatError("{}: the tensor '{}' is {} of {} dimensions, expected a matrix of single values", source,
                      tensor.name, format.name, tensor.shape.size());
  }
  const auto rows = static_cast<size_t>(tensor.shape[0]), cols = static_cast<size_t>(tensor.shape[1]);
  const size_t bytes = format.block_bytes;
  std::vector<std::byte> out(rows * cols * bytes);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < cols; ++c) {
      std::memcpy(&out[(c * rows + r) * bytes], &tensor.bytes[(r * cols + c) * bytes], bytes);
    }
  }
  std::swap(tensor.shape[0], tensor.shape[1]);
  tensor.bytes = out;
  return out;
}

ModelFile arrange(ModelFile folder) {
  const bool tied = folder.metadata.flag_or("hf.tie_word_embeddings", true);
  std::vector<NamedTensor> tensors;
  std::vector<std::vector<std::byte>> copies;
  for (NamedTensor tensor : folder.tensors()) {
    if (tensor.name.starts_with(kPrefix)) tensor.name.erase(0, kPrefix.size());
    if (ends_with_one_of(tensor.name, kMasks) || (tied && tensor.name == "lm_head.weight")) continue;
    if (ends_with_one_of(tensor.name, kInOut)) copies.push_back(transposed(tensor, folder.source()));
    tensors.push_back(std::move(tensor));
  }
  return std::move(folder).with_tensors(std::move(tensors), std::move(copies));
}

void read_shape(const ModelFile& folder, ModelConfig& c) {
  const Metadata& meta = folder.metadata;
  const auto size = [&](const char* key) { return static_cast<int>(meta.integer(key, 1, kMostInt)); };
  for (const char* key : {"hf.scale_attn_by_inverse_layer_idx", "hf.add_cross_attention"}) {
    if (meta.flag_or(key, false))
      throw UnsupportedError("{}: '{}' is true, this build knows false", meta.source(), key);
  }
  c.dim = size("hf.n_embd");
  c.context = size("hf.n_positions");
  LayerConfig layer = c.layer[0];
  layer.heads = layer.kv_heads = size("hf.n_head");
  layer.ffn_dim = static_cast<int>(meta.integer_or("hf.n_inner", int64_t{4} * c.dim, 1, kMostInt));
  c.layer.assign(static_cast<size_t>(meta.integer("hf.n_layer", 1, 1 << 10)), layer);
  c.head_dim = c.rope_dim = c.dim / layer.heads;
  c.norm_eps = static_cast<float>(meta.number_or("hf.layer_norm_epsilon", 1e-5));
  c.activation = read_hf_activation(meta, c);
}

}  // namespace

const Family kGpt2 = {.name = "gpt2",
                      .hf_architecture = "GPT2LMHeadModel",
                      .hf_type = "gpt2",
                      .gguf = {.fused_qkv = true},
                      .hf = {.fused_qkv = true, .stems = kStems, .layers = "h."},
                      .reads_hf_only = true,
                      .begin =
                          [](ModelConfig& c) {
                            c.norm = Norm::layer;
                            c.norm_bias = true;
                            c.gated_ffn = false;
                            c.activation = Activation::gelu_tanh;
                            c.learned_positions = true;
                            c.layer = {{.rope = false}};
                          },
                      .arrange_hf = arrange,
                      .hf_shape = read_shape};

}  // namespace bantam
