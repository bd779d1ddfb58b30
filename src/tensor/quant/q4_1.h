// Q4_1: 32 values of 4 bits, a scale and a minimum in half precision; value = scale * q + min. (GGUF type 3)
#pragma once

#include "tensor/quant/search.h"

namespace bantam {

struct BlockQ4_1 {
  static constexpr int kValues = 32;
  uint16_t scale, min;     // f16
  uint8_t q[kValues / 2];  // byte j: value j in the low half, value j + 16 in the high half
};
static_assert(sizeof(BlockQ4_1) == 20);

inline void decode_block(const BlockQ4_1& block, float* values) {
  const float scale = f16_to_f32(block.scale), min = f16_to_f32(block.min);
  for (int j = 0; j < 16; ++j) {
    values[j] = scale * static_cast<float>(block.q[j] & 15) + min;
    values[j + 16] = scale * static_cast<float>(block.q[j] >> 4) + min;
  }
}

// `importance` of each value, or null; see error_weights().
inline void encode_block(const float* x, const float* importance, BlockQ4_1& block) {
  float w[32];
  error_weights(x, importance, 32, w);
  const ScaleAndMin fit = fit_scale_and_min<15>(x, w, 32, Min::any);
  block.scale = f32_to_f16(fit.scale);
  block.min = f32_to_f16(fit.min);
  const float inverse = reciprocal(f16_to_f32(block.scale)), min = f16_to_f32(block.min);
  const auto code = [&](float v) { return static_cast<int>(IntegerGrid<0, 15>::nearest((v - min) * inverse)); };
  for (int j = 0; j < 16; ++j) block.q[j] = static_cast<uint8_t>(code(x[j]) | code(x[j + 16]) << 4);
}

}  // namespace bantam
