// The ops forward() is made of. Each computes now and, if a tape records, pushes its backward step.
// T is the number of rows in the batch; shapes are [rows, cols].
#pragma once

#include <cstdint>
#include <span>

#include "model/batch.h"
#include "model/config.h"
#include "model/run.h"
#include "model/weights.h"

namespace bantam {

// y[T, dim] = scale * table[token]
Tensor embed(Run& run, std::span<const int32_t> tokens, const Matrix& table, real scale);

// y[T, out] = x[T, in] * w[out, in]^T (+ b[out])
Tensor linear(Run& run, const Tensor& x, const Matrix& w, const Matrix& b = {}, Gradient gradient = Gradient::apart);

// y = a + b, for the residual stream. Without a tape `a` is overwritten and returned; with one, y shares a's gradient:
// either way no later op may read `a`.
Tensor add(Run& run, const Tensor& a, const Tensor& b);

// Normalises groups of w.cols values (whole rows, or single heads): y = x / rms(x) * (w + plus)
Tensor rmsnorm(Run& run, const Tensor& x, const Matrix& w, real eps, real plus);

// cos and sin of position * theta^(-2i / rope_dim) for every row of a batch: [T, rope_dim / 2] each.
struct RopeTable {
  float theta = 0;  // 0: not made yet
  const real* cos = nullptr;
  const real* sin = nullptr;
};
RopeTable make_rope_table(Run& run, const ModelConfig& config, float theta, std::span<const int32_t> positions);

// Rotates the first rope_dim elements of each head by their row's position, in place; returns x. (arXiv 2104.09864)
Tensor rope(Run& run, const ModelConfig& config, const RopeTable& table, const Tensor& x);

// y = act(gate) * up
Tensor gated(Run& run, Activation act, const Tensor& gate, const Tensor& up);

// y = cap * tanh(x / cap)
Tensor soft_cap(Run& run, const Tensor& x, real cap, Gradient gradient = Gradient::apart);

// The given rows of x, in order; x itself when that is all of them.
Tensor select_rows(Run& run, const Tensor& x, std::span<const int32_t> rows);

// Attention of layer l within each slice, causal or both ways, over its cache and its own rows. q[T, q_dim], k and v[T,
// kv_dim]. Appends k and v to the caches (when they have capacity); the caller advances them after the last layer.
Tensor attend(Run& run, const ModelConfig& config, int l, const Batch& batch, const Tensor& q, const Tensor& k,
              const Tensor& v);

// Mean negative log-likelihood in nats of `targets` under logits[T, vocab]; a negative target is left out. With a tape,
// the logits, made with Gradient::in_place, become their gradient times `grad_scale`.
double cross_entropy(Run& run, const Tensor& logits, std::span<const int32_t> targets, real grad_scale);

// What a row may be to a span: a place where one may begin or end, and a right one.
enum SpanLabel : uint8_t { kSpanCandidate = 1, kSpanBegin = 2, kSpanEnd = 4 };

// Mean over the slices of -ln p(begin) - ln p(end), with p a softmax over the slice's candidate rows of scores[T, 2]
// (begin, end); where several rows are right, their p are summed. Each slice needs at least one of each. Recorded
// scores become their gradient times `grad_scale`, as in cross_entropy().
double span_cross_entropy(const Tensor& scores, std::span<const Slice> slices, std::span<const uint8_t> labels,
                          real grad_scale);

}  // namespace bantam
