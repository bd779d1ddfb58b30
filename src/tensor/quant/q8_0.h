// Q8_0: 32 signed bytes and one half-precision scale; value = scale * q. (GGUF type 8)
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/quant/float16.h"

namespace bantam {

struct BlockQ8_0 {
  static constexpr int kValues = 32;
  uint16_t scale;  // f16
  int8_t q[kValues];
};
static_assert(sizeof(BlockQ8_0) == 34);

inline void decode_q8_0(const std::byte* blocks, float* values, int64_t n) {
  for (int64_t i = 0; i < n; i += BlockQ8_0::kValues, blocks += sizeof(BlockQ8_0)) {
    BlockQ8_0 block;
    std::memcpy(&block, blocks, sizeof block);
    const float scale = f16_to_f32(block.scale);
    for (int j = 0; j < BlockQ8_0::kValues; ++j) values[i + j] = scale * static_cast<float>(block.q[j]);
  }
}

// Scale = max|v| / 127; quotients round half away from zero. A block with a NaN or an infinity decodes to NaN; one
// whose scale is below 2^-126, where 1 / scale could overflow, becomes zeros (its half-precision scale is 0 anyway).
inline void encode_q8_0(const float* values, std::byte* blocks, int64_t n) {
  for (int64_t i = 0; i < n; i += BlockQ8_0::kValues, blocks += sizeof(BlockQ8_0)) {
    uint32_t peak = 0;  // largest |v| by its bits: there a NaN is above infinity, and infinity above all numbers
    for (int j = 0; j < BlockQ8_0::kValues; ++j) {
      peak = std::max(peak, std::bit_cast<uint32_t>(values[i + j]) & 0x7FFFFFFFu);
    }
    const float scale = std::bit_cast<float>(peak) / 127.0f;
    BlockQ8_0 block{};
    block.scale = std::isfinite(scale) ? f32_to_f16(scale) : kHalfNaN;
    if (std::isfinite(scale) && scale >= 0x1p-126f) {
      const float inverse = 1.0f / scale;
      for (int j = 0; j < BlockQ8_0::kValues; ++j)
        block.q[j] = static_cast<int8_t>(std::round(values[i + j] * inverse));
    }
    std::memcpy(blocks, &block, sizeof block);
  }
}

}  // namespace bantam
