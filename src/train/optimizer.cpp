#include "train/optimizer.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

namespace bantam {
namespace {

constexpr int kNewtonSchulzSteps = 5;
constexpr int64_t kElementGrain = 1 << 15;

// splitmix64's finaliser: 64 well mixed bits of a counter.
uint64_t mix(uint64_t z) {
  z += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// Adds 16 random bits below the part that bf16 keeps, then cuts: right on average. Infinities and NaN pass through.
uint16_t round_stochastically(float value, uint64_t random) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7F800000u) != 0x7F800000u) bits += static_cast<uint32_t>(random & 0xFFFFu);
  return static_cast<uint16_t>(bits >> 16);
}

// values[n] to p's bf16 storage from element `begin` on. One hash serves four elements.
void store_bf16(const Parameter& p, size_t begin, const float* values, size_t n, uint64_t key) {
  auto* out = reinterpret_cast<uint16_t*>(p.data) + begin;
  for (size_t i = 0; i < n; ++i) {
    const size_t at = begin + i;
    out[i] = round_stochastically(values[i], mix(key + at / 4) >> (16 * (at % 4)));
  }
}

void load_bf16(const Parameter& p, size_t begin, float* values, size_t n) {
  traits(DType::bf16).decode(p.data + begin * 2, values, static_cast<int64_t>(n));
}

// A product whose result is known to be symmetric: panels of rows up to the diagonal, then mirrored.
void symmetric_gemm(GemmPrecision precision, const GemmArgs& g) {
  constexpr int kPanel = 128;
  for (int row = 0; row < g.m; row += kPanel) {
    GemmArgs panel = g;
    panel.m = std::min(kPanel, g.m - row);
    panel.n = row + panel.m;
    panel.a += static_cast<ptrdiff_t>(row) * (g.transpose_a ? 1 : g.lda);
    panel.c += static_cast<ptrdiff_t>(row) * g.ldc;
    gemm(precision, panel);
  }
  for (int row = 0; row < g.m; ++row) {
    for (int col = 0; col < row; ++col) {
      g.c[static_cast<ptrdiff_t>(col) * g.ldc + row] = g.c[static_cast<ptrdiff_t>(row) * g.ldc + col];
    }
  }
}

bool decays(ParameterKind kind) { return kind != ParameterKind::vector; }

}  // namespace

void orthogonalise(GemmPrecision precision, real* x, int rows, int cols, std::vector<real>& scratch) {
  // Coefficients of Jordan's quintic: steep at zero, so that small singular values grow fast.
  constexpr real a = real(3.4445), b = real(-4.7750), c = real(2.0315);
  const bool wide = rows <= cols;
  const int n = wide ? rows : cols;  // the Gram matrix is n x n, on the shorter side
  const size_t size = static_cast<size_t>(rows) * static_cast<size_t>(cols);
  const size_t square = static_cast<size_t>(n) * static_cast<size_t>(n);
  if (scratch.size() < size + 2 * square) scratch.resize(size + 2 * square);
  real* next = scratch.data();
  real* gram = next + size;
  real* poly = gram + square;

  double sum = 0;
  for (size_t i = 0; i < size; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const real inverse = static_cast<real>(1 / (std::sqrt(sum) + 1e-7));
  for (size_t i = 0; i < size; ++i) x[i] *= inverse;

  real* from = x;
  real* to = next;
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    // gram = x x^T (wide) or x^T x; poly = b gram + c gram^2; x = a x + poly x or a x + x poly
    symmetric_gemm(precision, {!wide, wide, n, n, wide ? cols : rows, 1, from, cols, from, cols, 0, gram, n});
    for (size_t i = 0; i < square; ++i) poly[i] = b * gram[i];
    symmetric_gemm(precision, {false, false, n, n, n, c, gram, n, gram, n, 1, poly, n});
    for (size_t i = 0; i < size; ++i) to[i] = a * from[i];
    if (wide) {
      gemm(precision, {false, false, rows, cols, n, 1, poly, n, from, cols, 1, to, cols});
    } else {
      gemm(precision, {false, false, rows, cols, n, 1, from, cols, poly, n, 1, to, cols});
    }
    std::swap(from, to);
  }
  if (from != x) std::memcpy(x, from, size * sizeof(real));
}

double gradient_norm(std::span<const real> gradients, ThreadPool& pool) {
  const auto n = static_cast<int64_t>(gradients.size());
  std::vector<double> partial(static_cast<size_t>((n + kElementGrain - 1) / kElementGrain));
  pool.parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
    double lane[4] = {};
    for (int64_t i = begin; i < end; ++i) {
      const auto g = static_cast<double>(gradients[static_cast<size_t>(i)]);
      lane[i % 4] += g * g;
    }
    partial[static_cast<size_t>(begin / kElementGrain)] = (lane[0] + lane[1]) + (lane[2] + lane[3]);
  });
  return std::sqrt(std::accumulate(partial.begin(), partial.end(), 0.0));
}

Optimizer::Optimizer(const Parameters& parameters, const OptimizerSettings& settings, uint64_t seed)
    : settings_(settings), seed_(seed) {
  const auto list = parameters.list();
  for (size_t i = 0; i < list.size(); ++i) {
    const bool muon = list[i].kind == ParameterKind::matrix;
    if (muon) matrices_.push_back(i);
    state_.emplace_back(list[i].size() * (muon ? 1 : 2), 0.f);
  }
  const auto cost = [&](size_t i) {
    return list[i].size() * static_cast<size_t>(std::min(list[i].rows, list[i].cols));
  };
  std::stable_sort(matrices_.begin(), matrices_.end(), [&](size_t x, size_t y) { return cost(x) > cost(y); });
}

void Optimizer::step(const Parameters& parameters, const Compute& compute, const StepRates& rates) {
  const auto list = parameters.list();
  scratch_.resize(static_cast<size_t>(compute.pool.threads()));
  std::atomic<size_t> next{0};
  compute.pool.parallel_for(compute.pool.threads(), 1, [&](int64_t worker, int64_t) {
    for (size_t at; (at = next.fetch_add(1)) < matrices_.size();) {
      const size_t i = matrices_[at];
      step_matrix(list[i], i, compute.precision, rates, scratch_[static_cast<size_t>(worker)]);
    }
  });
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].kind == ParameterKind::matrix) continue;
    const auto n = static_cast<int64_t>(list[i].size());
    compute.pool.parallel_for(n, kElementGrain, [&](int64_t begin, int64_t end) {
      step_adamw(list[i], i, compute.kernels, rates, static_cast<size_t>(begin), static_cast<size_t>(end));
    });
  }
}

void Optimizer::step_matrix(const Parameter& p, size_t i, GemmPrecision precision, const StepRates& rates,
                            std::vector<real>& scratch) {
  const size_t n = p.size();
  // The update lives in the gradient's memory: nobody reads the gradient again.
  real* update = p.grad;
  float* momentum = state_[i].data();
  const float mu = settings_.momentum;
  for (size_t j = 0; j < n; ++j) {
    const float g = p.grad[j] * rates.grad_scale;
    momentum[j] = mu * momentum[j] + (1 - mu) * g;
    update[j] = mu * momentum[j] + (1 - mu) * g;
  }
  orthogonalise(precision, update, p.rows, p.cols, scratch);

  const double lr = settings_.matrix_lr * rates.lr_factor;
  const auto keep = static_cast<float>(1 - lr * settings_.weight_decay * rates.decay_factor);
  const auto scale = static_cast<float>(lr * 0.2 * std::sqrt(static_cast<double>(std::max(p.rows, p.cols))));
  if (p.dtype == kRealType) {
    auto* w = reinterpret_cast<real*>(p.data);
    for (size_t j = 0; j < n; ++j) w[j] = keep * w[j] - scale * update[j];
  } else {
    float* w = scratch.data();  // at least n values, free again
    load_bf16(p, 0, w, n);
    for (size_t j = 0; j < n; ++j) w[j] = keep * w[j] - scale * update[j];
    store_bf16(p, 0, w, n, mix(seed_ ^ mix(static_cast<uint64_t>(rates.step) << 20 | i)));
  }
}

void Optimizer::step_adamw(const Parameter& p, size_t i, const Kernels& kernels, const StepRates& rates, size_t begin,
                           size_t end) {
  const size_t n = end - begin;
  const auto t = static_cast<double>(rates.step + 1);
  AdamwArgs args{};
  args.g = p.grad + begin;
  args.m = state_[i].data() + begin;
  args.v = state_[i].data() + p.size() + begin;
  args.n = n;
  args.lr = static_cast<float>(settings_.embed_lr * rates.lr_factor);
  args.beta1 = settings_.beta1;
  args.beta2 = settings_.beta2;
  args.eps = settings_.eps;
  args.weight_decay = decays(p.kind) ? static_cast<float>(settings_.weight_decay * rates.decay_factor) : 0.f;
  args.bias1 = static_cast<float>(1 - std::pow(static_cast<double>(settings_.beta1), t));
  args.bias2 = static_cast<float>(1 - std::pow(static_cast<double>(settings_.beta2), t));
  args.grad_scale = rates.grad_scale;
  if (p.dtype == kRealType) {
    args.w = reinterpret_cast<real*>(p.data) + begin;
    kernels.adamw(args);
  } else {
    std::vector<float> w(n);
    load_bf16(p, begin, w.data(), n);
    args.w = w.data();
    kernels.adamw(args);
    store_bf16(p, begin, w.data(), n, mix(seed_ ^ mix(static_cast<uint64_t>(rates.step) << 20 | i)));
  }
}

}  // namespace bantam
