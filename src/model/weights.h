// The one list of a model's tensors: names, shapes, and which exist. Loading, saving, allocating, quantising,
// optimising and printing all walk it. Names are GGUF's, but for tensors that some files store as one, which are apart
// here: see families/layout.h.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"
#include "tensor/tensor.h"

namespace bantam {

struct ExpertWeights {
  Matrix gate, up, down;
};

struct LayerWeights {
  Matrix attn_norm, attn_norm_b, wq, wk, wv, bq, bk, bv, q_norm, k_norm, attn_sub_norm, wo, bo, post_attn_norm;
  Matrix ffn_norm, ffn_norm_b, w_gate, w_up, w_down, b_gate, b_up, b_down, ffn_sub_norm, post_ffn_norm;
  Matrix router;  // [experts, dim]
  std::vector<ExpertWeights> expert;
};

struct Weights {
  Weights() = default;
  explicit Weights(const ModelConfig& c) : layer(c.layer.size()) {
    for (LayerWeights& l : layer) l.expert.resize(static_cast<size_t>(c.experts));
  }

  Matrix embed, positions, token_types, final_norm, final_norm_b;
  Matrix lm_head;  // empty when embeddings are tied or there are classes
  Matrix head_b, class_head;
  std::vector<LayerWeights> layer;
};

// Calls f(name, rows, cols, w.member...) for each tensor of every tree in `w...`, each made for this config.
template <class F, class... W>
void for_each_tensor(const ModelConfig& c, F&& f, W&... w) {
  f(std::string("token_embd.weight"), c.vocab, c.dim, w.embed...);
  if (c.learned_positions) f(std::string("position_embd.weight"), c.context, c.dim, w.positions...);
  if (c.token_types > 0) f(std::string("token_types.weight"), c.token_types, c.dim, w.token_types...);
  f(std::string("output_norm.weight"), 1, c.dim, w.final_norm...);
  if (c.norm_bias) f(std::string("output_norm.bias"), 1, c.dim, w.final_norm_b...);
  if (!c.tied_embeddings && c.classes == 0) f(std::string("output.weight"), c.vocab, c.dim, w.lm_head...);
  if (c.head_bias && c.classes == 0) f(std::string("output.bias"), 1, c.vocab, w.head_b...);
  if (c.classes > 0) f(std::string("cls.output.weight"), c.classes, c.dim, w.class_head...);
  for (int l = 0; l < c.layers(); ++l) {
    const auto i = static_cast<size_t>(l);
    const auto name = [&](const std::string& rest) { return "blk." + std::to_string(l) + "." + rest; };
    f(name("attn_norm.weight"), 1, c.dim, w.layer[i].attn_norm...);
    if (c.norm_bias) f(name("attn_norm.bias"), 1, c.dim, w.layer[i].attn_norm_b...);
    f(name("attn_q.weight"), c.q_dim(l), c.dim, w.layer[i].wq...);
    f(name("attn_k.weight"), c.kv_dim(l), c.dim, w.layer[i].wk...);
    f(name("attn_v.weight"), c.kv_dim(l), c.dim, w.layer[i].wv...);
    if (c.qkv_bias) {
      f(name("attn_q.bias"), 1, c.q_dim(l), w.layer[i].bq...);
      f(name("attn_k.bias"), 1, c.kv_dim(l), w.layer[i].bk...);
      f(name("attn_v.bias"), 1, c.kv_dim(l), w.layer[i].bv...);
    }
    if (c.qk_norm) {
      f(name("attn_q_norm.weight"), 1, c.head_dim, w.layer[i].q_norm...);
      f(name("attn_k_norm.weight"), 1, c.head_dim, w.layer[i].k_norm...);
    }
    if (c.sub_norms) f(name("attn_sub_norm.weight"), 1, c.q_dim(l), w.layer[i].attn_sub_norm...);
    f(name("attn_output.weight"), c.dim, c.q_dim(l), w.layer[i].wo...);
    if (c.attn_out_bias) f(name("attn_output.bias"), 1, c.dim, w.layer[i].bo...);
    if (c.post_norms) f(name("post_attention_norm.weight"), 1, c.dim, w.layer[i].post_attn_norm...);
    if (!c.parallel_block) {
      f(name("ffn_norm.weight"), 1, c.dim, w.layer[i].ffn_norm...);
      if (c.norm_bias) f(name("ffn_norm.bias"), 1, c.dim, w.layer[i].ffn_norm_b...);
    }
    if (c.experts > 0) {
      const auto expert = [&](const char* part, size_t e) { return name(part) + "." + std::to_string(e) + ".weight"; };
      const auto n = static_cast<size_t>(c.experts);
      f(name("ffn_gate_inp.weight"), c.experts, c.dim, w.layer[i].router...);
      for (size_t e = 0; e < n; ++e) f(expert("ffn_gate", e), c.ffn_dim(l), c.dim, w.layer[i].expert[e].gate...);
      for (size_t e = 0; e < n; ++e) f(expert("ffn_up", e), c.ffn_dim(l), c.dim, w.layer[i].expert[e].up...);
      for (size_t e = 0; e < n; ++e) f(expert("ffn_down", e), c.dim, c.ffn_dim(l), w.layer[i].expert[e].down...);
    } else {
      if (c.gated_ffn) f(name("ffn_gate.weight"), c.ffn_dim(l), c.dim, w.layer[i].w_gate...);
      f(name("ffn_up.weight"), c.ffn_dim(l), c.dim, w.layer[i].w_up...);
      f(name("ffn_down.weight"), c.dim, c.ffn_dim(l), w.layer[i].w_down...);
      if (c.ffn_bias) {
        if (c.gated_ffn) f(name("ffn_gate.bias"), 1, c.ffn_dim(l), w.layer[i].b_gate...);
        f(name("ffn_up.bias"), 1, c.ffn_dim(l), w.layer[i].b_up...);
        f(name("ffn_down.bias"), 1, c.dim, w.layer[i].b_down...);
      }
      if (c.sub_norms) f(name("ffn_sub_norm.weight"), 1, c.ffn_dim(l), w.layer[i].ffn_sub_norm...);
    }
    if (c.post_norms) f(name("post_ffw_norm.weight"), 1, c.dim, w.layer[i].post_ffn_norm...);
  }
}

}  // namespace bantam
