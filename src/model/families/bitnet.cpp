// BitNet b1.58: a norm before the last matrix of each block, and matrices of -1, 0 and 1 times one scale. The first
// models (silu) are what llama.cpp calls bitnet; Microsoft's of 2025 have a squared relu.               arXiv
// 2402.17764
#include <algorithm>
#include <cmath>

#include "model/families/shape.h"

namespace bantam {
namespace {

constexpr StemPair kFirstStems[] = {{"token_embd", "model.embed_tokens"},
                                    {"output_norm", "model.norm"},
                                    {"output", "lm_head"},
                                    {"attn_norm", "input_layernorm"},
                                    {"attn_q", "self_attn.q_proj"},
                                    {"attn_k", "self_attn.k_proj"},
                                    {"attn_v", "self_attn.v_proj"},
                                    {"attn_sub_norm", "self_attn.inner_attn_ln"},
                                    {"attn_output", "self_attn.o_proj"},
                                    {"ffn_norm", "post_attention_layernorm"},
                                    {"ffn_gate", "mlp.gate_proj"},
                                    {"ffn_up", "mlp.up_proj"},
                                    {"ffn_sub_norm", "mlp.ffn_layernorm"},
                                    {"ffn_down", "mlp.down_proj"}};

constexpr StemPair kStems[] = {{"token_embd", "model.embed_tokens"},
                               {"output_norm", "model.norm"},
                               {"output", "lm_head"},
                               {"attn_norm", "input_layernorm"},
                               {"attn_q", "self_attn.q_proj"},
                               {"attn_k", "self_attn.k_proj"},
                               {"attn_v", "self_attn.v_proj"},
                               {"attn_sub_norm", "self_attn.attn_sub_norm"},
                               {"attn_output", "self_attn.o_proj"},
                               {"ffn_norm", "post_attention_layernorm"},
                               {"ffn_gate", "mlp.gate_proj"},
                               {"ffn_up", "mlp.up_proj"},
                               {"ffn_sub_norm", "mlp.ffn_sub_norm"},
                               {"ffn_down", "mlp.down_proj"}};

// Checkpoints hold the weights that were trained; what runs is each rounded to -1, 0 or 1 times their mean size.
// (transformers, integrations/bitnet.py, WeightQuant)
std::vector<std::byte> made_ternary(NamedTensor& tensor) {
  const DTypeTraits& from = traits(tensor.dtype);
  const auto rows = static_cast<size_t>(tensor.shape[0]);
  const int64_t cols = tensor.shape[1];
  const size_t from_bytes = row_bytes(tensor.dtype, cols);
  std::vector<float> row(static_cast<size_t>(cols));
  double sum = 0;
  for (size_t r = 0; r < rows; ++r) {
    from.decode(&tensor.bytes[r * from_bytes], row.data(), cols);
    for (const float w : row) sum += std::abs(double{w});
  }
  const auto scale = static_cast<float>(std::max(1e-5, sum / (static_cast<double>(rows) * static_cast<double>(cols))));
  // Exact but for the scale, which becomes an f16.
  const DType to = cols % traits(DType::tq2_0).block == 0 ? DType::tq2_0 : DType::f32;
  const size_t to_bytes = row_bytes(to, cols);
  std::vector<std::byte> out(rows * to_bytes);
  for (size_t r = 0; r < rows; ++r) {
    from.decode(&tensor.bytes[r * from_bytes], row.data(), cols);
    for (float& w : row) w = scale * std::clamp(std::nearbyint(w / scale), -1.f, 1.f);
    traits(to).encode(row.data(), &out[r * to_bytes], cols);
  }
  tensor.dtype = to;
  tensor.bytes = out;
  return out;
}

ModelFile arrange(ModelFile folder) {
  std::vector<NamedTensor> tensors(folder.tensors().begin(), folder.tensors().end());
  std::vector<std::vector<std::byte>> copies;
  for (NamedTensor& tensor : tensors) {
    if (tensor.name.ends_with("_proj.weight") && tensor.shape.size() == 2) copies.push_back(made_ternary(tensor));
  }
  return std::move(folder).with_tensors(std::move(tensors), std::move(copies));
}

}  // namespace

const Family kBitnet = {.name = "bitnet",
                        .hf_architecture = "BitnetForCausalLM",
                        .hf_type = "bitnet",
                        .hf = {.stems = kFirstStems, .layers = "model.layers."},
                        .reads_hf_only = true,
                        .begin = [](ModelConfig& c) { c.sub_norms = true; },
                        .arrange_hf = arrange};

const Family kBitnet158 = {.name = "bitnet-b1.58",
                           .hf_architecture = "BitNetForCausalLM",
                           .hf_type = "bitnet",
                           .hf = {.stems = kStems, .layers = "model.layers."},
                           .reads_hf_only = true,
                           .begin =
                               [](ModelConfig& c) {
                                 c.sub_norms = true;
                                 c.activation = Activation::relu_squared;
                               },
                           .arrange_hf = arrange};

}  // namespace bantam
