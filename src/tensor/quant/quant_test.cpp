// Every block format: decoding is llama.cpp's to the last bit, encoding finds what the format can hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "base/rng.h"
#include "tensor/dtype.h"

namespace bantam {

void PrintTo(const DTypeTraits& format, std::ostream* out) { *out << format.name; }

namespace {

using Values = std::vector<float>;

Values decode(const DTypeTraits& format, const std::vector<std::byte>& stored, size_t n) {
  Values values(n);
  format.decode(stored.data(), values.data(), static_cast<int64_t>(n));
  return values;
}

std::vector<std::byte> encode(const DTypeTraits& format, const Values& values, const Values& importance = {}) {
  const auto n = static_cast<int64_t>(values.size());
  std::vector<std::byte> stored(row_bytes(format.dtype, n));
  if (importance.empty()) {
    format.encode(values.data(), stored.data(), n);
  } else {
    format.encode_weighted(values.data(), importance.data(), stored.data(), n);
  }
  return stored;
}

Values encode_and_decode(const DTypeTraits& format, const Values& values, const Values& importance = {}) {
  return decode(format, encode(format, values, importance), values.size());
}

Values normal_values(size_t n, double scale = 1) {
  Rng rng(7);
  Values values(n);
  for (float& v : values) v = static_cast<float>(scale * rng.normal());
  return values;
}

// sqrt(sum(importance * error^2) / sum(importance * value^2))
double relative_error(const Values& found, const Values& expected, const Values& importance = {}) {
  double error = 0, size = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double w = importance.empty() ? 1 : importance[i], off = static_cast<double>(found[i]) - expected[i];
    error += w * off * off;
    size += w * expected[i] * expected[i];
  }
  return std::sqrt(error / size);
}

struct Expected {
  DType dtype;
  uint64_t decoded;  // FNV-1a of the floats that golden_bytes() decode to in llama.cpp's ggml
  float second, last;
  double error;  // relative, of normal values; ggml's encoder without importance is at or above 0.98 times this
};
constexpr Expected kExpected[] = {
    {DType::q4_0, 0xacdf4deeab7f51d7u, -0.0165557861328125f, 0.0f, 0.090},
    {DType::q4_1, 0x107aa91d28b53c8au, 0.018640220165252686f, -3386.5f, 0.072},
    {DType::q5_0, 0x8d4e683c68c160d6u, 0.004138946533203125f, -1118.25f, 0.0415},
    {DType::q5_1, 0xdef8fb93d1bddcb2u, 0.018640220165252686f, 98.78913879394531f, 0.035},
    {DType::q8_0, 0xbe80044648db7dd3u, 0.0f, 38.702392578125f, 0.0055},
    {DType::q2_k, 0x128d80d7ac54a387u, 9.307951927185059f, -212.046875f, 0.278},
    {DType::q3_k, 0xebd54298784b291eu, -11223.0f, 0.019237518310546875f, 0.15},
    {DType::q4_k, 0x1add158cef38e703u, 0.13625609874725342f, 0.51361083984375f, 0.072},
    {DType::q5_k, 0xe286fc6910678d87u, 0.27284133434295654f, 1851944.0f, 0.0355},
    {DType::q6_k, 0x66590132545dba27u, 80.75830078125f, 19.644775390625f, 0.0174},
    {DType::iq4_nl, 0xad893cb48052a2bbu, -0.26282310485839844f, 33.375f, 0.076},
    {DType::iq4_xs, 0x637793c900c629cau, 0.4573535919189453f, 99.9443359375f, 0.0765},
    {DType::tq1_0, 0xffed50ee80125a1du, -60224.0f, 1.2218952178955078e-05f, 0.46},
    {DType::tq2_0, 0x4cd4bb00f44d6cb6u, -0.23095703125f, -0.0f, 0.46},
    {DType::mxfp4, 0x6aedd75a66c02b0cu, -2.0328790734103208e-20f, -1.5211807202738753e+31f, 0.115},
};

const Expected& expected(const DTypeTraits& format) {
  return *std::ranges::find(kExpected, format.dtype, &Expected::dtype);
}

// The high bytes of a linear congruential generator, chosen so that no scale is an infinity or a NaN.
std::vector<std::byte> golden_bytes(size_t n) {
  std::vector<std::byte> bytes(n);
  uint32_t state = 9;
  for (std::byte& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

class BlockFormat : public testing::TestWithParam<DTypeTraits> {
 protected:
  const DTypeTraits& format = GetParam();
  const size_t block = static_cast<size_t>(GetParam().block);
};

std::vector<DTypeTraits> block_formats() {
  std::vector<DTypeTraits> formats;
  for (const DTypeTraits& t : all_dtypes()) {
    if (t.block > 1) formats.push_back(t);
  }
  return formats;
}

INSTANTIATE_TEST_SUITE_P(Quant, BlockFormat, testing::ValuesIn(block_formats()),
                         [](const auto& format) { return std::string(format.param.name); });

TEST_P(BlockFormat, random_blocks_decode_to_the_floats_of_llama_cpp) {
  const Values values = decode(format, golden_bytes(4 * format.block_bytes), 4 * block);
  EXPECT_EQ(values[1], expected(format).second);
  EXPECT_EQ(values.back(), expected(format).last);
  uint64_t hash = 0xcbf29ce484222325u;
  for (const float value : values) {
    for (int byte = 0; byte < 4; ++byte) {
      hash = (hash ^ (std::bit_cast<uint32_t>(value) >> (8 * byte) & 255)) * 0x100000001b3u;
    }
  }
  EXPECT_EQ(hash, expected(format).decoded);
}

TEST_P(BlockFormat, normal_values_come_back_within_the_error_of_the_format) {
  const Values values = normal_values(4096);
  EXPECT_LT(relative_error(encode_and_decode(format, values), values), expected(format).error);
}

TEST_P(BlockFormat, negative_values_come_back_as_well_as_positive_ones) {
  Values values = normal_values(4096);
  for (float& v : values) v = -std::fabs(v);
  const double error = relative_error(encode_and_decode(format, values), values);
  EXPECT_LT(error, 1.05 * expected(format).error);
  for (float& v : values) v = -v;
  EXPECT_NEAR(relative_error(encode_and_decode(format, values), values), error, 0.35 * expected(format).error);
}

TEST_P(BlockFormat, constants_are_kept) {
  const double limit = format.dtype == DType::mxfp4 ? 1.0 / 5 : 1.0 / 128;  // mxfp4: between 4 and 6 there is nothing
  for (const float constant : {1.0f, -1.0f, 0.3f, -0.07f, 113.0f}) {
    for (const float value : encode_and_decode(format, Values(block, constant))) {
      ASSERT_LE(std::fabs(value - constant), limit * std::fabs(constant)) << constant;
    }
  }
}

TEST_P(BlockFormat, zeros_and_denormals_decode_to_zero) {
  for (const float value : {0.0f, -0.0f, 1e-45f, -1e-38f, 1e-37f}) {
    for (const float decoded : encode_and_decode(format, Values(block, value))) EXPECT_EQ(decoded, 0) << value;
  }
}

TEST_P(BlockFormat, one_value_among_zeros_is_kept) {
  for (const float lone : {0.5f, -0.5f}) {
    Values values(block, 0.0f);
    values[block / 2 + 3] = lone;
    const Values decoded = encode_and_decode(format, values);
    for (size_t i = 0; i < block; ++i) EXPECT_NEAR(decoded[i], values[i], 0.5 / 64) << i;
  }
}

TEST_P(BlockFormat, a_block_with_a_nan_or_an_infinity_is_not_finite_and_spares_its_neighbours) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    Values values(3 * block, 1.0f);
    values[block + 5] = bad;
    const Values decoded = encode_and_decode(format, values);
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(std::isfinite(decoded[i]), i / block != 1) << i;
  }
}

TEST_P(BlockFormat, values_too_large_for_the_scale_do_not_pass_as_numbers) {
  for (const float huge : {1.1e10f, 1e25f, 3e38f}) {
    const Values decoded = encode_and_decode(format, Values(block, huge));
    EXPECT_FALSE(std::isfinite(decoded[0])) << huge;
  }
}

TEST_P(BlockFormat, a_block_has_the_same_bytes_alone_and_in_a_row) {
  const Values values = normal_values(4 * block);
  const std::vector<std::byte> row = encode(format, values);
  for (size_t b = 0; b < 4; ++b) {
    const auto begin = static_cast<ptrdiff_t>(b * block), end = static_cast<ptrdiff_t>((b + 1) * block);
    const std::vector<std::byte> alone = encode(format, {values.begin() + begin, values.begin() + end});
    EXPECT_TRUE(std::ranges::equal(alone, std::span(row).subspan(b * format.block_bytes, format.block_bytes)));
  }
}

TEST_P(BlockFormat, importance_moves_the_error_to_columns_that_matter_less) {
  if (!format.encode_weighted) GTEST_SKIP() << "skipped: nothing is searched";
  const Values values = normal_values(4096);
  Values importance(values.size());
  for (size_t i = 0; i < importance.size(); ++i) importance[i] = i % 5 == 0 ? 30.0f : 1.0f;
  const double without = relative_error(encode_and_decode(format, values), values, importance);
  EXPECT_LT(relative_error(encode_and_decode(format, values, importance), values, importance),
            (format.dtype == DType::mxfp4 ? 1.01 : 0.995) * without);  // mxfp4 can choose but an exponent
}

TEST_P(BlockFormat, columns_without_any_importance_are_encoded_like_columns_of_equal_importance) {
  if (!format.encode_weighted) GTEST_SKIP() << "skipped: nothing is searched";
  const Values values = normal_values(1024);
  EXPECT_LT(relative_error(encode_and_decode(format, values, Values(1024, 0.0f)), values),
            expected(format).error * 1.1);
}

TEST(Ternary, values_of_three_levels_are_kept_to_the_bit) {
  Rng rng(5);
  Values values(1024);
  for (float& v : values) v = 0.0123291015625f * (static_cast<float>(rng.below(3)) - 1);  // a half's value
  for (const DType dtype : {DType::tq1_0, DType::tq2_0}) EXPECT_EQ(encode_and_decode(traits(dtype), values), values);
}

}  // namespace
}  // namespace bantam
