#include "model/ops.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "model/grain.h"

namespace bantam {
namespace {

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

int panels_of(const Matrix& w) { return (w.rows + kPanelRows - 1) / kPanelRows; }

// x's rows as whole numbers; the number of bytes of a row is an odd number of cache lines, so that rows do not compete
// for the same places of a cache.
struct QuantizedRows {
  const std::byte* data = nullptr;
  size_t row_bytes = 0;
};
template <class Block>
QuantizedRows quantize_rows(Run& run, const Tensor& x, void (*quantize)(const real*, Block*, int)) {
  const size_t bytes = static_cast<size_t>(x.cols / kPackedValues) * sizeof(Block);
  const size_t row_bytes = ((bytes + 63) / 64 | 1) * 64;
  auto* data = run.scratch<std::byte>(row_bytes * static_cast<size_t>(x.rows));
  run.pool().parallel_for(x.rows, rows_per_chunk(x.cols), [&](int64_t begin, int64_t end) {
    for (auto r = static_cast<int>(begin); r < end; ++r) {
      quantize(x.row(r), reinterpret_cast<Block*>(data + static_cast<size_t>(r) * row_bytes), x.cols);
    }
  });
  return {data, row_bytes};
}

// y = x * w^T + b for each of `parts`, by the table's kernels for their formats: a row's bits are the same in any
// batch. Their rows are split over the threads together, so that these meet once.
void multiply(Run& run, const Tensor& x, std::span<const Linear> parts, const Tensor* y) {
  assert(parts.size() <= kMostLinears);
  const Run::Temporary temporary(run);
  QuantizedRows bytes, words;  // made for the first of the parts that needs them
  std::array<MatmulArgs, kMostLinears> args;
  std::array<MatmulKernel, kMostLinears> kernels{};
  int panels = 0;  // kPanelRows rows of any part
  for (size_t i = 0; i < parts.size(); ++i) {
    const Matrix& w = parts[i].w;
    const auto format = static_cast<size_t>(w.dtype);
    args[i] = {w.data, w.row_bytes(), w.cols,    reinterpret_cast<const std::byte*>(x.data),
               0,      x.rows,        y[i].data, y[i].cols};
    args[i].x_row_bytes = static_cast<size_t>(x.cols) * sizeof(real);
    kernels[i] = run.kernels().matmul[format];
    if (w.packed) {
      args[i].w = w.packed;
      args[i].w_row_bytes = panel_bytes(w.dtype, w.cols);
      const bool is_words = packed_format(w.dtype).bits == 16;
      QuantizedRows& quantized = is_words ? words : bytes;
      if (!quantized.data) {
        quantized = is_words ? quantize_rows(run, x, run.kernels().quantize_words)
                             : quantize_rows(run, x, run.kernels().quantize_activations);
      }
      args[i].x = quantized.data;
      args[i].x_row_bytes = quantized.row_bytes;
      kernels[i] = run.kernels().matmul_packed[format];
    }
    panels += panels_of(w);
  }
  // Chunks of at least ~32k multiply-adds: below that, waking a thread costs more.
  const int64_t work_per_panel = static_cast<int64_t>(x.cols) * x.rows * kPanelRows;
  const int64_t least = (1 << 15) / work_per_panel + 1;
  const int64_t wanted = std::max(chunk_rows(run.pool(), panels, 4, 1), least);
  const int64_t grain = wanted + wanted % 2;  // kernels take panels in pairs where there are many rows
  run.pool().parallel_for(panels, grain, [&](int64_t begin, int64_t end) {
    int64_t first = 0;  // panel of the part
    for (size_t i = 0; i < parts.size() && first < end; first += panels_of(parts[i++].w)) {
      const int64_t from = std::max(begin - first, int64_t{0}) * kPanelRows;
      const int64_t to = std::min((end - first) * kPanelRows, int64_t{parts[i].w.rows});
      if (from >= to) continue;
      kernels[i](args[i], static_cast<int>(from), static_cast<int>(to));
      if (!parts[i].b) continue;
      for (int r = 0; r < y[i].rows; ++r) {
        for (int64_t o = from; o < to; ++o) y[i].row(r)[o] += parts[i].b.values()[o];
      }
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
  if (run.compute().on_linear) (*run.compute().on_linear)(w, x);
  const Tensor y = run.make(x.rows, w.rows, gradient);
  if (!run.recording()) {
    const Linear part{w, b};
    multiply(run, x, {&part, 1}, &y);
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

void linear_each(Run& run, const Tensor& x, std::span<const Linear> parts, Tensor* y) {
  if (run.recording()) {
    for (const Linear& part : parts) *y++ = linear(run, x, part.w, part.b);
    return;
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    if (run.compute().on_linear) (*run.compute().on_linear)(parts[i].w, x);
    y[i] = run.make(x.rows, parts[i].w.rows);
  }
  multiply(run, x, parts, y);
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

Tensor gated(Run& run, Activation act, const Tensor& gate, const Tensor& up) {
  const Tensor y = run.make(gate.rows, gate.cols);
  const auto n = static_cast<int64_t>(y.size());
  const auto from = [](real* values, int64_t begin) { return values ? values + begin : nullptr; };
  run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
    run.kernels().gated(act, gate.data + begin, from(up.data, begin), y.data + begin, static_cast<size_t>(end - begin));
  });
  run.on_backward([=, &run] {
    run.pool().parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
      run.kernels().gated_backward(act, gate.data + begin, from(up.data, begin), y.grad + begin, gate.grad + begin,
                                   from(up.grad, begin), static_cast<size_t>(end - begin));
    });
  });
  return y;
}

Tensor activate(Run& run, Activation act, const Tensor& x) { return gated(run, act, x, {}); }

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

}  // namespace bantam
