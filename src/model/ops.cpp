#include "model/ops.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace bantam {
namespace {

constexpr int64_t kElementGrain = 1 << 14;  // elements per chunk of element-wise work: about 50 us

int64_t rows_per_chunk(int cols) { return std::max<int64_t>(1, kElementGrain / cols); }

// Splits [0, n) into a few chunks per thread, so that a thread that lags behind leaves work to the others.
int64_t chunk_rows(const ThreadPool& pool, int n, int chunks_per_thread, int least) {
  const int chunks = pool.threads() * chunks_per_thread;
  return std::max(least, (n + chunks - 1) / chunks);
}

// Row r of w as reals. A template only so that one branch of the `if constexpr` is dropped.
template <class Real>
void decode_row(const Matrix& w, int r, Real* out) {
  if (w.dtype == kRealType) {
    std::memcpy(out, w.row(r), static_cast<size_t>(w.cols) * sizeof(real));
  } else if constexpr (std::is_same_v<Real, float>) {
    traits(w.dtype).decode(w.row(r), out, w.cols);
  } else {
    std::vector<float> narrow(static_cast<size_t>(w.cols));
    traits(w.dtype).decode(w.row(r), narrow.data(), w.cols);
    std::copy(narrow.begin(), narrow.end(), out);
  }
}

// y = x * w^T by the table's kernel for w's format: a row's bits are the same in any batch.
void multiply(Run& run, const Tensor& x, const Matrix& w, const Matrix& b, const Tensor& y) {
  const Run::Temporary temporary(run);
  MatmulArgs args{w.data, w.row_bytes(), w.cols, reinterpret_cast<const std::byte*>(x.data), 0, x.rows, y.data, y.cols};
  args.x_row_bytes = static_cast<size_t>(x.cols) * sizeof(real);
  if (traits(w.dtype).activation == DType::q8_0) {
    args.x_row_bytes = row_bytes(DType::q8_0, x.cols);
    auto* blocks = run.scratch<std::byte>(args.x_row_bytes * static_cast<size_t>(x.rows));
    run.pool().parallel_for(x.rows, rows_per_chunk(x.cols), [&](int64_t begin, int64_t end) {
      for (auto r = static_cast<int>(begin); r < end; ++r) {
        run.kernels().quantize_q8_0(x.row(r), blocks + static_cast<size_t>(r) * args.x_row_bytes, x.cols);
      }
    });
    args.x = blocks;
  }
  const MatmulKernel kernel = run.kernels().matmul[static_cast<size_t>(w.dtype)];
  // Chunks of at least ~32k multiply-adds, in multiples of 16 rows: below that, waking a thread costs more.
  const int64_t work_per_row = static_cast<int64_t>(w.cols) * x.rows;
  const int64_t least = (1 << 15) / work_per_row + 1;
  const int64_t grain = (std::max(chunk_rows(run.pool(), w.rows, 4, 16), least) + 15) / 16 * 16;
  run.pool().parallel_for(w.rows, grain, [&](int64_t begin, int64_t end) {
    kernel(args, static_cast<int>(begin), static_cast<int>(end));
    if (!b) return;
    for (int r = 0; r < y.rows; ++r) {
      for (int64_t o = begin; o < end; ++o) y.row(r)[o] += b.values()[o];
    }
  });
}

// One dense product of training, the longer side of c split over the threads.
void parallel_gemm(const Run& run, const GemmArgs& g) {
  // Each call packs all of the operand that is not split: long sums get one slice per thread, others two, for balance.
  const bool by_rows = g.m >= g.n;
  const int length = by_rows ? g.m : g.n;
  const bool costly_packing = run.compute().precision == GemmPrecision::bf16 || g.k > length;
  run.pool().parallel_for(length, chunk_rows(run.pool(), length, costly_packing ? 1 : 2, 64),
                          [&](int64_t begin, int64_t end) {
                            GemmArgs part = g;
                            if (by_rows) {
                              part.m = static_cast<int>(end - begin);
                              part.a += begin * (g.transpose_a ? 1 : g.lda);
                              part.c += begin * g.ldc;
                            } else {
                              part.n = static_cast<int>(end - begin);
                              part.b += begin * (g.transpose_b ? g.ldb : 1);
                              part.c += begin;
                            }
                            gemm(run.compute().precision, part);
                          });
}

}  // namespace

Tensor embed(Run& run, std::span<const int32_t> tokens, const Matrix& table, real scale) {
  const Tensor y = run.make(static_cast<int>(tokens.size()), table.cols);
  run.pool().parallel_for(y.rows, rows_per_chunk(y.cols), [&](int64_t begin, int64_t end) {
    for (auto t = static_cast<int>(begin); t < end; ++t) {
      decode_row(table, tokens[static_cast<size_t>(t)], y.row(t));
      if (scale != 1) {
        for (int i = 0; i < y.cols; ++i) y.row(t)[i] *= scale;
      }
    }
  });
  run.on_backward([=, &run] {
    if (!table.grad) return;
    // Columns are split, not rows: a token may occur in many rows.
    run.pool().parallel_for(y.cols, 64, [&](int64_t begin, int64_t end) {
      for (int t = 0; t < y.rows; ++t) {
        real* dw = table.grad_row(tokens[static_cast<size_t>(t)]);
        const real* dy = y.grad_row(t);
        for (int64_t i = begin; i < end; ++i) dw[i] += scale * dy[i];
      }
    });
  });
  return y;
}

Tensor linear(Run& run, const Tensor& x, const Matrix& w, const Matrix& b, Gradient gradient) {
  assert(x.cols == w.cols);
  const Tensor y = run.make(x.rows, w.rows, gradient);
  if (!run.recording()) {
    multiply(run, x, w, b, y);
    return y;
  }

  const real* dense = reinterpret_cast<const real*>(w.data);
  if (w.dtype != kRealType) {
    real* decoded = run.scratch<real>(w.size());
    run.pool().parallel_for(w.rows, rows_per_chunk(w.cols), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) decode_row(w, static_cast<int>(r), decoded + r * w.cols);
    });
    dense = decoded;
  }
  const int T = x.rows, in = w.cols, out = w.rows;
  if (b) {
    for (int t = 0; t < T; ++t) std::copy_n(b.values(), out, y.row(t));
  }
  parallel_gemm(run, {.transpose_b = true,
                      .m = T,
                      .n = out,
                      .k = in,
                      .a = x.data,
                      .lda = in,
                      .b = dense,
                      .ldb = in,
                      .beta = b ? real{1} : real{0},
                      .c = y.data,
                      .ldc = out});
  run.on_backward([=, &run] {
    parallel_gemm(
        run,
        {.m = T, .n = in, .k = out, .a = y.grad, .lda = out, .b = dense, .ldb = in, .beta = 1, .c = x.grad, .ldc = in});
    if (w.grad) {
      parallel_gemm(run, {.transpose_a = true,
                          .m = out,
                          .n = in,
                          .k = T,
                          .a = y.grad,
                          .lda = out,
                          .b = x.data,
                          .ldb = in,
                          .beta = 1,
                          .c = w.grad,
                          .ldc = in});
    }
    if (b && b.grad) {
      for (int t = 0; t < T; ++t) run.kernels().axpy(1, y.grad_row(t), b.grad, static_cast<size_t>(out));
    }
  });
  return y;
}

Tensor add(Run& run, const Tensor& a, const Tensor& b) {
  Tensor y = a;
  if (run.recording()) y.data = run.scratch<real>(a.size());
  const auto n = static_cast<int64_t>(y.size());
  run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
    run.kernels().add(a.data + begin, b.data + begin, y.data + begin, static_cast<size_t>(end - begin));
  });
  run.on_backward([=, &run] {
    run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
      run.kernels().axpy(1, y.grad + begin, b.grad + begin, static_cast<size_t>(end - begin));
    });
  });
  return y;
}

Tensor rmsnorm(Run& run, const Tensor& x, const Matrix& w, real eps, real plus) {
  const Tensor y = run.make(x.rows, x.cols);
  const int n = w.cols, per_row = x.cols / n, groups = x.rows * per_row;
  assert(per_row * n == x.cols);
  real* inv_rms = run.recording() ? run.scratch<real>(static_cast<size_t>(groups)) : nullptr;
  run.pool().parallel_for(groups, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      const real r = run.kernels().rmsnorm(x.data + g * n, w.values(), y.data + g * n, n, eps, plus);
      if (inv_rms) inv_rms[g] = r;
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
  });
  return y;
}

RopeTable make_rope_table(Run& run, const ModelConfig& config, float theta, std::span<const int32_t> positions) {
  const auto half = static_cast<size_t>(config.rope_dim / 2);
  real* cosines = run.scratch<real>(positions.size() * half);
  real* sines = run.scratch<real>(positions.size() * half);
  real* frequency = run.scratch<real>(half);
  for (size_t i = 0; i < half; ++i) {
    frequency[i] =
        static_cast<real>(std::pow(static_cast<double>(theta), -static_cast<double>(i) / static_cast<double>(half)));
  }
  run.pool().parallel_for(static_cast<int64_t>(positions.size()), 64, [&](int64_t begin, int64_t end) {
    for (auto t = static_cast<size_t>(begin); t < static_cast<size_t>(end); ++t) {
      for (size_t i = 0; i < half; ++i) {
        const real angle = static_cast<real>(positions[t]) * frequency[i];
        cosines[t * half + i] = std::cos(angle);
        sines[t * half + i] = std::sin(angle);
      }
    }
  });
  return {theta, cosines, sines};
}

Tensor rope(Run& run, const ModelConfig& config, const RopeTable& table, const Tensor& x) {
  const int head_dim = config.head_dim, half = config.rope_dim / 2;
  const bool neighbours = config.rope_pairs == RopePairs::neighbours;
  // A rotation's backward is its inverse: sign -1.
  const auto rotate_all = [=, &run](real* values, real sign) {
    run.pool().parallel_for(x.rows, rows_per_chunk(x.cols), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const real* c = table.cos + t * half;
        const real* s = table.sin + t * half;
        for (real* v = values + t * x.cols; v < values + (t + 1) * x.cols; v += head_dim) {
          for (int i = 0; i < half; ++i) {
            real& first = v[neighbours ? 2 * i : i];
            real& second = v[neighbours ? 2 * i + 1 : i + half];
            const real a = first, b = second;
            first = a * c[i] - sign * b * s[i];
            second = sign * a * s[i] + b * c[i];
          }
        }
      }
    });
  };
  rotate_all(x.data, 1);
  run.on_backward([=] { rotate_all(x.grad, -1); });
  return x;
}

Tensor gated(Run& run, Activation act, const Tensor& gate, const Tensor& up) {
  const Tensor y = run.make(gate.rows, gate.cols);
  const auto n = static_cast<int64_t>(y.size());
  run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
    run.kernels().gated(act, gate.data + begin, up.data + begin, y.data + begin, static_cast<size_t>(end - begin));
  });
  run.on_backward([=, &run] {
    run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
      run.kernels().gated_backward(act, gate.data + begin, up.data + begin, y.grad + begin, gate.grad + begin,
                                   up.grad + begin, static_cast<size_t>(end - begin));
    });
  });
  return y;
}

Tensor soft_cap(Run& run, const Tensor& x, real cap, Gradient gradient) {
  const Tensor y = run.make(x.rows, x.cols, gradient);
  const auto n = static_cast<int64_t>(y.size());
  run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
    run.kernels().soft_cap(x.data + begin, cap, y.data + begin, static_cast<size_t>(end - begin));
  });
  run.on_backward([=, &run] {
    // y may have been overwritten by its gradient, so tanh is taken from x again.
    run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const real t = std::tanh(x.data[i] / cap);
        x.grad[i] += y.grad[i] * (1 - t * t);
      }
    });
  });
  return y;
}

Tensor select_rows(Run& run, const Tensor& x, std::span<const int32_t> rows) {
  if (static_cast<int>(rows.size()) == x.rows) return x;
  const Tensor y = run.make(static_cast<int>(rows.size()), x.cols);
  for (int r = 0; r < y.rows; ++r) std::copy_n(x.row(rows[static_cast<size_t>(r)]), x.cols, y.row(r));
  run.on_backward([=, &run] {
    for (int r = 0; r < y.rows; ++r) {
      run.kernels().axpy(1, y.grad_row(r), x.grad_row(rows[static_cast<size_t>(r)]), static_cast<size_t>(x.cols));
    }
  });
  return y;
}

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
