// The ops forward() is made of. Each computes now and, if a tape records, pushes its backward step.
// T is the number of rows in the batch; shapes are [rows, cols].
#pragma once

#include <array>
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

// A matrix and its bias, which may be empty.
struct Linear {
  const Matrix& w;
  const Matrix& b;
};
inline constexpr size_t kMostLinears = 4;
// linear() of the same x for each of `parts`, to y[parts]; at most kMostLinears. Faster than one after the other.
void linear_each(Run& run, const Tensor& x, std::span<const Linear> parts, Tensor* y);

// y = a + b, for the residual stream. Without a tape `a` is overwritten and returned; with one, y shares a's gradient:
// either way no later op may read `a`.
Tensor add(Run& run, const Tensor& a, const Tensor& b);

// Normalises groups of w.cols values (whole rows, or single heads): y = x / rms(x) * (w + plus) (+ b), with
// rms(x) = sqrt(mean(x^2) + eps). (arXiv 1910.07467)
Tensor rmsnorm(Run& run, const Tensor& x, const Matrix& w, const Matrix& b, real eps, real plus);

// The same of x - mean(x). (arXiv 1607.06450)
Tensor layernorm(Run& run, const Tensor& x, const Matrix& w, const Matrix& b, real eps, real plus);

// amplitude * cos and sin of what each pair turns at each row of a batch: [T, rope_dim / 2].
struct RopeTable {
  float theta = 0, stretch = 0;  // 0: not made yet
  const real* cos = nullptr;
  const real* sin = nullptr;
};

// The tables of one pass, each made when its first layer asks. Two are kept, for layers that alternate.
class RopeTables {
 public:
  RopeTables(Run& run, const ModelConfig& config, const Batch& batch) : run_(run), config_(config), batch_(batch) {}

  // Memory comes from the run; a reference is good until the next call.
  const RopeTable& of(const LayerConfig& layer);

 private:
  RopeTable make(const LayerConfig& layer);

  Run& run_;
  const ModelConfig& config_;
  const Batch& batch_;
  std::array<RopeTable, 2> tables_;
  size_t next_ = 0;
};

// Rotates the first rope_dim elements of each head by their row's position, in place; returns x.
Tensor rope(Run& run, const ModelConfig& config, const RopeTable& table, const Tensor& x);

// y = act(gate) * up
Tensor gated(Run& run, Activation act, const Tensor& gate, const Tensor& up);

// y = act(x)
Tensor activate(Run& run, Activation act, const Tensor& x);

// A mixture of experts: each row of x[T, dim] goes through the `experts_used` gated feed-forward blocks that the router
// scores highest for it, weighted with a softmax over just those scores. (arXiv 2401.04088, sec. 2.1)
Tensor mix_experts(Run& run, const ModelConfig& config, const LayerWeights& w, const Tensor& x);

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
