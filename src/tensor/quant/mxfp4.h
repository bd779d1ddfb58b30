// MXFP4: 32 values of 4 bits (sign, two bits of exponent, one of mantissa) and a power of two as scale. (OCP
// Microscaling Formats 1.0; GGUF type 39)
#pragma once

#include <bit>

#include "tensor/quant/search.h"

namespace bantam {

struct BlockMxfp4 {
  static constexpr int kValues = 32;
  uint8_t exponent;  // scale = 2^(exponent - 127)
  uint8_t q[16];     // byte j: value j in the low half, value j + 16 in the high half
};
static_assert(sizeof(BlockMxfp4) == 17);

inline constexpr std::array<int8_t, 16> kMxfp4Doubled = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Half the scale, for the doubled numbers. The standard calls 255 NaN; llama.cpp, as here, decodes it as 2^128.
inline float mxfp4_half_scale(int exponent) {
  const auto e = static_cast<uint32_t>(exponent);
  return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

struct Mxfp4Grid {
  static int code(float v) {
    const float size = std::fabs(v);
    int code = 0;
    for (const float limit : {0.5f, 1.5f, 2.5f, 3.5f, 5.0f, 7.0f, 10.0f}) code += size > limit;
    return v < 0 && code > 0 ? code + 8 : code;
  }
  static float nearest(float v) { return kMxfp4Doubled[static_cast<size_t>(code(v))]; }
};

inline void decode_block(const BlockMxfp4& block, float* values) {
  const float scale = mxfp4_half_scale(block.exponent);
  for (int j = 0; j < 16; ++j) {
    values[j] = scale * static_cast<float>(kMxfp4Doubled[block.q[j] & 15]);
    values[j + 16] = scale * static_cast<float>(kMxfp4Doubled[block.q[j] >> 4]);
  }
}

// `importance` of each value, or null; see error_weights(). Of the exponent that makes the largest value 4 to 8 and its
// neighbours, the one with the least error.
inline void encode_block(const float* x, const float* importance, BlockMxfp4& block) {
  float w[32], peak = 0;
  error_weights(x, importance, 32, w);
  for (int j = 0; j < 32; ++j) peak = std::max(peak, std::fabs(x[j]));
  if (peak < 0x1p-120f) return;
  const int middle = std::ilogb(peak) - 2 + 127;
  block.exponent = static_cast<uint8_t>(middle);
  float least = std::numeric_limits<float>::infinity();
  for (int exponent = middle - 1; exponent <= std::min(middle + 1, 254); ++exponent) {
    const float error = residual<Mxfp4Grid>(x, w, 32, mxfp4_half_scale(exponent), 0);
    if (error < least) least = error, block.exponent = static_cast<uint8_t>(exponent);
  }
  const float inverse = reciprocal(mxfp4_half_scale(block.exponent));
  for (int j = 0; j < 16; ++j) {
    block.q[j] = static_cast<uint8_t>(Mxfp4Grid::code(x[j] * inverse) | Mxfp4Grid::code(x[j + 16] * inverse) << 4);
  }
}

}  // namespace bantam
