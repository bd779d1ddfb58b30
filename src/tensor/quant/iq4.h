// IQ4_NL and IQ4_XS: values of 4 bits that stand for 16 fixed numbers, denser around zero. IQ4_NL: blocks of 32, value
// = scale * number; IQ4_XS: blocks of 256 in 8 parts, value = scale * (scales[part] - 32) * number. (GGUF types 20 and
// 23)
#pragma once

#include "tensor/quant/search.h"

namespace bantam {

inline constexpr std::array<int8_t, 16> kIq4Numbers = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                       1,    13,   25,  38,  53,  69,  89,  113};

struct Iq4Grid {
  static constexpr float kLowest = -127, kHighest = 113, kGap = 24;

  // Code of the number nearest to v rounded to an integer, the lower one where two are as near.
  static int code(float v) {
    static constexpr auto codes = [] {
      std::array<uint8_t, 256> table{};
      for (int i = -128; i < 128; ++i) {
        uint8_t& nearest = table[static_cast<size_t>(i + 128)];
        const auto distance = [&](uint8_t c) { return kIq4Numbers[c] < i ? i - kIq4Numbers[c] : kIq4Numbers[c] - i; };
        for (uint8_t c = 1; c < 16; ++c) {
          if (distance(c) < distance(nearest)) nearest = c;
        }
      }
      return table;
    }();
    return codes[static_cast<size_t>(static_cast<int>(nearest_integer(clamped(v, -128, 127))) + 128)];
  }
  static float nearest(float v) { return kIq4Numbers[static_cast<size_t>(code(v))]; }
};

struct BlockIq4Nl {
  static constexpr int kValues = 32;
  uint16_t scale;  // f16
  uint8_t q[16];   // byte j: value j in the low half, value j + 16 in the high half
};
static_assert(sizeof(BlockIq4Nl) == 18);

struct BlockIq4Xs {
  static constexpr int kValues = 256;
  uint16_t scale;  // f16
  uint16_t high;   // top two of the six bits of part j's scale: bits 2 j
  uint8_t low[4];  // the other four: byte j / 2, the low half for even j
  uint8_t q[128];  // 16 bytes a part, as in IQ4_NL

  int part_scale(int j) const { return ((low[j / 2] >> (4 * (j % 2)) & 15) | (high >> (2 * j) & 3) << 4) - 32; }
  // Of zeros.
  void set_part_scale(int j, int s) {
    low[j / 2] = static_cast<uint8_t>(low[j / 2] | ((s + 32) & 15) << (4 * (j % 2)));
    high = static_cast<uint16_t>(high | (s + 32) >> 4 << (2 * j));
  }
};
static_assert(sizeof(BlockIq4Xs) == 136);

inline void decode_iq4(float scale, const uint8_t* q, float* values) {
  for (int j = 0; j < 16; ++j) {
    values[j] = scale * static_cast<float>(kIq4Numbers[q[j] & 15]);
    values[j + 16] = scale * static_cast<float>(kIq4Numbers[q[j] >> 4]);
  }
}

inline void encode_iq4(float scale, const float* x, uint8_t* q) {
  const float inverse = reciprocal(scale);
  for (int j = 0; j < 16; ++j) {
    q[j] = static_cast<uint8_t>(Iq4Grid::code(x[j] * inverse) | Iq4Grid::code(x[j + 16] * inverse) << 4);
  }
}

inline void decode_block(const BlockIq4Nl& block, float* values) {
  decode_iq4(f16_to_f32(block.scale), block.q, values);
}

inline void decode_block(const BlockIq4Xs& block, float* values) {
  for (int part = 0; part < 8; ++part) {
    const float scale = f16_to_f32(block.scale) * static_cast<float>(block.part_scale(part));
    decode_iq4(scale, block.q + 16 * part, values + 32 * part);
  }
}

// `importance` of each value, or null; see error_weights().
inline void encode_block(const float* x, const float* importance, BlockIq4Nl& block) {
  float w[32];
  error_weights(x, importance, 32, w);
  block.scale = f32_to_f16(fit_scale<Iq4Grid>(x, w, 32));
  encode_iq4(f16_to_f32(block.scale), x, block.q);
}

// The block comes in as zeros.
inline void encode_block(const float* x, const float* importance, BlockIq4Xs& block) {
  float w[256];
  error_weights(x, importance, 256, w);
  const PartScales fit = fit_part_scales<Iq4Grid, 32, -32, 31>(x, w);
  block.scale = f32_to_f16(fit.scale);
  for (int part = 0; part < 8; ++part) {
    const int s = fit.scales[static_cast<size_t>(part)];
    block.set_part_scale(part, s);
    encode_iq4(fit.scale * static_cast<float>(s), x + 32 * part, block.q + 16 * part);
  }
}

}  // namespace bantam
