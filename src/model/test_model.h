// Small random models for tests: every switch of ModelConfig can be thrown.
#pragma once

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "model/weights.h"

namespace bantam {

// The switches of ModelConfig as bits; tests loop over their combinations.
struct Switches {
  static constexpr int kBits = 13;

  static ModelConfig config(int bits) {
    const auto on = [bits](int bit) { return (bits >> bit & 1) != 0; };
    ModelConfig c;
    c.vocab = 11;
    c.dim = 8;
    c.head_dim = 4;
    c.context = 64;
    c.layer.assign(2, {.heads = 4, .kv_heads = 2, .ffn_dim = 12});
    c.rope_dim = on(0) ? 2 : 4;
    c.qkv_bias = on(1);
    c.qk_norm = on(2);
    c.post_norms = on(3);
    c.norm_plus_one = on(4);
    c.tied_embeddings = on(5);
    c.activation = on(6) ? Activation::gelu_tanh : Activation::silu;
    c.attn_cap = on(7) ? 5.f : 0.f;
    c.logit_cap = on(8) ? 7.f : 0.f;
    if (on(9)) {
      c.layer[0] = {.heads = 2, .kv_heads = 1, .ffn_dim = 8, .window = 3};
      c.layer[1].rope = false;
      c.attn_scale = 0.3f;
      c.embed_scale = 1.5f;
    }
    c.rope_pairs = on(10) ? RopePairs::halves : RopePairs::neighbours;
    c.causal = !on(11);
    if (on(11)) c.layer[0].window = 0;
    if (on(12)) c.token_types = 3, c.classes = 2;
    return c;
  }
};

// Random weights in kRealType, with gradients.
struct TestModel {
  explicit TestModel(ModelConfig config_in, uint64_t seed = 1, double deviation = 0.35) : config(std::move(config_in)) {
    weights.layer.resize(config.layer.size());
    size_t total = 0;
    for_each_tensor(
        config,
        [&](const std::string&, int rows, int cols, Matrix&) {
          total += static_cast<size_t>(rows) * static_cast<size_t>(cols);
        },
        weights);
    Rng rng(seed);
    for (size_t i = 0; i < total; ++i) values.push_back(static_cast<real>(deviation * rng.normal()));
    grads.assign(total, 0);
    size_t at = 0;
    for_each_tensor(
        config,
        [&](const std::string&, int rows, int cols, Matrix& w) {
          w = {reinterpret_cast<const std::byte*>(values.data() + at), grads.data() + at, rows, cols, kRealType};
          at += w.size();
        },
        weights);
  }
  TestModel(const TestModel&) = delete;
  TestModel& operator=(const TestModel&) = delete;

  ModelConfig config;
  Weights weights;
  std::vector<real> values, grads;
};

}  // namespace bantam
