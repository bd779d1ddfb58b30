// Q5_0 and Q5_1: 32 values of 5 bits and a scale in half precision; value = scale * (q - 16), or scale * q + min. (GGUF
// types 6 and 7)
#pragma once

#include <cstring>

#include "tensor/quant/search.h"

namespace bantam {

// Value j is in the low half of byte j, value j + 16 in its high half; the fifth bit of value j is bit j of `high`.
struct FiveBits {
  uint8_t high[4];  // little-endian
  uint8_t low[16];

  int operator[](int j) const {
    const int four = j < 16 ? low[j] & 15 : low[j - 16] >> 4;
    return four | (high[j / 8] >> (j % 8) & 1) << 4;
  }
  // Of zeros.
  void set(int j, int code) {
    low[j % 16] = static_cast<uint8_t>(low[j % 16] | (code & 15) << (j < 16 ? 0 : 4));
    high[j / 8] = static_cast<uint8_t>(high[j / 8] | code >> 4 << (j % 8));
  }
};

struct BlockQ5_0 {
  static constexpr int kValues = 32;
  uint16_t scale;  // f16
  FiveBits q;
};
static_assert(sizeof(BlockQ5_0) == 22);

struct BlockQ5_1 {
  static constexpr int kValues = 32;
  uint16_t scale, min;  // f16
  FiveBits q;
};
static_assert(sizeof(BlockQ5_1) == 24);

inline void decode_block(const BlockQ5_0& block, float* values) {
  const float scale = f16_to_f32(block.scale);
  for (int j = 0; j < 32; ++j) values[j] = scale * static_cast<float>(block.q[j] - 16);
}

inline void decode_block(const BlockQ5_1& block, float* values) {
  const float scale = f16_to_f32(block.scale), min = f16_to_f32(block.min);
  for (int j = 0; j < 32; ++j) values[j] = scale * static_cast<float>(block.q[j]) + min;
}

// `importance` of each value, or null; see error_weights(). The block comes in as zeros.
inline void encode_block(const float* x, const float* importance, BlockQ5_0& block) {
  using Grid = IntegerGrid<-16, 15>;
  float w[32];
  error_weights(x, importance, 32, w);
  block.scale = f32_to_f16(fit_scale<Grid>(x, w, 32));
  const float inverse = reciprocal(f16_to_f32(block.scale));
  for (int j = 0; j < 32; ++j) block.q.set(j, static_cast<int>(Grid::nearest(x[j] * inverse)) + 16);
}

inline void encode_block(const float* x, const float* importance, BlockQ5_1& block) {
  float w[32];
  error_weights(x, importance, 32, w);
  const ScaleAndMin fit = fit_scale_and_min<31>(x, w, 32, Min::any);
  block.scale = f32_to_f16(fit.scale);
  block.min = f32_to_f16(fit.min);
  const float inverse = reciprocal(f16_to_f32(block.scale)), min = f16_to_f32(block.min);
  for (int j = 0; j < 32; ++j) {
    block.q.set(j, static_cast<int>(IntegerGrid<0, 31>::nearest((x[j] - min) * inverse)));
  }
}

}  // namespace bantam
