// TQ1_0 and TQ2_0: 256 values of -1, 0 or 1 and one scale in half precision, for models trained so (BitNet b1.58, arXiv
// 2402.17764). TQ1_0 keeps five values in a byte, TQ2_0 four. (GGUF types 34 and 35)
#pragma once

#include "tensor/quant/search.h"

namespace bantam {

// A byte holds base-3 digits as a fraction of 256: the digit of 3^-1 is the first value's. Multiplying by 3 carries it
// out of the byte.
struct BlockTq1_0 {
  static constexpr int kValues = 256;
  // Bytes 0 to 31: values 32 n + j, n < 5; bytes 32 to 47: values 160 + 16 n + j; bytes 48 to 51: 240 + 4 n + j, n < 4.
  uint8_t q[52];
  uint16_t scale;  // f16
};
static_assert(sizeof(BlockTq1_0) == 54);

struct BlockTq2_0 {
  static constexpr int kValues = 256;
  uint8_t q[64];   // value i + 1: bits 2 * (i / 32 % 4) of byte i % 32 + 32 * (i / 128)
  uint16_t scale;  // f16
};
static_assert(sizeof(BlockTq2_0) == 66);

// Calls f(byte, number of its digits, index of its first value, distance to the value of the next digit).
template <class F>
void for_each_tq1_byte(F&& f) {
  for (int j = 0; j < 32; ++j) f(j, 5, j, 32);
  for (int j = 0; j < 16; ++j) f(32 + j, 5, 160 + j, 16);
  for (int j = 0; j < 4; ++j) f(48 + j, 4, 240 + j, 4);
}

inline void decode_block(const BlockTq1_0& block, float* values) {
  const float scale = f16_to_f32(block.scale);
  for_each_tq1_byte([&](int byte, int digits, int first, int stride) {
    uint8_t rest = block.q[byte];
    for (int n = 0; n < digits; ++n) {
      const int tripled = 3 * rest;
      values[first + n * stride] = static_cast<float>((tripled >> 8) - 1) * scale;
      rest = static_cast<uint8_t>(tripled);
    }
  });
}

inline void decode_block(const BlockTq2_0& block, float* values) {
  const float scale = f16_to_f32(block.scale);
  for (int i = 0; i < 256; ++i) {
    const int q = block.q[i % 32 + 32 * (i / 128)] >> (2 * (i / 32 % 4)) & 3;
    values[i] = static_cast<float>(q - 1) * scale;
  }
}

using TernaryGrid = IntegerGrid<-1, 1>;

// The scale for which -1, 0 and 1 come nearest, over thresholds of 1 / 8 of the largest value to all of it. Values that
// are ternary already are kept.
inline float fit_ternary_scale(const float* x, const float* importance) {
  float w[256], peak = 0;
  error_weights(x, importance, 256, w);
  for (int i = 0; i < 256; ++i) peak = std::max(peak, std::fabs(x[i]));
  if (peak < kTiny) return 0;
  float gain = 0, scale = 0;
  for (int step = 0; step <= 28; ++step) {
    const Projection p = project<TernaryGrid>(x, w, 256, (0.5f + 0.125f * static_cast<float>(step)) / peak);
    if (p.xq * p.xq > gain * p.qq) {
      gain = p.xq * p.xq / p.qq;
      scale = p.xq / p.qq;
    }
  }
  return scale;
}

// `importance` of each value, or null; see error_weights().
inline void encode_block(const float* x, const float* importance, BlockTq1_0& block) {
  block.scale = f32_to_f16(fit_ternary_scale(x, importance));
  const float inverse = reciprocal(f16_to_f32(block.scale));
  for_each_tq1_byte([&](int byte, int digits, int first, int stride) {
    int number = 0;
    for (int n = 0; n < 5; ++n) {
      number *= 3;
      if (n < digits) number += static_cast<int>(TernaryGrid::nearest(x[first + n * stride] * inverse)) + 1;
    }
    block.q[byte] = static_cast<uint8_t>((number * 256 + 242) / 243);  // rounded up, so that no digit is lost
  });
}

// The block comes in as zeros.
inline void encode_block(const float* x, const float* importance, BlockTq2_0& block) {
  block.scale = f32_to_f16(fit_ternary_scale(x, importance));
  const float inverse = reciprocal(f16_to_f32(block.scale));
  for (int i = 0; i < 256; ++i) {
    const int q = static_cast<int>(TernaryGrid::nearest(x[i] * inverse)) + 1;
    uint8_t& byte = block.q[i % 32 + 32 * (i / 128)];
    byte = static_cast<uint8_t>(byte | q << (2 * (i / 32 % 4)));
  }
}

}  // namespace bantam
