#include "model/forward.h"

#include <algorithm>

namespace bantam {

Tensor forward(Run& run, const ModelConfig& c, const Weights& w, const Batch& batch) {
  const real plus = c.norm_plus_one ? 1 : 0;
  const auto norm = [&](const Tensor& x, const Matrix& g) { return rmsnorm(run, x, g, c.norm_eps, plus); };
  RopeTable angles;

  Tensor x = embed(run, batch.tokens, w.embed, c.embed_scale);  // [T, dim]
  if (c.token_types > 0) x = add(run, x, embed(run, batch.types, w.token_types, 1));
  for (int l = 0; l < c.layers(); ++l) {
    const LayerConfig& layer = c.layer[static_cast<size_t>(l)];
    const LayerWeights& lw = w.layer[static_cast<size_t>(l)];
    if (layer.rope && layer.rope_theta != angles.theta) {
      angles = make_rope_table(run, c, layer.rope_theta, batch.positions);
    }
    const Run::Scope scope(run);

    Tensor h = norm(x, lw.attn_norm);
    Tensor q = linear(run, h, lw.wq, lw.bq);  // [T, q_dim]
    Tensor k = linear(run, h, lw.wk, lw.bk);  // [T, kv_dim]
    const Tensor v = linear(run, h, lw.wv, lw.bv);
    if (c.qk_norm) {
      q = norm(q, lw.q_norm);
      k = norm(k, lw.k_norm);
    }
    if (layer.rope) {
      q = rope(run, c, angles, q);
      k = rope(run, c, angles, k);
    }
    h = linear(run, attend(run, c, l, batch, q, k, v), lw.wo);
    if (c.post_norms) h = norm(h, lw.post_attn_norm);
    x = add(run, x, h);

    h = norm(x, lw.ffn_norm);
    h = linear(run, gated(run, c.activation, linear(run, h, lw.w_gate), linear(run, h, lw.w_up)), lw.w_down);
    if (c.post_norms) h = norm(h, lw.post_ffn_norm);
    x = add(run, x, h);
  }
  for (const Slice& s : batch.slices) {
    if (s.kv->capacity() > 0) s.kv->advance(s.count);
  }
  if (batch.logit_rows.empty()) return {nullptr, nullptr, 0, c.outputs()};
  x = norm(select_rows(run, x, batch.logit_rows), w.final_norm);
  const Matrix& head = c.classes > 0 ? w.class_head : c.tied_embeddings ? w.embed : w.lm_head;
  if (c.logit_cap == 0) return linear(run, x, head, {}, Gradient::in_place);
  return soft_cap(run, linear(run, x, head), c.logit_cap, Gradient::in_place);
}

}  // namespace bantam
