// Q3_K: 256 values of 3 bits in 16 parts; value = scale * (scales[part] - 32) * (q - 4). (GGUF type 11)
#pragma once

#include "tensor/quant/search.h"

namespace bantam {

struct BlockQ3_K {
  static constexpr int kValues = 256;
  uint8_t high[32];   // third bit of value i: bit i / 32 of byte i % 32
  uint8_t low[64];    // value i: bits 2 * (i / 32 % 4) of byte i % 32 + 32 * (i / 128)
  uint8_t parts[12];  // 16 scales of 6 bits: low four bits in 8 bytes (j, then j + 8), high two in 4 (j, j + 4, ...)
  uint16_t scale;     // f16

  int part_scale(int j) const {
    const int four = j < 8 ? parts[j] & 15 : parts[j - 8] >> 4;
    return (four | (parts[8 + j % 4] >> (2 * (j / 4)) & 3) << 4) - 32;
  }
  // Of zeros.
  void set_part_scale(int j, int s) {
    parts[j % 8] = static_cast<uint8_t>(parts[j % 8] | ((s + 32) & 15) << (j < 8 ? 0 : 4));
    parts[8 + j % 4] = static_cast<uint8_t>(parts[8 + j % 4] | (s + 32) >> 4 << (2 * (j / 4)));
  }
};
static_assert(sizeof(BlockQ3_K) == 110);

inline void decode_block(const BlockQ3_K& block, float* values) {
  const float scale = f16_to_f32(block.scale);
  for (int part = 0; part < 16; ++part) {
    const float s = scale * static_cast<float>(block.part_scale(part));
    for (int i = 16 * part; i < 16 * part + 16; ++i) {
      const int low = block.low[i % 32 + 32 * (i / 128)] >> (2 * (i / 32 % 4)) & 3;
      const int high = block.high[i % 32] >> (i / 32) & 1;
      values[i] = s * static_cast<float>((low | high << 2) - 4);
    }
  }
}

// `importance` of each value, or null; see error_weights(). The block comes in as zeros.
inline void encode_block(const float* x, const float* importance, BlockQ3_K& block) {
  using Grid = IntegerGrid<-4, 3>;
  float w[256];
  error_weights(x, importance, 256, w);
  const PartScales fit = fit_part_scales<Grid, 16, -32, 31>(x, w);
  block.scale = f32_to_f16(fit.scale);
  for (int part = 0; part < 16; ++part) {
    const int s = fit.scales[static_cast<size_t>(part)];
    block.set_part_scale(part, s);
    const float inverse = reciprocal(fit.scale * static_cast<float>(s));
    for (int i = 16 * part; i < 16 * part + 16; ++i) {
      const int q = static_cast<int>(Grid::nearest(x[i] * inverse)) + 4;
      uint8_t &low = block.low[i % 32 + 32 * (i / 128)], &high = block.high[i % 32];
      low = static_cast<uint8_t>(low | (q & 3) << (2 * (i / 32 % 4)));
      high = static_cast<uint8_t>(high | q >> 2 << (i / 32));
    }
  }
}

}  // namespace bantam
