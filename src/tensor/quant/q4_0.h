// Q4_0: 32 values of 4 bits and one half-precision scale; value = scale * (q - 8). (GGUF type 2)
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/quant/search.h"

namespace bantam {

struct BlockQ4_0 {
  static constexpr int kValues = 32;
  uint16_t scale;          // f16
  uint8_t q[kValues / 2];  // byte j: value j in the low half, value j + 16 in the high half
};
static_assert(sizeof(BlockQ4_0) == 18);

inline void decode_q4_0(const std::byte* blocks, float* values, int64_t n) {
  constexpr int half = BlockQ4_0::kValues / 2;
  for (int64_t i = 0; i < n; i += BlockQ4_0::kValues, blocks += sizeof(BlockQ4_0)) {
    BlockQ4_0 block;
    std::memcpy(&block, blocks, sizeof block);
    const float scale = f16_to_f32(block.scale);
    for (int j = 0; j < half; ++j) {
      values[i + j] = scale * static_cast<float>((block.q[j] & 15) - 8);
      values[i + j + half] = scale * static_cast<float>((block.q[j] >> 4) - 8);
    }
  }
}

// The value of largest magnitude maps to -8 exactly, so the scale carries its sign (as ggml's reference does). A block
// with a NaN or an infinity decodes to NaN; one whose scale is below 2^-126 becomes zeros, as in Q8_0.
inline void encode_q4_0(const float* values, std::byte* blocks, int64_t n) {
  constexpr int half = BlockQ4_0::kValues / 2;
  for (int64_t i = 0; i < n; i += BlockQ4_0::kValues, blocks += sizeof(BlockQ4_0)) {
    float extreme = 0;
    bool finite = true;
    for (int j = 0; j < BlockQ4_0::kValues; ++j) {
      if (std::fabs(values[i + j]) > std::fabs(extreme)) extreme = values[i + j];
      finite = finite && std::isfinite(values[i + j]);
    }
    const float scale = extreme / -8.0f;
    const float inverse = finite && std::fabs(scale) >= 0x1p-126f ? 1.0f / scale : 0.0f;
    const auto code = [&](float v) {
      return static_cast<uint8_t>(finite ? std::min(15.0f, v * inverse + 8.5f) : 8.0f);
    };
    BlockQ4_0 block;
    block.scale = finite ? f32_to_f16(scale) : kHalfNaN;
    for (int j = 0; j < half; ++j) {
      block.q[j] = static_cast<uint8_t>(code(values[i + j]) | code(values[i + j + half]) << 4);
    }
    std::memcpy(blocks, &block, sizeof block);
  }
}

// By least squares, given the importance of each value.
inline void encode_block(const float* x, const float* importance, BlockQ4_0& block) {
  using Grid = IntegerGrid<-8, 7>;
  float w[32];
  error_weights(x, importance, 32, w);
  block.scale = f32_to_f16(fit_scale<Grid>(x, w, 32));
  const float inverse = reciprocal(f16_to_f32(block.scale));
  const auto code = [&](float v) { return static_cast<int>(Grid::nearest(v * inverse)) + 8; };
  for (int j = 0; j < 16; ++j) block.q[j] = static_cast<uint8_t>(code(x[j]) | code(x[j + 16]) << 4);
}

}  // namespace bantam
