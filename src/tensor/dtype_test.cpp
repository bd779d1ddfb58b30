#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "tensor/quant/float16.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q8_0.h"

namespace bantam {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> encode_and_decode(DType dtype, const std::vector<float>& values) {
  const auto n = static_cast<int64_t>(values.size());
  std::vector<std::byte> stored(row_bytes(dtype, n));
  std::vector<float> decoded(values.size());
  traits(dtype).encode(values.data(), stored.data(), n);
  traits(dtype).decode(stored.data(), decoded.data(), n);
  return decoded;
}

TEST(DType, every_known_format_is_found_by_its_id_and_its_name) {
  for (const DTypeTraits& t : all_dtypes()) {
    EXPECT_EQ(dtype_from_id(static_cast<uint32_t>(t.dtype)), t.dtype);
    EXPECT_EQ(dtype_from_name(t.name), t.dtype);
    EXPECT_NE(known_dtypes().find(t.name), std::string_view::npos);
    EXPECT_EQ(row_bytes(t.dtype, 3 * t.block), 3 * t.block_bytes);
  }
  EXPECT_FALSE(dtype_from_id(999));
  EXPECT_FALSE(dtype_from_name("q9_9"));
}

TEST(Float16, every_half_has_the_value_of_its_fields_and_survives_the_round_trip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float value = f16_to_f32(half);
    EXPECT_EQ(std::signbit(value), half >> 15 != 0);
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value))));
      continue;
    }
    const double size = exponent == 31  ? kInfinity
                        : exponent == 0 ? std::ldexp(fraction, -24)
                                        : std::ldexp(1024 + fraction, exponent - 25);
    EXPECT_EQ(std::fabs(value), size) << half;
    EXPECT_EQ(f32_to_f16(value), half);
  }
}

TEST(Float16, a_value_between_two_halves_goes_to_the_nearer_and_ties_to_the_even_one) {
  for (uint16_t below = 0; below < 0x7BFF; ++below) {
    const uint16_t above = static_cast<uint16_t>(below + 1), even = below % 2 == 0 ? below : above;
    const float middle = (f16_to_f32(below) + f16_to_f32(above)) / 2;  // exact
    EXPECT_EQ(f32_to_f16(middle), even) << below;
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), below) << below;
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, kInfinity)), above) << below;
    EXPECT_EQ(f32_to_f16(-middle), even | 0x8000) << below;
  }
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.0f, 0.0f)), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7C00);
  EXPECT_EQ(f32_to_f16(-3e38f), 0xFC00);
}

TEST(Bfloat16, every_value_survives_the_round_trip_and_ties_go_to_even) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto b = static_cast<uint16_t>(bits);
    const float value = bf16_to_f32(b);
    EXPECT_EQ(std::bit_cast<uint32_t>(value), bits << 16);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16_to_f32(f32_to_bf16(value))));
      continue;
    }
    EXPECT_EQ(f32_to_bf16(value), b);
    if (std::isinf(value)) continue;
    const uint32_t middle = bits << 16 | 0x8000;
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(middle)), b % 2 == 0 ? b : b + 1);
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(middle - 1)), b);
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(middle + 1)), b + 1);
  }
}

TEST(Q8_0, a_block_is_a_half_scale_and_bytes_rounded_half_away_from_zero) {
  std::array<float, 32> values{};
  values[0] = 63.5f;  // the largest: scale 0.5 is 0x3800
  values[1] = 0.25f;
  values[2] = -0.25f;
  values[3] = 0.2f;
  values[4] = -63.5f;
  values[31] = 1.75f;
  BlockQ8_0 block;
  encode_q8_0(values.data(), reinterpret_cast<std::byte*>(&block), 32);
  EXPECT_EQ(block.scale, 0x3800);
  const std::array<int8_t, 6> expected = {127, 1, -1, 0, -127, 4};
  EXPECT_EQ((std::array{block.q[0], block.q[1], block.q[2], block.q[3], block.q[4], block.q[31]}), expected);
  std::array<float, 32> decoded;
  decode_q8_0(reinterpret_cast<std::byte*>(&block), decoded.data(), 32);
  EXPECT_EQ(decoded[0], 63.5f);
  EXPECT_EQ(decoded[2], -0.5f);
  EXPECT_EQ(decoded[31], 2.0f);
}

TEST(Q4_0, a_block_is_a_half_scale_and_nibbles_with_the_extreme_value_at_zero) {
  std::array<float, 32> values{};
  values[0] = -16;  // the extreme: scale 2 is 0x4000
  values[1] = 14;
  values[2] = 16;  // would be 16, one more than there is
  values[16] = 1;  // 0.5 rounds up
  values[17] = -3;
  BlockQ4_0 block;
  encode_q4_0(values.data(), reinterpret_cast<std::byte*>(&block), 32);
  EXPECT_EQ(block.scale, 0x4000);
  EXPECT_EQ(block.q[0], 0x90);
  EXPECT_EQ(block.q[1], 0x7F);
  EXPECT_EQ(block.q[2], 0x8F);
  EXPECT_EQ(block.q[15], 0x88);
  std::array<float, 32> decoded;
  decode_q4_0(reinterpret_cast<std::byte*>(&block), decoded.data(), 32);
  EXPECT_EQ(decoded[0], -16);
  EXPECT_EQ(decoded[1], 14);
  EXPECT_EQ(decoded[16], 2);
  EXPECT_EQ(decoded[17], -2);
  EXPECT_EQ(decoded[31], 0);
}

TEST(DType, decoding_is_off_by_at_most_the_steps_of_the_format) {
  Rng rng(3);
  std::vector<float> values(32 * 64);
  for (float& v : values) v = static_cast<float>(rng.normal());
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::f64, DType::q8_0, DType::q4_0}) {
    const DTypeTraits& t = traits(dtype);
    // Per value or per largest value of a block: half a step, a whole one for what Q4_0 clips, and 2^-11 for a half
    // scale.
    const double bound = t.dtype == DType::f16    ? 0x1p-11
                         : t.dtype == DType::bf16 ? 0x1p-8
                         : t.dtype == DType::q8_0 ? 0.5 / 127 + 0x1p-11
                         : t.dtype == DType::q4_0 ? 1.0 / 8 + 0x1p-11
                                                  : 0;
    const std::vector<float> decoded = encode_and_decode(t.dtype, values);
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t begin = i / static_cast<size_t>(t.block) * static_cast<size_t>(t.block);
      float largest = 0;
      for (size_t j = begin; j < begin + static_cast<size_t>(t.block); ++j)
        largest = std::max(largest, std::fabs(values[j]));
      ASSERT_LE(std::fabs(decoded[i] - values[i]), bound * largest) << t.name << " " << i;
    }
  }
}

}  // namespace
}  // namespace bantam
