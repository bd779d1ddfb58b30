// The definition of every kernel, in `real`: obvious before fast. Sums run in index order.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/tables.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q8_0.h"

namespace bantam {
namespace {

real dot(const real* a, const real* b, int n) {
  real sum = 0;
  for (int i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void matmul_real(const MatmulArgs& args, int out_begin, int out_end) {
  for (int r = 0; r < args.rows; ++r) {
    const auto* x = reinterpret_cast<const real*>(args.x + static_cast<size_t>(r) * args.x_row_bytes);
    real* y = args.y + static_cast<ptrdiff_t>(r) * args.y_stride;
    for (int o = out_begin; o < out_end; ++o) {
      y[o] = dot(x, reinterpret_cast<const real*>(args.w + static_cast<size_t>(o) * args.w_row_bytes), args.in);
    }
  }
}

int integer_dot(const BlockQ8_0& w, const BlockQ8_0& x) {
  int sum = 0;
  for (int j = 0; j < BlockQ8_0::kValues; ++j) sum += w.q[j] * x.q[j];
  return sum;
}

int integer_dot(const BlockQ4_0& w, const BlockQ8_0& x) {
  constexpr int half = BlockQ4_0::kValues / 2;
  int sum = 0;
  for (int j = 0; j < half; ++j) sum += ((w.q[j] & 15) - 8) * x.q[j] + ((w.q[j] >> 4) - 8) * x.q[j + half];
  return sum;
}

// The integer sums of a block are exact; blocks are added in order: y = fma(sum * x.scale, w.scale, y). Every table
// does just this, so quantised products have the same bits on all CPUs.
template <class Block>
void matmul_quantized(const MatmulArgs& args, int out_begin, int out_end) {
  const int blocks = args.in / Block::kValues;
  for (int r = 0; r < args.rows; ++r) {
    const auto* x = reinterpret_cast<const BlockQ8_0*>(args.x + static_cast<size_t>(r) * args.x_row_bytes);
    for (int o = out_begin; o < out_end; ++o) {
      const auto* w = reinterpret_cast<const Block*>(args.w + static_cast<size_t>(o) * args.w_row_bytes);
      real sum = 0;
      for (int b = 0; b < blocks; ++b) {
        const real scaled = static_cast<real>(integer_dot(w[b], x[b])) * f16_to_f32(x[b].scale);
        sum = std::fma(scaled, static_cast<real>(f16_to_f32(w[b].scale)), sum);
      }
      args.y[static_cast<ptrdiff_t>(r) * args.y_stride + o] = sum;
    }
  }
}

void quantize_q8_0(const real* x, std::byte* blocks, int n) {
  float values[BlockQ8_0::kValues];
  for (int i = 0; i < n; i += BlockQ8_0::kValues, blocks += sizeof(BlockQ8_0)) {
    for (int j = 0; j < BlockQ8_0::kValues; ++j) values[j] = static_cast<float>(x[i + j]);
    encode_q8_0(values, blocks, BlockQ8_0::kValues);
  }
}

void axpy(real a, const real* x, real* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void add(const real* a, const real* b, real* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

real rmsnorm(const real* x, const real* w, real* y, int n, real eps, real plus) {
  const real inv_rms = 1 / std::sqrt(dot(x, x, n) / static_cast<real>(n) + eps);
  for (int i = 0; i < n; ++i) y[i] = x[i] * inv_rms * (w[i] + plus);
  return inv_rms;
}

// With s = inv_rms and h = dy * (w + plus): dx = s * h - x * s^3 * sum(h * x) / n, dw = dy * x * s.
void rmsnorm_backward(const real* x, const real* w, real inv_rms, const real* dy, real* dx, real* dw, int n,
                      real plus) {
  real hx = 0;
  for (int i = 0; i < n; ++i) hx += dy[i] * (w[i] + plus) * x[i];
  const real pull = inv_rms * inv_rms * inv_rms * hx / static_cast<real>(n);
  for (int i = 0; i < n; ++i) {
    dx[i] += inv_rms * dy[i] * (w[i] + plus) - pull * x[i];
    dw[i] += dy[i] * x[i] * inv_rms;
  }
}

void exp_shifted(real* x, real shift, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] = std::exp(x[i] - shift);
}

real softmax(real* x, int n) {
  const real peak = *std::max_element(x, x + n);
  exp_shifted(x, peak, static_cast<size_t>(n));
  real sum = 0;
  for (int i = 0; i < n; ++i) sum += x[i];
  for (int i = 0; i < n; ++i) x[i] *= 1 / sum;
  return peak + std::log(sum);
}

// Two activations are x * sigmoid(z(x)): silu with z = x, and gelu_tanh with z = 2 sqrt(2/pi) (x + 0.044715 x^3),
// because (1 + tanh(u)) / 2 = sigmoid(2u). relu_squared is max(x, 0)^2 (arXiv 2109.08668).
constexpr real kGelu1 = static_cast<real>(1.5957691216057308), kGelu3 = kGelu1 * static_cast<real>(0.044715);

struct Gate {
  real value, slope;
};

Gate gate_at(Activation act, real x) {
  if (act == Activation::relu_squared) return {x > 0 ? x * x : 0, x > 0 ? 2 * x : 0};
  const bool silu = act == Activation::silu;
  const real z = silu ? x : x * (kGelu1 + kGelu3 * x * x);
  const real z_slope = silu ? 1 : kGelu1 + 3 * kGelu3 * x * x;
  const real sigmoid = 1 / (1 + std::exp(-z));
  return {x * sigmoid, sigmoid + x * sigmoid * (1 - sigmoid) * z_slope};
}

void gated(Activation act, const real* gate, const real* up, real* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = gate_at(act, gate[i]).value * (up ? up[i] : 1);
}

void gated_backward(Activation act, const real* gate, const real* up, const real* dy, real* dgate, real* dup,
                    size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const Gate at = gate_at(act, gate[i]);
    dgate[i] += dy[i] * (up ? up[i] : 1) * at.slope;
    if (dup) dup[i] += dy[i] * at.value;
  }
}

void soft_cap(const real* x, real cap, real* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = cap * std::tanh(x[i] / cap);
}

// Element d of row r of a tile of keys.
real key_at(const AttendArgs& a, const std::byte* tile, int r, int d) {
  const ptrdiff_t at = ptrdiff_t{d} * kPageTokens + r;
  if (a.format == kRealType) return reinterpret_cast<const real*>(tile)[at];
  if (a.format == DType::f16) return f16_to_f32(reinterpret_cast<const uint16_t*>(tile)[at]);
  const auto* scales = reinterpret_cast<const uint16_t*>(tile + ptrdiff_t{a.head_dim} * kPageTokens);
  const float scale = f16_to_f32(scales[d / BlockQ8_0::kValues * kPageTokens + r]);
  return scale * static_cast<float>(reinterpret_cast<const int8_t*>(tile)[at]);
}

// Element d of a row of values.
real value_at(const AttendArgs& a, const std::byte* row, int d) {
  if (a.format == kRealType) return reinterpret_cast<const real*>(row)[d];
  if (a.format == DType::f16) return f16_to_f32(reinterpret_cast<const uint16_t*>(row)[d]);
  const BlockQ8_0& block = reinterpret_cast<const BlockQ8_0*>(row)[d / BlockQ8_0::kValues];
  return f16_to_f32(block.scale) * static_cast<float>(block.q[d % BlockQ8_0::kValues]);
}

void attend_one(const AttendArgs& a, const AttendQuery& query) {
  real weights[kSpanTokens], peak = -std::numeric_limits<real>::infinity();
  for (int r = query.begin; r < query.end; ++r) {
    real sum = 0;
    for (int d = 0; d < a.head_dim; ++d) sum += query.q[d] * key_at(a, a.keys[r / kPageTokens], r % kPageTokens, d);
    weights[r] = a.scale * sum;
    if (a.cap != 0) weights[r] = a.cap * std::tanh(weights[r] / a.cap);
    peak = std::max(peak, weights[r]);
  }
  exp_shifted(weights + query.begin, peak, static_cast<size_t>(query.end - query.begin));

  real sum = 0, *y = query.partial + 2;
  std::fill_n(y, a.head_dim, real{0});
  const size_t bytes = row_bytes(a.format, a.head_dim);
  for (int r = query.begin; r < query.end; ++r) {
    const std::byte* row = a.values[r / kPageTokens] + static_cast<size_t>(r % kPageTokens) * bytes;
    for (int d = 0; d < a.head_dim; ++d) y[d] += weights[r] * value_at(a, row, d);
    sum += weights[r];
  }
  query.partial[0] = peak;
  query.partial[1] = sum;
}

void attend(const AttendArgs& a) {
  for (int i = 0; i < a.count; ++i) attend_one(a, a.queries[i]);
}

void attend_join(real* state, const real* partial, int head_dim) {
  const real peak = std::max(state[0], partial[0]);
  const real old = std::exp(state[0] - peak), added = std::exp(partial[0] - peak);
  state[0] = peak;
  for (int i = 1; i < 2 + head_dim; ++i) state[i] = state[i] * old + partial[i] * added;
}

void adamw(const AdamwArgs& a) {
  const float step = a.lr / a.bias1, inv_root_bias2 = 1 / std::sqrt(a.bias2);
  for (size_t i = 0; i < a.n; ++i) {
    const auto g = static_cast<float>(a.g[i]) * a.grad_scale;
    a.m[i] = a.beta1 * a.m[i] + (1 - a.beta1) * g;
    a.v[i] = a.beta2 * a.v[i] + (1 - a.beta2) * g * g;
    const float decay = a.lr * a.weight_decay;
    a.w[i] -= decay * a.w[i] + step * a.m[i] / (std::sqrt(a.v[i]) * inv_root_bias2 + a.eps);
  }
}

constexpr Kernels make_table() {
  Kernels table{};
  table.name = "scalar";
  table.quantize_q8_0 = quantize_q8_0;
  table.dot = dot;
  table.axpy = axpy;
  table.add = add;
  table.rmsnorm = rmsnorm;
  table.rmsnorm_backward = rmsnorm_backward;
  table.softmax = softmax;
  table.gated = gated;
  table.gated_backward = gated_backward;
  table.soft_cap = soft_cap;
  table.exp_shifted = exp_shifted;
  table.attend = attend;
  table.attend_join = attend_join;
  table.adamw = adamw;
  table.matmul[static_cast<size_t>(kRealType)] = matmul_real;
  table.matmul[static_cast<size_t>(DType::q8_0)] = matmul_quantized<BlockQ8_0>;
  table.matmul[static_cast<size_t>(DType::q4_0)] = matmul_quantized<BlockQ4_0>;
  return table;
}

constexpr int kPiece = 1024;

void decode_piece(const DTypeTraits& format, const std::byte* row, int begin, int count, real* values) {
  float decoded[kPiece];
  format.decode(row + row_bytes(format.dtype, begin), decoded, count);
  std::copy_n(decoded, count, values);
}

}  // namespace

constinit const Kernels scalar_table = make_table();

void matmul_decoded(DType format, decltype(Kernels::dot) dot, const MatmulArgs& args, int out_begin, int out_end) {
  const DTypeTraits &weights = traits(format), &activations = traits(weights.activation);
  assert(kPiece % weights.block == 0);
  real w[kPiece], decoded_x[kPiece];
  for (int o = out_begin; o < out_end; ++o) {
    for (int begin = 0; begin < args.in; begin += kPiece) {
      const int count = std::min(kPiece, args.in - begin);
      decode_piece(weights, args.w + static_cast<size_t>(o) * args.w_row_bytes, begin, count, w);
      for (int r = 0; r < args.rows; ++r) {
        const std::byte* row = args.x + static_cast<size_t>(r) * args.x_row_bytes;
        const real* x = reinterpret_cast<const real*>(row) + begin;
        if (activations.dtype != DType::f32) {
          decode_piece(activations, row, begin, count, decoded_x);
          x = decoded_x;
        }
        real& y = args.y[static_cast<ptrdiff_t>(r) * args.y_stride + o];
        y = (begin == 0 ? 0 : y) + dot(x, w, count);
      }
    }
  }
}

}  // namespace bantam
