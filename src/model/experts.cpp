// A mixture of experts as its own block: rows are gathered by expert, so each expert's matrices are read once.
#include <algorithm>
#include <numeric>

#include "model/ops.h"

namespace bantam {
namespace {

// Which experts each row takes, ascending, and with what weight.
struct Routing {
  const int32_t* expert;  // [T, used]
  Tensor weight;          // [T, used]
};

// The `used` highest of a row's scores, the first of equals; their columns ascending.
void choose(const real* scores, int experts, int used, int32_t* order, int32_t* chosen) {
  std::iota(order, order + experts, 0);
  std::partial_sort(order, order + used, order + experts,
                    [scores](int32_t a, int32_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  std::sort(order, order + used);
  std::copy_n(order, used, chosen);
}

Routing route(Run& run, const Tensor& scores, int used) {
  const auto slots = static_cast<size_t>(scores.rows) * static_cast<size_t>(used);
  auto* expert = run.scratch<int32_t>(slots);
  auto* order = run.scratch<int32_t>(static_cast<size_t>(scores.cols));
  const Tensor weight = run.make(scores.rows, used);
  for (int t = 0; t < scores.rows; ++t) {
    int32_t* chosen = expert + static_cast<ptrdiff_t>(t) * used;
    choose(scores.row(t), scores.cols, used, order, chosen);
    for (int i = 0; i < used; ++i) weight.row(t)[i] = scores.row(t)[chosen[i]];
    run.kernels().softmax(weight.row(t), used);
  }
  run.on_backward([=, &run] {
    for (int t = 0; t < scores.rows; ++t) {
      const real* p = weight.row(t);
      const real* dp = weight.grad_row(t);
      const real mean = run.kernels().dot(p, dp, used);
      for (int i = 0; i < used; ++i) {
        scores.grad_row(t)[expert[static_cast<ptrdiff_t>(t) * used + i]] += p[i] * (dp[i] - mean);
      }
    }
  });
  return {expert, weight};
}

// y[row[i]] += weight[slot[i]] * x[i]
void add_weighted_rows(Run& run, const Tensor& y, const Tensor& x, const int32_t* row, const int32_t* slot,
                       const Tensor& weight) {
  const auto n = static_cast<size_t>(x.cols);
  for (int i = 0; i < x.rows; ++i) run.kernels().axpy(weight.data[slot[i]], x.row(i), y.row(row[i]), n);
  run.on_backward([=, &run] {
    for (int i = 0; i < x.rows; ++i) {
      const real* dy = y.grad_row(row[i]);
      run.kernels().axpy(weight.data[slot[i]], dy, x.grad_row(i), n);
      weight.grad[slot[i]] += run.kernels().dot(x.row(i), dy, x.cols);
    }
  });
}

}  // namespace

Tensor mix_experts(Run& run, const ModelConfig& config, const LayerWeights& w, const Tensor& x) {
  const int used = config.experts_used;
  const Routing routing = route(run, linear(run, x, w.router), used);
  const Tensor y = run.make(x.rows, x.cols);
  std::fill_n(y.data, y.size(), real{0});
  for (int e = 0; e < config.experts; ++e) {
    const Run::Scope scope(run);
    auto* rows = run.scratch<int32_t>(static_cast<size_t>(x.rows));
    auto* slots = run.scratch<int32_t>(static_cast<size_t>(x.rows));
    int count = 0;
    for (int32_t slot = 0; slot < x.rows * used; ++slot) {
      if (routing.expert[slot] != e) continue;
      rows[count] = slot / used;
      slots[count++] = slot;
    }
    if (count == 0) continue;
    const ExpertWeights& expert = w.expert[static_cast<size_t>(e)];
    const Tensor in = select_rows(run, x, {rows, static_cast<size_t>(count)});
    const Tensor gate = linear(run, in, expert.gate), up = linear(run, in, expert.up);
    const Tensor out = linear(run, gated(run, config.activation, gate, up), expert.down);
    add_weighted_rows(run, y, out, rows, slots, routing.weight);
  }
  return y;
}

}  // namespace bantam
