// Normalisation of rows or heads.
#include <cassert>

#include "model/grain.h"
#include "model/ops.h"

namespace bantam {
namespace {

// y = x - mean(x) for each group of n values. Sums run in index order, in double.
Tensor centred(Run& run, const Tensor& x, int n) {
  const Tensor y = run.make(x.rows, x.cols);
  const int64_t groups = x.rows * int64_t{x.cols / n};
  const auto mean = [n](const real* values) {
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<double>(values[i]);
    return static_cast<real>(sum / n);
  };
  run.pool().parallel_for(groups, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      const real* from = x.data + g * n;
      const real shift = mean(from);
      for (int i = 0; i < n; ++i) y.data[g * n + i] = from[i] - shift;
    }
  });
  run.on_backward([=, &run] {
    run.pool().parallel_for(groups, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        const real* dy = y.grad + g * n;
        const real shift = mean(dy);
        for (int i = 0; i < n; ++i) x.grad[g * n + i] += dy[i] - shift;
      }
    });
  });
  return y;
}

}  // namespace

Tensor rmsnorm(Run& run, const Tensor& x, const Matrix& w, const Matrix& b, real eps, real plus) {
  const Tensor y = run.make(x.rows, x.cols);
  const int n = w.cols, per_row = x.cols / n, groups = x.rows * per_row;
  assert(per_row * n == x.cols);
  real* inv_rms = run.recording() ? run.scratch<real>(static_cast<size_t>(groups)) : nullptr;
  run.pool().parallel_for(groups, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      const real r = run.kernels().rmsnorm(x.data + g * n, w.values(), y.data + g * n, n, eps, plus);
      if (inv_rms) inv_rms[g] = r;
      if (b) run.kernels().add(y.data + g * n, b.values(), y.data + g * n, static_cast<size_t>(n));
    }
  });
  run.on_backward([=, &run] {
    // Each chunk sums its own dw; the sums are added up in order, so the result does not depend on the threads.
    const Run::Temporary temporary(run);
    const int64_t grain = std::max<int64_t>(64, (groups + 31) / 32), chunks = (groups + grain - 1) / grain;
    real* dw = run.scratch<real>(static_cast<size_t>(chunks * n));
    std::fill(dw, dw + chunks * n, real{0});
    run.pool().parallel_for(groups, grain, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        run.kernels().rmsnorm_backward(x.data + g * n, w.values(), inv_rms[g], y.grad + g * n, x.grad + g * n,
                                       dw + begin / grain * n, n, plus);
      }
    });
    if (!w.grad) return;
    for (int64_t c = 0; c < chunks; ++c) run.kernels().axpy(1, dw + c * n, w.grad, static_cast<size_t>(n));
    if (!b) return;
    for (int64_t g = 0; g < groups; ++g) run.kernels().axpy(1, y.grad + g * n, b.grad, static_cast<size_t>(n));
  });
  return y;
}

Tensor layernorm(Run& run, const Tensor& x, const Matrix& w, const Matrix& b, real eps, real plus) {
  return rmsnorm(run, centred(run, x, w.cols), w, b, eps, plus);
}

}  // namespace bantam
