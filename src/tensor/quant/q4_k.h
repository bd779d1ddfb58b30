// Q4_K and Q5_K: 256 values of 4 or 5 bits in 8 parts; value = scale * scales[part] * q - min * mins[part]. (GGUF types
// 12 and 13)
#pragma once

#include "tensor/quant/search.h"

namespace bantam {

// Eight scales and eight mins of 6 bits. Those of parts 0 to 3 are the low six bits of bytes 0 to 3 and 4 to 7; of
// parts 4 to 7, bytes 8 to 11 hold the low four bits (scale, then min), the top bits of the other bytes the high two.
struct SixBitParts {
  uint8_t bytes[12];

  int scale(int j) const { return j < 4 ? bytes[j] & 63 : (bytes[j + 4] & 15) | bytes[j - 4] >> 6 << 4; }
  int min(int j) const { return j < 4 ? bytes[j + 4] & 63 : bytes[j + 4] >> 4 | bytes[j] >> 6 << 4; }
  // Of zeros.
  void set(int j, int scale, int min) {
    if (j < 4) {
      bytes[j] = static_cast<uint8_t>(bytes[j] | scale);
      bytes[j + 4] = static_cast<uint8_t>(bytes[j + 4] | min);
    } else {
      bytes[j + 4] = static_cast<uint8_t>((scale & 15) | min << 4);
      bytes[j - 4] = static_cast<uint8_t>(bytes[j - 4] | scale >> 4 << 6);
      bytes[j] = static_cast<uint8_t>(bytes[j] | min >> 4 << 6);
    }
  }
};

struct BlockQ4_K {
  static constexpr int kValues = 256, kTop = 15;
  uint16_t scale, min;  // f16
  SixBitParts parts;
  uint8_t q[128];  // byte j of 32 k ... : value 64 k + j in the low half, 64 k + 32 + j in the high half

  int code(int i) const { return q[i % 32 + 32 * (i / 64)] >> (4 * (i / 32 % 2)) & 15; }
  // Of zeros.
  void set_code(int i, int code) {
    uint8_t& byte = q[i % 32 + 32 * (i / 64)];
    byte = static_cast<uint8_t>(byte | code << (4 * (i / 32 % 2)));
  }
};
static_assert(sizeof(BlockQ4_K) == 144);

struct BlockQ5_K {
  static constexpr int kValues = 256, kTop = 31;
  uint16_t scale, min;  // f16
  SixBitParts parts;
  uint8_t high[32];  // fifth bit of value i: bit i / 32 of byte i % 32
  uint8_t low[128];  // the other four, as in Q4_K

  int code(int i) const {
    return (low[i % 32 + 32 * (i / 64)] >> (4 * (i / 32 % 2)) & 15) | (high[i % 32] >> (i / 32) & 1) << 4;
  }
  // Of zeros.
  void set_code(int i, int code) {
    uint8_t &four = low[i % 32 + 32 * (i / 64)], &fifth = high[i % 32];
    four = static_cast<uint8_t>(four | (code & 15) << (4 * (i / 32 % 2)));
    fifth = static_cast<uint8_t>(fifth | code >> 4 << (i / 32));
  }
};
static_assert(sizeof(BlockQ5_K) == 176);

template <class Block>
concept SixBitBlock = requires(Block block) {
  requires sizeof(block.parts) == sizeof(SixBitParts) && Block::kTop > 0;
};

template <SixBitBlock Block>
void decode_block(const Block& block, float* values) {
  const float scale = f16_to_f32(block.scale), min = f16_to_f32(block.min);
  for (int part = 0; part < 8; ++part) {
    const float s = scale * static_cast<float>(block.parts.scale(part));
    const float m = min * static_cast<float>(block.parts.min(part));
    for (int i = 32 * part; i < 32 * part + 32; ++i) values[i] = s * static_cast<float>(block.code(i)) - m;
  }
}

// `importance` of each value, or null; see error_weights(). The block comes in as zeros.
template <SixBitBlock Block>
void encode_block(const float* x, const float* importance, Block& block) {
  float w[256];
  error_weights(x, importance, 256, w);
  const auto fit = fit_part_scales_and_mins<Block::kTop, 32, 63>(x, w);
  block.scale = f32_to_f16(fit.scale);
  block.min = f32_to_f16(fit.min);
  for (int part = 0; part < 8; ++part) {
    const int s = fit.scales[static_cast<size_t>(part)], m = fit.mins[static_cast<size_t>(part)];
    block.parts.set(part, s, m);
    const float inverse = reciprocal(fit.scale * static_cast<float>(s)), min = -fit.min * static_cast<float>(m);
    for (int i = 32 * part; i < 32 * part + 32; ++i) {
      block.set_code(i, static_cast<int>(IntegerGrid<0, Block::kTop>::nearest((x[i] - min) * inverse)));
    }
  }
}

}  // namespace bantam
