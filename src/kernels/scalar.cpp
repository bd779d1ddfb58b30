// The definition of every kernel, in `real`: obvious before fast. Sums run in index order.
#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "kernels/tables.h"
#include "tensor/quant/iq4.h"
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

// Code i of row r of a packed block.
int packed_code(const PackedFormat& f, const std::byte* codes, int r, int i) {
  const int unit = i / 4, at = 4 * r + i % 4;
  const auto byte = [&](int vector) { return static_cast<int>(codes[64 * vector + at]); };
  if (f.bits == 8) return byte(unit);
  const int four = byte(unit % 4) >> (unit < 4 ? 0 : 4) & 15;
  if (f.table) return kIq4Numbers[static_cast<size_t>(four)] + 128;
  if (f.bits == 5) return four | (byte(4) >> unit & 1) << 4;
  if (f.bits == 6) return four | (byte(4 + unit / 4) >> (2 * (unit % 4)) & 3) << 4;
  return four;
}

// sum (code - offset) * q over values [begin, end) of a block
int packed_dot(const PackedFormat& f, const std::byte* codes, int r, const ActivationBlock& x, int begin, int end) {
  int sum = 0;
  for (int i = begin; i < end; ++i) sum += (packed_code(f, codes, r, i) - f.offset) * x.q[i];
  return sum;
}

// sum word * q over a block
int64_t packed_dot(const std::byte* words, int r, const ActivationWords& x) {
  int64_t sum = 0;
  for (int i = 0; i < kPackedValues; ++i) {
    int16_t w;
    std::memcpy(&w, words + 64 * (i / 2) + 4 * r + 2 * (i % 2), sizeof w);
    sum += w * x.q[i];
  }
  return sum;
}

float half_at(const std::byte* lanes, int r) {
  uint16_t half;
  std::memcpy(&half, lanes + 2 * r, sizeof half);
  return f16_to_f32(half);
}

// The integer sums of a block are exact; blocks are added in order, y = fma(sum * x.scale, scale, y), then the minimum.
// Every table does just this, so products of packed weights have the same bits on all CPUs.
template <DType dtype>
void matmul_packed(const MatmulArgs& args, int out_begin, int out_end) {
  constexpr PackedFormat f = packed_format(dtype);
  for (int r = 0; r < args.rows; ++r) {
    const auto* x = reinterpret_cast<const ActivationBlock*>(args.x + static_cast<size_t>(r) * args.x_row_bytes);
    for (int o = out_begin; o < out_end; ++o) {
      const std::byte* at = args.w + static_cast<size_t>(o / kPanelRows) * args.w_row_bytes;
      const int row = o % kPanelRows;
      float scale = 1, min = 1;
      real y = 0;
      for (int b = 0; b < args.in / kPackedValues; ++b, at += f.block_bytes()) {
        if (f.header_bytes() > 0 && b % f.blocks() == 0) {
          scale = half_at(at, row);
          if (f.scales == PackedScales::six_with_min) min = half_at(at + 2 * kPanelRows, row);
          at += f.header_bytes();
        }
        const std::byte* scales = at + f.code_bytes();
        const auto byte = [&](int entry) { return static_cast<uint8_t>(scales[entry * kPanelRows + row]); };
        const auto add = [&](int begin, int end, float by) {
          y = std::fma(static_cast<real>(packed_dot(f, at, row, x[b], begin, end)) * x[b].scale, real{by}, y);
        };
        switch (f.scales) {
          case PackedScales::half:
            add(0, 32, half_at(scales, row));
            break;
          case PackedScales::half_with_min:
            add(0, 32, half_at(scales, row));
            y = std::fma(real{x[b].scaled_sum}, real{half_at(scales + 2 * kPanelRows, row)}, y);
            break;
          case PackedScales::six_with_min:
            add(0, 32, scale * byte(0));
            y = std::fma(real{-x[b].scaled_sum}, real{min * byte(1)}, y);
            break;
          case PackedScales::two_signed:
            add(0, 16, scale * static_cast<int8_t>(byte(0)));
            add(16, 32, scale * static_cast<int8_t>(byte(1)));
            break;
          case PackedScales::signed_byte:
            add(0, 32, scale * static_cast<int8_t>(byte(0)));
            break;
          case PackedScales::power_of_2:
            break;  // matmul_words()
        }
      }
      args.y[static_cast<ptrdiff_t>(r) * args.y_stride + o] = y;
    }
  }
}

void matmul_words(const MatmulArgs& args, int out_begin, int out_end) {
  constexpr PackedFormat f = packed_format(DType::f16);
  for (int r = 0; r < args.rows; ++r) {
    const auto* x = reinterpret_cast<const ActivationWords*>(args.x + static_cast<size_t>(r) * args.x_row_bytes);
    for (int o = out_begin; o < out_end; ++o) {
      const std::byte* at = args.w + static_cast<size_t>(o / kPanelRows) * args.w_row_bytes;
      real y = 0;
      for (int b = 0; b < args.in / kPackedValues; ++b, at += f.block_bytes()) {
        const auto scale = std::bit_cast<float>(static_cast<uint32_t>(at[f.code_bytes() + o % kPanelRows]) << 23);
        const auto sum = static_cast<float>(packed_dot(at, o % kPanelRows, x[b]));
        y = std::fma(real{sum} * x[b].scale, real{scale}, y);
      }
      args.y[static_cast<ptrdiff_t>(r) * args.y_stride + o] = y;
    }
  }
}

void quantize_words(const real* x, ActivationWords* block, int n) {
  for (int i = 0; i < n; i += kPackedValues, ++block) {
    float peak = 0;
    bool finite = true;
    for (int j = 0; j < kPackedValues; ++j) {
      peak = std::max(peak, std::fabs(static_cast<float>(x[i + j])));
      finite = finite && std::isfinite(static_cast<float>(x[i + j]));
    }
    const float scale = peak / ActivationWords::kTop;
    const float inverse = scale >= std::numeric_limits<float>::min() ? 1 / scale : 0;
    for (int j = 0; j < kPackedValues; ++j) {
      block->q[j] = finite ? static_cast<int16_t>(std::round(static_cast<float>(x[i + j]) * inverse)) : int16_t{0};
    }
    block->scale = finite ? scale : std::numeric_limits<float>::quiet_NaN();
  }
}

void quantize_activations(const real* x, ActivationBlock* block, int n) {
  float values[kPackedValues];
  for (int i = 0; i < n; i += kPackedValues, ++block) {
    for (int j = 0; j < kPackedValues; ++j) values[j] = static_cast<float>(x[i + j]);
    BlockQ8_0 rounded;
    encode_q8_0(values, reinterpret_cast<std::byte*>(&rounded), kPackedValues);
    std::copy_n(rounded.q, kPackedValues, block->q);
    for (int h = 0; h < 2; ++h) block->half_sums[h] = std::accumulate(rounded.q + 16 * h, rounded.q + 16 * h + 16, 0);
    block->scale = f16_to_f32(rounded.scale);
    block->scaled_sum = static_cast<float>(block->half_sums[0] + block->half_sums[1]) * block->scale;
  }
}

int64_t byte_products(int64_t rounds) {
  int sum = 0;
  const volatile int8_t code = 0;
  for (int64_t i = 0; i < rounds; ++i) sum += code * static_cast<int8_t>(i);
  return sum == 0 ? rounds : 0;
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
  table.quantize_activations = quantize_activations;
  table.quantize_words = quantize_words;
  table.byte_products = byte_products;
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
  [&]<DType... d>(std::integer_sequence<DType, d...>) {
    ((table.matmul_packed[static_cast<size_t>(d)] = packed_format(d).bits == 16 ? matmul_words : matmul_packed<d>),
     ...);
  }
  (PackedDTypes{});
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
  const DTypeTraits& weights = traits(format);
  assert(kPiece % weights.block == 0);
  real w[kPiece];
  for (int o = out_begin; o < out_end; ++o) {
    for (int begin = 0; begin < args.in; begin += kPiece) {
      const int count = std::min(kPiece, args.in - begin);
      decode_piece(weights, args.w + static_cast<size_t>(o) * args.w_row_bytes, begin, count, w);
      for (int r = 0; r < args.rows; ++r) {
        const auto* x = reinterpret_cast<const real*>(args.x + static_cast<size_t>(r) * args.x_row_bytes) + begin;
        real& y = args.y[static_cast<ptrdiff_t>(r) * args.y_stride + o];
        y = (begin == 0 ? 0 : y) + dot(x, w, count);
      }
    }
  }
}

}  // namespace bantam
