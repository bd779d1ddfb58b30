#include "model/forward.h"

#include <array>

namespace bantam {

Tensor forward(Run& run, const ModelConfig& c, const Weights& w, const Batch& batch, Tensor* states) {
  const real plus = c.norm_plus_one ? 1 : 0;
  const auto norm = [&](const Tensor& x, const Matrix& g, const Matrix& b = {}) {
    const Tensor y =
        c.norm == Norm::rms ? rmsnorm(run, x, g, b, c.norm_eps, plus) : layernorm(run, x, g, b, c.norm_eps, plus);
    run.lap(Part::norm);
    return y;
  };
  const auto plus_residual = [&](const Tensor& x, const Tensor& h) {
    const Tensor y = add(run, x, h);
    run.lap(Part::add);
    return y;
  };
  RopeTables angles(run, c, batch);

  Tensor x = embed(run, batch.tokens, w.embed, c.embed_scale);  // [T, dim]
  if (c.learned_positions) x = add(run, x, embed(run, batch.positions, w.positions, 1));
  if (c.token_types > 0) x = add(run, x, embed(run, batch.types, w.token_types, 1));
  run.lap(Part::embed);
  for (int l = 0; l < c.layers(); ++l) {
    const LayerConfig& layer = c.layer[static_cast<size_t>(l)];
    const LayerWeights& lw = w.layer[static_cast<size_t>(l)];
    const RopeTable* table = layer.rope ? &angles.of(layer) : nullptr;
    const Run::Scope scope(run);

    const auto feed_forward = [&](const Tensor& h) {
      if (c.experts > 0) return mix_experts(run, c, lw, h);
      Tensor up_gate[2];  // [T, ffn_dim]
      const Linear parts[] = {{lw.w_up, lw.b_up}, {lw.w_gate, lw.b_gate}};
      linear_each(run, h, std::span(parts, c.gated_ffn ? 2 : 1), up_gate);
      run.lap(Part::up_gate);
      const auto& [up, gate] = up_gate;
      Tensor y = c.gated_ffn ? gated(run, c.activation, gate, up) : activate(run, c.activation, up);
      run.lap(Part::activation);
      if (c.sub_norms) y = norm(y, lw.ffn_sub_norm);
      y = linear(run, y, lw.w_down, lw.b_down);
      run.lap(Part::down);
      return y;
    };

    const Tensor in = norm(x, lw.attn_norm, lw.attn_norm_b);
    Tensor qkv[3];
    linear_each(run, in, std::to_array<Linear>({{lw.wq, lw.bq}, {lw.wk, lw.bk}, {lw.wv, lw.bv}}), qkv);
    run.lap(Part::qkv);
    auto& [q, k, v] = qkv;  // [T, q_dim], [T, kv_dim]
    if (c.qk_norm) {
      q = norm(q, lw.q_norm);
      k = norm(k, lw.k_norm);
    }
    if (table) {
      q = rope(run, c, *table, q);
      k = rope(run, c, *table, k);
      run.lap(Part::rope);
    }
    Tensor h = attend(run, c, l, batch, q, k, v);
    run.lap(Part::attention);
    if (c.sub_norms) h = norm(h, lw.attn_sub_norm);
    h = linear(run, h, lw.wo, lw.bo);
    run.lap(Part::attention_out);
    if (c.post_norms) h = norm(h, lw.post_attn_norm);
    x = plus_residual(x, h);

    h = feed_forward(c.parallel_block ? in : norm(x, lw.ffn_norm, lw.ffn_norm_b));
    if (c.post_norms) h = norm(h, lw.post_ffn_norm);
    x = plus_residual(x, h);
  }
  for (const Slice& s : batch.slices) {
    if (s.kv->capacity() > 0) s.kv->advance(s.count);
  }
  const auto last_norm = [&](std::span<const int32_t> rows) {
    return norm(select_rows(run, x, rows), w.final_norm, w.final_norm_b);
  };
  if (states && !batch.state_rows.empty()) *states = last_norm(batch.state_rows);
  if (batch.logit_rows.empty()) return {nullptr, nullptr, 0, c.outputs()};
  x = last_norm(batch.logit_rows);
  const Matrix& head = c.classes > 0 ? w.class_head : c.tied_embeddings ? w.embed : w.lm_head;
  const Tensor logits = linear(run, x, head, w.head_b, c.logit_cap == 0 ? Gradient::in_place : Gradient::apart);
  run.lap(Part::head);
  return c.logit_cap == 0 ? logits : soft_cap(run, logits, c.logit_cap, Gradient::in_place);
}

}  // namespace bantam
