// Weights rearranged so that each lane of a vector sums whole numbers for one output row, and the activations they are
// multiplied with. One layout serves every table; model/ packs weights when it loads them.
//
// Weights of block formats keep their codes and meet 8-bit activations. f16 and bf16 become words: a block's largest
// value has 14 bits, the others the same unit, so that of f16 all within a factor of 4 of it are exact. Their
// activations are words too.
//
// A panel is kPanelRows rows. It holds their blocks of 32 values one after the other; formats with scales of scales put
// a header before every eight blocks. Of a block first come the codes, as unsigned bytes or parts of such, then what
// scales them, one entry a row:
//   codes       four values of each row are a unit: bytes 4 r .. 4 r + 3 of its 64 bytes belong to row r
//     4 bits    64 bytes u of 4: unit u in the low halves, unit u + 4 in the high halves
//     5 bits    after those, 64 bytes with the fifth bit of unit u as bit u
//     6 bits    after those, 64 bytes h of 2 with the top bits of unit 4 h + u as bits 2 u and 2 u + 1
//     8 bits    64 bytes for each unit
//     16 bits   two signed values of each row are a unit, else as 8 bits
//   scales      see PackedScales
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "tensor/dtype.h"

namespace bantam {

inline constexpr int kPanelRows = 16, kPackedValues = 32;

// 32 activations in 8 bits; value = scale * q, q never -128. Rounded as Q8_0 is, its scale to half precision.
struct ActivationBlock {
  int8_t q[kPackedValues];
  float scale;
  float scaled_sum;      // scale * sum of q
  int32_t half_sums[2];  // sums of q[0..16) and q[16..32)
};
static_assert(sizeof(ActivationBlock) == 48);

// 32 activations in 14 bits; value = scale * q. 32 products with words of weights, 2^13 at most, fit in 32 bits.
struct ActivationWords {
  static constexpr int kTop = (1 << 13) - 1;
  int16_t q[kPackedValues];
  float scale;
};

enum class PackedScales {
  half,           // f16 scale
  half_with_min,  // f16 scale, f16 min
  six_with_min,   // 8-bit scale, 8-bit min; header: f16 scale, f16 min
  two_signed,     // signed byte for values 0-15, signed byte for values 16-31; header: f16 scale
  signed_byte,    // signed byte; header: f16 scale
  power_of_2,     // the scale's exponent as an f32 has it; 255: a value is not finite
};

// value = scale * (code - offset) + min, or minus min for six_with_min; codes of `table` formats stand for
// kIq4Numbers[code] + 128.
struct PackedFormat {
  int bits;
  int offset;
  PackedScales scales;
  bool table = false;

  constexpr int blocks() const {
    return scales == PackedScales::half || scales == PackedScales::half_with_min || bits == 16 ? 1 : 8;
  }
  constexpr int units() const { return bits == 16 ? 16 : 8; }
  constexpr size_t header_bytes() const {
    return blocks() == 1 ? 0 : scales == PackedScales::six_with_min ? 4 * kPanelRows : 2 * kPanelRows;
  }
  constexpr size_t code_bytes() const { return static_cast<size_t>(kPanelRows * kPackedValues * bits / 8); }
  constexpr size_t scale_bytes() const {
    return static_cast<size_t>(kPanelRows) * (scales == PackedScales::half_with_min               ? 4
                                              : scales == PackedScales::signed_byte || bits == 16 ? 1
                                                                                                  : 2);
  }
  constexpr size_t block_bytes() const { return code_bytes() + scale_bytes(); }
  // The largest code.
  constexpr int top() const { return table ? 255 : (1 << bits) - 1; }
};

constexpr PackedFormat packed_format(DType dtype) {
  switch (dtype) {
    case DType::q4_0:
      return {4, 8, PackedScales::half};
    case DType::q4_1:
      return {4, 0, PackedScales::half_with_min};
    case DType::q5_0:
      return {5, 16, PackedScales::half};
    case DType::q5_1:
      return {5, 0, PackedScales::half_with_min};
    case DType::q8_0:
      return {8, 128, PackedScales::half};
    case DType::q4_k:
      return {4, 0, PackedScales::six_with_min};
    case DType::q5_k:
      return {5, 0, PackedScales::six_with_min};
    case DType::q6_k:
      return {6, 32, PackedScales::two_signed};
    case DType::iq4_nl:
      return {4, 128, PackedScales::half, true};
    case DType::iq4_xs:
      return {4, 128, PackedScales::signed_byte, true};
    case DType::f16:
    case DType::bf16:
      return {16, 0, PackedScales::power_of_2};
    default:
      return {0, 0, PackedScales::half};
  }
}

using PackedDTypes =
    std::integer_sequence<DType, DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1, DType::q8_0, DType::q4_k,
                          DType::q5_k, DType::q6_k, DType::iq4_nl, DType::iq4_xs, DType::f16, DType::bf16>;

// Whether rows of so many weights of this format are packed.
constexpr bool is_packable(DType dtype, int cols) {
  return packed_format(dtype).bits != 0 && cols % kPackedValues == 0;
}

// `cols` must be whole blocks of the format.
constexpr size_t panel_bytes(DType dtype, int cols) {
  const PackedFormat f = packed_format(dtype);
  const auto blocks = static_cast<size_t>(cols / kPackedValues);
  return blocks * f.block_bytes() + blocks / static_cast<size_t>(f.blocks()) * f.header_bytes();
}
constexpr size_t packed_bytes(DType dtype, int rows, int cols) {
  return static_cast<size_t>((rows + kPanelRows - 1) / kPanelRows) * panel_bytes(dtype, cols);
}

// Writes one panel of the `count` rows (1 to kPanelRows) that lie `row_bytes` apart; rows that are not there are zeros.
void pack_panel(DType dtype, const std::byte* rows, size_t row_bytes, int count, int cols, std::byte* panel);

}  // namespace bantam
