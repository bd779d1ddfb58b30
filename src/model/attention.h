// What the two shapes of attention share.
#pragma once

#include <algorithm>
#include <cmath>

#include "model/ops.h"

namespace bantam {

// One layer's attention.
struct AttentionShape {
  int heads, kv_heads, head_dim, window;
  real scale, cap;
  bool causal;

  AttentionShape(const ModelConfig& c, int l)
      : heads(c.layer[static_cast<size_t>(l)].heads),
        kv_heads(c.layer[static_cast<size_t>(l)].kv_heads),
        head_dim(c.head_dim),
        window(c.layer[static_cast<size_t>(l)].window),
        scale(c.attn_scale != 0 ? static_cast<real>(c.attn_scale) : 1 / std::sqrt(static_cast<real>(c.head_dim))),
        cap(c.attn_cap),
        causal(c.causal) {}

  int q_dim() const { return heads * head_dim; }
  int kv_dim() const { return kv_heads * head_dim; }
  int group() const { return heads / kv_heads; }
  // First row that row `t` of a sequence may see.
  int first_visible(int t) const { return window > 0 ? std::max(0, t + 1 - window) : 0; }
  // One past the last row that row `t` of a sequence of `rows` may see.
  int end_visible(int t, int rows) const { return causal ? t + 1 : rows; }
};

// y[T, q_dim]: rows of each slice over the pages of its cache, where k and v of the slice are put first.
void attend_pages(Run& run, const AttentionShape& shape, int l, const Batch& batch, const Tensor& q, const Tensor& k,
                  const Tensor& v, const Tensor& y);

}  // namespace bantam
