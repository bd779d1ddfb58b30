#include "kernels/packed.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "tensor/quant/iq4.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q4_1.h"
#include "tensor/quant/q4_k.h"
#include "tensor/quant/q5.h"
#include "tensor/quant/q6_k.h"
#include "tensor/quant/q8_0.h"

namespace bantam {
namespace {

// What each format says of value i of a block, as an unsigned code.
int code_of(const BlockQ4_0& w, int i) { return w.q[i % 16] >> (i < 16 ? 0 : 4) & 15; }
int code_of(const BlockQ4_1& w, int i) { return w.q[i % 16] >> (i < 16 ? 0 : 4) & 15; }
int code_of(const BlockIq4Nl& w, int i) { return w.q[i % 16] >> (i < 16 ? 0 : 4) & 15; }
int code_of(const BlockIq4Xs& w, int i) { return w.q[16 * (i / 32) + i % 16] >> (i % 32 < 16 ? 0 : 4) & 15; }
int code_of(const BlockQ5_0& w, int i) { return w.q[i]; }
int code_of(const BlockQ5_1& w, int i) { return w.q[i]; }
int code_of(const BlockQ8_0& w, int i) { return w.q[i] + 128; }
int code_of(const BlockQ4_K& w, int i) { return w.code(i); }
int code_of(const BlockQ5_K& w, int i) { return w.code(i); }
int code_of(const BlockQ6_K& w, int i) { return w.code(i); }

void put_half(std::byte* lanes, int row, uint16_t half) { std::memcpy(lanes + 2 * row, &half, sizeof half); }
void put_byte(std::byte* lanes, int row, int value) { lanes[row] = static_cast<std::byte>(value); }

// The header's entry of a row.
template <class Block>
void put_header(const Block& w, int row, std::byte* header) {
  if constexpr (Block::kValues > kPackedValues) put_half(header, row, w.scale);
  if constexpr (SixBitBlock<Block>) put_half(header + 2 * kPanelRows, row, w.min);
}

// What scales values [32 part, 32 part + 32) of a row.
template <class Block>
void put_scales(const Block& w, int part, int row, std::byte* scales) {
  if constexpr (SixBitBlock<Block>) {
    put_byte(scales, row, w.parts.scale(part));
    put_byte(scales + kPanelRows, row, w.parts.min(part));
  } else if constexpr (std::is_same_v<Block, BlockQ6_K>) {
    put_byte(scales, row, w.scales[2 * part]);
    put_byte(scales + kPanelRows, row, w.scales[2 * part + 1]);
  } else if constexpr (std::is_same_v<Block, BlockIq4Xs>) {
    put_byte(scales, row, w.part_scale(part));
  } else {
    put_half(scales, row, w.scale);
    if constexpr (requires { w.min; }) put_half(scales + 2 * kPanelRows, row, w.min);
  }
}

// Writes a row's codes c[kPackedValues] among the block's code bytes.
template <int kBits>
void put_codes(const uint8_t* c, int row, std::byte* codes) {
  auto* out = reinterpret_cast<uint8_t*>(codes) + 4 * row;
  if constexpr (kBits == 8) {
    for (int unit = 0; unit < 8; ++unit) std::memcpy(out + 64 * unit, c + 4 * unit, 4);
    return;
  }
  for (int v = 0; v < 4; ++v) {
    for (int i = 0; i < 4; ++i) out[64 * v + i] = static_cast<uint8_t>((c[4 * v + i] & 15) | c[4 * v + 16 + i] << 4);
  }
  for (int i = 0; i < 4; ++i) {
    if constexpr (kBits == 5) {
      int bits = 0;
      for (int unit = 0; unit < 8; ++unit) bits |= c[4 * unit + i] >> 4 << unit;
      out[256 + i] = static_cast<uint8_t>(bits);
    }
    if constexpr (kBits == 6) {
      for (int half = 0; half < 2; ++half) {
        int bits = 0;
        for (int unit = 0; unit < 4; ++unit) bits |= c[16 * half + 4 * unit + i] >> 4 << (2 * unit);
        out[256 + 64 * half + i] = static_cast<uint8_t>(bits);
      }
    }
  }
}

template <DType dtype, class Block>
void pack(const std::byte* rows, size_t row_bytes, int count, int cols, std::byte* panel) {
  constexpr PackedFormat f = packed_format(dtype);
  static_assert(f.blocks() * kPackedValues == Block::kValues);
  if (count < kPanelRows) std::memset(panel, 0, panel_bytes(dtype, cols));
  for (int b = 0; b < cols / Block::kValues; ++b) {
    std::byte* header = panel;
    panel += f.header_bytes();
    for (int part = 0; part < f.blocks(); ++part, panel += f.block_bytes()) {
      for (int r = 0; r < count; ++r) {
        Block w;
        std::memcpy(&w, rows + static_cast<size_t>(r) * row_bytes + static_cast<size_t>(b) * sizeof w, sizeof w);
        if (part == 0) put_header(w, r, header);
        put_scales(w, part, r, panel + f.code_bytes());
        uint8_t codes[kPackedValues];
        for (int i = 0; i < kPackedValues; ++i) {
          codes[i] = static_cast<uint8_t>(code_of(w, part * kPackedValues + i));
        }
        put_codes<f.bits>(codes, r, panel);
      }
    }
  }
}

// Writes a row's values as words; returns the exponent of what they are units of.
uint8_t put_words(const float* values, int row, std::byte* codes) {
  constexpr int kBias = 127, kLeast = 1 - kBias;  // of f32
  float peak = 0;
  bool finite = true;
  for (int i = 0; i < kPackedValues; ++i) {
    peak = std::max(peak, std::fabs(values[i]));
    finite = finite && std::isfinite(values[i]);
  }
  int exponent = 0;
  if (finite) std::frexp(peak, &exponent);  // peak < 2^exponent
  exponent = std::max(exponent - 13, kLeast);
  const float inverse = std::ldexp(1.0f, -exponent);
  int16_t words[kPackedValues];
  for (int i = 0; i < kPackedValues; ++i) {
    constexpr float kWhole = 1.5f * (1 << 23);  // a sum with it has no bits behind the point
    words[i] = finite ? static_cast<int16_t>(values[i] * inverse + kWhole - kWhole) : int16_t{1};
  }
  for (int unit = 0; unit < 16; ++unit) std::memcpy(codes + 64 * unit + 4 * row, words + 2 * unit, 4);
  return static_cast<uint8_t>(finite ? exponent + kBias : 255);
}

void pack_words(DType dtype, const std::byte* rows, size_t row_bytes, int count, int cols, std::byte* panel) {
  const PackedFormat f = packed_format(dtype);
  if (count < kPanelRows) std::memset(panel, 0, panel_bytes(dtype, cols));
  for (int i = 0; i < cols; i += kPackedValues, panel += f.block_bytes()) {
    for (int r = 0; r < count; ++r) {
      float values[kPackedValues];
      const std::byte* row = rows + static_cast<size_t>(r) * row_bytes;
      traits(dtype).decode(row + bantam::row_bytes(dtype, i), values, kPackedValues);
      put_byte(panel + f.code_bytes(), r, put_words(values, r, panel));
    }
  }
}

}  // namespace

void pack_panel(DType dtype, const std::byte* rows, size_t row_bytes, int count, int cols, std::byte* panel) {
  switch (dtype) {
    case DType::q4_0:
      return pack<DType::q4_0, BlockQ4_0>(rows, row_bytes, count, cols, panel);
    case DType::q4_1:
      return pack<DType::q4_1, BlockQ4_1>(rows, row_bytes, count, cols, panel);
    case DType::q5_0:
      return pack<DType::q5_0, BlockQ5_0>(rows, row_bytes, count, cols, panel);
    case DType::q5_1:
      return pack<DType::q5_1, BlockQ5_1>(rows, row_bytes, count, cols, panel);
    case DType::q8_0:
      return pack<DType::q8_0, BlockQ8_0>(rows, row_bytes, count, cols, panel);
    case DType::q4_k:
      return pack<DType::q4_k, BlockQ4_K>(rows, row_bytes, count, cols, panel);
    case DType::q5_k:
      return pack<DType::q5_k, BlockQ5_K>(rows, row_bytes, count, cols, panel);
    case DType::q6_k:
      return pack<DType::q6_k, BlockQ6_K>(rows, row_bytes, count, cols, panel);
    case DType::iq4_nl:
      return pack<DType::iq4_nl, BlockIq4Nl>(rows, row_bytes, count, cols, panel);
    case DType::iq4_xs:
      return pack<DType::iq4_xs, BlockIq4Xs>(rows, row_bytes, count, cols, panel);
    case DType::f16:
    case DType::bf16:
      return pack_words(dtype, rows, row_bytes, count, cols, panel);
    default:
      assert(false && "is_packable()");
  }
}

}  // namespace bantam
