// Small random models for tests: every switch of ModelConfig can be thrown.
#pragma once

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "model/weights.h"

namespace bantam {

// The switches of ModelConfig as bits; tests loop over their combinations.
struct Switches {
  static constexpr int kBits = 23;

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
    if (on(13)) {
      for (int i = 0; i < c.rope_dim / 2; ++i) c.rope_factors.push_back(1.5f + static_cast<float>(i));
      c.rope_amplitude = 1.2f;
      c.layer[0].rope_stretch = 2;
    }
    c.norm = on(14) ? Norm::layer : Norm::rms;
    c.norm_bias = on(15);
    c.gated_ffn = !on(16);
    c.attn_out_bias = c.ffn_bias = c.head_bias = on(17);
    c.learned_positions = on(18);
    c.parallel_block = on(19);
    c.sub_norms = on(20);
    if (on(21)) {  // experts are gated blocks with nothing added
      c.experts = 3, c.experts_used = 2;
      c.gated_ffn = true;
      c.ffn_bias = c.sub_norms = false;
    }
    if (on(22)) c.activation = Activation::relu_squared;
    return c;
  }
};

// Random weights in kRealType, with gradients.
struct TestModel {
  explicit TestModel(ModelConfig config_in, uint64_t seed = 1, double deviation = 0.35) : config(std::move(config_in)) {
    weights = Weights(config);
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
