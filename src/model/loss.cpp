// The losses of training.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "model/ops.h"

namespace bantam {

double cross_entropy(Run& run, const Tensor& logits, std::span<const int32_t> targets, real grad_scale) {
  assert(static_cast<int>(targets.size()) == logits.rows);
  assert(logits.grad == (run.recording() ? logits.data : nullptr));
  const Run::Temporary temporary(run);
  double* loss = run.scratch<double>(targets.size());
  const int64_t grain = std::max<int64_t>(1, (logits.rows + 63) / 64), chunks = (logits.rows + grain - 1) / grain;
  real* copies = run.recording() ? nullptr : run.scratch<real>(static_cast<size_t>(chunks * logits.cols));
  run.pool().parallel_for(logits.rows, grain, [&](int64_t begin, int64_t end) {
    for (auto r = static_cast<int>(begin); r < end; ++r) {
      const int32_t target = targets[static_cast<size_t>(r)];
      real* p = logits.row(r);
      loss[r] = 0;
      if (target < 0) {
        if (run.recording()) std::fill_n(p, logits.cols, real{0});
        continue;
      }
      if (copies) p = std::copy_n(p, logits.cols, copies + begin / grain * logits.cols) - logits.cols;
      const real wanted = p[target];
      loss[r] = static_cast<double>(run.kernels().softmax(p, logits.cols)) - static_cast<double>(wanted);
      if (!run.recording()) continue;
      p[target] -= 1;
      for (int i = 0; i < logits.cols; ++i) p[i] *= grad_scale;
    }
  });
  double sum = 0;
  int64_t counted = 0;
  for (int r = 0; r < logits.rows; ++r) {
    sum += loss[r];
    counted += targets[static_cast<size_t>(r)] >= 0;
  }
  return counted > 0 ? sum / static_cast<double>(counted) : 0;
}

namespace {

// Column `end` of a slice's scores: the loss, and its gradient in their place.
double pointer_loss(const Tensor& scores, const Slice& slice, std::span<const uint8_t> labels, int end,
                    real grad_scale) {
  const uint8_t right = end ? kSpanEnd : kSpanBegin;
  const auto label = [&](int r) { return labels[static_cast<size_t>(slice.begin + r)]; };
  const auto score = [&](int r) -> real& { return scores.row(slice.begin + r)[end]; };
  real most = -std::numeric_limits<real>::infinity();
  for (int r = 0; r < slice.count; ++r) {
    if (label(r) & kSpanCandidate) most = std::max(most, score(r));
  }
  double all = 0, rights = 0;
  for (int r = 0; r < slice.count; ++r) {
    if (!(label(r) & kSpanCandidate)) continue;
    const double p = std::exp(static_cast<double>(score(r) - most));
    all += p;
    if (label(r) & right) rights += p;
  }
  assert(rights > 0);
  if (scores.grad) {
    for (int r = 0; r < slice.count; ++r) {
      double slope = 0;
      if (label(r) & kSpanCandidate) {
        const double p = std::exp(static_cast<double>(score(r) - most));
        slope = p / all - (label(r) & right ? p / rights : 0);
      }
      score(r) = grad_scale * static_cast<real>(slope);
    }
  }
  return std::log(all) - std::log(rights);
}

}  // namespace

double span_cross_entropy(const Tensor& scores, std::span<const Slice> slices, std::span<const uint8_t> labels,
                          real grad_scale) {
  assert(scores.cols == 2 && labels.size() == static_cast<size_t>(scores.rows));
  double sum = 0;
  for (const Slice& slice : slices) {
    for (const int end : {0, 1}) sum += pointer_loss(scores, slice, labels, end, grad_scale);
  }
  return slices.empty() ? 0 : sum / static_cast<double>(slices.size());
}

}  // namespace bantam
