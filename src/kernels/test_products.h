// What the tests of the kernel tables share: every table, products of random weights, comparisons.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/kernels.h"

namespace bantam {

inline constexpr float kEpsilon = std::numeric_limits<float>::epsilon();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

inline std::vector<float> random_values(Rng& rng, size_t n, double scale = 1) {
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(scale * rng.normal());
  return values;
}

inline float norm(const float* v, int n) {
  double squares = 0;
  for (int i = 0; i < n; ++i) squares += static_cast<double>(v[i]) * v[i];
  return static_cast<float>(std::sqrt(squares));
}

inline const Kernels& scalar() { return *usable_kernels().front(); }

// Bit for bit, so that -0 differs from 0 and a NaN equals itself.
inline testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i])) {
      return testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
    }
  }
  return testing::AssertionSuccess();
}

// Every element within `tolerance` of the expected one, relative to it or to `floor` where that is larger.
inline testing::AssertionResult close(const std::vector<float>& found, const std::vector<float>& expected,
                                      float tolerance, float floor) {
  for (size_t i = 0; i < found.size(); ++i) {
    if (!(std::fabs(found[i] - expected[i]) <= tolerance * std::max(floor, std::fabs(expected[i])))) {
      return testing::AssertionFailure() << "element " << i << " of " << found.size() << ": " << found[i]
                                         << ", expected " << expected[i];
    }
  }
  return testing::AssertionSuccess();
}

struct Product {
  std::vector<float> weights, activations;
  std::vector<std::byte> w, x;
  int outs = 0;
  MatmulArgs args;

  std::vector<float> multiply(MatmulKernel kernel, int out_begin, int out_end) const {
    std::vector<float> y(static_cast<size_t>(args.rows * outs), -7);
    MatmulArgs all = args;
    all.y = y.data();
    kernel(all, out_begin, out_end);
    return y;
  }
};

// Random values; those of block formats repeat after seven blocks, because encoding is slow.
inline std::vector<float> random_weights(Rng& rng, const DTypeTraits& format, size_t n) {
  const size_t period = format.block == 1 ? n : std::min(n, 7 * static_cast<size_t>(format.block));
  std::vector<float> values = random_values(rng, period);
  values.resize(n);
  for (size_t i = period; i < n; ++i) values[i] = values[i - period];
  return values;
}

// The bytes of random_weights().
inline void encode_weights(const DTypeTraits& format, const std::vector<float>& values,
                           std::vector<std::byte>& blocks) {
  const size_t period = format.block == 1 ? blocks.size() : std::min(blocks.size(), 7 * format.block_bytes);
  format.encode(values.data(), blocks.data(), static_cast<int64_t>(period / format.block_bytes) * format.block);
  for (size_t i = period; i < blocks.size(); ++i) blocks[i] = blocks[i - period];
}

inline Product random_product(Rng& rng, const DTypeTraits& format, int in, int rows, int outs) {
  Product p{.weights = random_weights(rng, format, static_cast<size_t>(in * outs)),
            .activations = random_values(rng, static_cast<size_t>(in * rows)),
            .w = std::vector<std::byte>(row_bytes(format.dtype, in) * static_cast<size_t>(outs)),
            .x = {},
            .outs = outs,
            .args = {.w_row_bytes = row_bytes(format.dtype, in),
                     .in = in,
                     .x_row_bytes = static_cast<size_t>(in) * sizeof(float),
                     .rows = rows,
                     .y_stride = outs}};
  encode_weights(format, p.weights, p.w);
  p.args.w = p.w.data();
  p.args.x = reinterpret_cast<const std::byte*>(p.activations.data());
  return p;
}

class Table : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels = *GetParam();
  Rng rng{42};

  MatmulKernel matmul(DType format) const { return kernels.matmul[static_cast<size_t>(format)]; }
  MatmulKernel matmul_packed(DType format) const { return kernels.matmul_packed[static_cast<size_t>(format)]; }
};

inline std::string table_name(const testing::TestParamInfo<const Kernels*>& info) {
  return std::string(info.param->name);
}

}  // namespace bantam
