// The one list of a model's tensors: names, shapes, and which exist. Loading, saving, allocating, quantising,
// optimising and printing all walk it. Names are GGUF's.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"
#include "tensor/tensor.h"

namespace bantam {

struct LayerWeights {
  Matrix attn_norm, wq, wk, wv, bq, bk, bv, q_norm, k_norm, wo, post_attn_norm;
  Matrix ffn_norm, w_gate, w_up, w_down, post_ffn_norm;
};

struct Weights {
  Matrix embed, token_types, final_norm;
  Matrix lm_head;  // empty when embeddings are tied or there are classes
  Matrix class_head;
  std::vector<LayerWeights> layer;
};

// Calls f(name, rows, cols, w.member...) for each tensor of every tree in `w...`, each with layer.size() == layers().
template <class F, class... W>
void for_each_tensor(const ModelConfig& c, F&& f, W&... w) {
  f(std::string("token_embd.weight"), c.vocab, c.dim, w.embed...);
  if (c.token_types > 0) f(std::string("token_types.weight"), c.token_types, c.dim, w.token_types...);
  f(std::string("output_norm.weight"), 1, c.dim, w.final_norm...);
  if (!c.tied_embeddings && c.classes == 0) f(std::string("output.weight"), c.vocab, c.dim, w.lm_head...);
  if (c.classes > 0) f(std::string("cls.output.weight"), c.classes, c.dim, w.class_head...);
  for (int l = 0; l < c.layers(); ++l) {
    const auto i = static_cast<size_t>(l);
    const auto name = [&](const char* rest) { return "blk." + std::to_string(l) + "." + rest; };
    f(name("attn_norm.weight"), 1, c.dim, w.layer[i].attn_norm...);
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
    f(name("attn_output.weight"), c.dim, c.q_dim(l), w.layer[i].wo...);
    if (c.post_norms) f(name("post_attention_norm.weight"), 1, c.dim, w.layer[i].post_attn_norm...);
    f(name("ffn_norm.weight"), 1, c.dim, w.layer[i].ffn_norm...);
    f(name("ffn_gate.weight"), c.ffn_dim(l), c.dim, w.layer[i].w_gate...);
    f(name("ffn_up.weight"), c.ffn_dim(l), c.dim, w.layer[i].w_up...);
    f(name("ffn_down.weight"), c.dim, c.ffn_dim(l), w.layer[i].w_down...);
    if (c.post_norms) f(name("post_ffw_norm.weight"), 1, c.dim, w.layer[i].post_ffn_norm...);
  }
}

}  // namespace bantam
