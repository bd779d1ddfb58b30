// Q2_K: 256 values of 2 bits in 16 parts; value = scale * scales[part] * q - min * mins[part]. (GGUF type 10)
#pragma once

#include "tensor/quant/search.h"

namespace bantam {

struct BlockQ2_K {
  static constexpr int kValues = 256;
  uint8_t parts[16];    // of each part the scale in the low half, the min in the high half
  uint8_t q[64];        // value i: bits 2 * (i / 32 % 4) of byte i % 32 + 32 * (i / 128)
  uint16_t scale, min;  // f16
};
static_assert(sizeof(BlockQ2_K) == 84);

inline void decode_block(const BlockQ2_K& block, float* values) {
  const float scale = f16_to_f32(block.scale), min = f16_to_f32(block.min);
  for (int part = 0; part < 16; ++part) {
    const float s = scale * static_cast<float>(block.parts[part] & 15);
    const float m = min * static_cast<float>(block.parts[part] >> 4);
    for (int i = 16 * part; i < 16 * part + 16; ++i) {
      const int q = block.q[i % 32 + 32 * (i / 128)] >> (2 * (i / 32 % 4)) & 3;
      values[i] = s * static_cast<float>(q) - m;
    }
  }
}

// `importance` of each value, or null; see error_weights(). The block comes in as zeros.
inline void encode_block(const float* x, const float* importance, BlockQ2_K& block) {
  float w[256];
  error_weights(x, importance, 256, w);
  const auto fit = fit_part_scales_and_mins<3, 16, 15>(x, w);
  block.scale = f32_to_f16(fit.scale);
  block.min = f32_to_f16(fit.min);
  for (int part = 0; part < 16; ++part) {
    const int s = fit.scales[static_cast<size_t>(part)], m = fit.mins[static_cast<size_t>(part)];
    block.parts[part] = static_cast<uint8_t>(s | m << 4);
    const float inverse = reciprocal(fit.scale * static_cast<float>(s)), min = -fit.min * static_cast<float>(m);
    for (int i = 16 * part; i < 16 * part + 16; ++i) {
      const int q = static_cast<int>(IntegerGrid<0, 3>::nearest((x[i] - min) * inverse));
      uint8_t& byte = block.q[i % 32 + 32 * (i / 128)];
      byte = static_cast<uint8_t>(byte | q << (2 * (i / 32 % 4)));
    }
  }
}

}  // namespace bantam
