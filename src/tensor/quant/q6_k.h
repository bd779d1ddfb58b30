// Q6_K: 256 values of 6 bits in 16 parts; value = scale * scales[part] * (q - 32). (GGUF type 14)
#pragma once

#include "tensor/quant/search.h"

namespace bantam {

struct BlockQ6_K {
  static constexpr int kValues = 256;
  uint8_t low[128];  // byte j of 64 k ...: value 128 k + j in the low half, 128 k + 64 + j in the high half
  uint8_t high[64];  // top bits of value i: bits 2 * (i / 32 % 4) of byte i % 32 + 32 * (i / 128)
  int8_t scales[16];
  uint16_t scale;  // f16

  int code(int i) const {
    const int four = low[i % 64 + 64 * (i / 128)] >> (4 * (i / 64 % 2)) & 15;
    return four | (high[i % 32 + 32 * (i / 128)] >> (2 * (i / 32 % 4)) & 3) << 4;
  }
};
static_assert(sizeof(BlockQ6_K) == 210);

inline void decode_block(const BlockQ6_K& block, float* values) {
  const float scale = f16_to_f32(block.scale);
  for (int part = 0; part < 16; ++part) {
    const float s = scale * static_cast<float>(block.scales[part]);
    for (int i = 16 * part; i < 16 * part + 16; ++i) values[i] = s * static_cast<float>(block.code(i) - 32);
  }
}

// `importance` of each value, or null; see error_weights(). The block comes in as zeros.
inline void encode_block(const float* x, const float* importance, BlockQ6_K& block) {
  using Grid = IntegerGrid<-32, 31>;
  float w[256];
  error_weights(x, importance, 256, w);
  const PartScales fit = fit_part_scales<Grid, 16, -128, 127>(x, w);
  block.scale = f32_to_f16(fit.scale);
  for (int part = 0; part < 16; ++part) {
    const int s = fit.scales[static_cast<size_t>(part)];
    block.scales[part] = static_cast<int8_t>(s);
    const float inverse = reciprocal(fit.scale * static_cast<float>(s));
    for (int i = 16 * part; i < 16 * part + 16; ++i) {
      const int q = static_cast<int>(Grid::nearest(x[i] * inverse)) + 32;
      uint8_t &low = block.low[i % 64 + 64 * (i / 128)], &high = block.high[i % 32 + 32 * (i / 128)];
      low = static_cast<uint8_t>(low | (q & 15) << (4 * (i / 64 % 2)));
      high = static_cast<uint8_t>(high | q >> 4 << (2 * (i / 32 % 4)));
    }
  }
}

}  // namespace bantam
