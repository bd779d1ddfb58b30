// Products of packed weights, and the activations they are multiplied with, in every table.
#include "kernels/packed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/test_products.h"
#include "tensor/quant/q8_0.h"

namespace bantam {
namespace {

template <class Block>
void quantize(Product& p, void (*quantize)(const float*, Block*, int)) {
  p.x.resize(p.activations.size() / kPackedValues * sizeof(Block));
  quantize(p.activations.data(), reinterpret_cast<Block*>(p.x.data()), static_cast<int>(p.activations.size()));
  p.args.x_row_bytes = static_cast<size_t>(p.args.in / kPackedValues) * sizeof(Block);
  p.args.x = p.x.data();
}

// The same product with packed weights and rounded activations.
Product pack(Product p, DType format) {
  std::vector<std::byte> panels(packed_bytes(format, p.outs, p.args.in));
  for (int out = 0; out < p.outs; out += kPanelRows) {
    pack_panel(format, p.w.data() + static_cast<size_t>(out) * p.args.w_row_bytes, p.args.w_row_bytes,
               std::min(kPanelRows, p.outs - out), p.args.in,
               panels.data() + static_cast<size_t>(out / kPanelRows) * panel_bytes(format, p.args.in));
  }
  p.w = std::move(panels);
  p.args.w = p.w.data();
  p.args.w_row_bytes = panel_bytes(format, p.args.in);
  if (packed_format(format).bits == 16) {
    quantize(p, scalar().quantize_words);
  } else {
    quantize(p, scalar().quantize_activations);
  }
  return p;
}

class Packed : public Table {};

INSTANTIATE_TEST_SUITE_P(Kernels, Packed, testing::ValuesIn(usable_kernels().begin(), usable_kernels().end()),
                         table_name);

std::vector<DTypeTraits> packable_formats() {
  std::vector<DTypeTraits> formats;
  for (const DTypeTraits& format : all_dtypes()) {
    if (is_packable(format.dtype, 256)) formats.push_back(format);
  }
  return formats;
}

// Values of a row of which a block or more is packed at a time.
int least(const DTypeTraits& format) { return std::max(format.block, kPackedValues); }

// Wide enough that a panel is read in several chunks.
int wide(const DTypeTraits& format) { return format.block == 256 ? 5 * 256 : 35 * 32; }

TEST_P(Packed, packed_products_have_the_bits_of_the_definition_on_ragged_shapes) {
  for (const DTypeTraits& format : packable_formats()) {
    for (int in : {least(format), 3 * least(format), wide(format)}) {
      for (int rows : {1, 2, 3, 5, 8, 9, 14, 131}) {
        if (rows == 131 && in != least(format)) continue;
        const Product product = pack(random_product(rng, format, in, rows, 53), format.dtype);
        const int begin = rows % 2 * 16, end = rows % 3 == 0 ? 48 : 53;
        ASSERT_TRUE(same_bits(product.multiply(matmul_packed(format.dtype), begin, end),
                              product.multiply(scalar().matmul_packed[static_cast<size_t>(format.dtype)], begin, end)))
            << format.name << " in=" << in << " rows=" << rows;
      }
    }
  }
}

TEST_P(Packed, packed_products_are_those_of_the_decoded_weights_and_activations) {
  for (const DTypeTraits& format : packable_formats()) {
    if (packed_format(format.dtype).bits == 16) continue;
    const int in = wide(format), rows = 3, outs = 21;
    Product plain = random_product(rng, format, in, rows, outs);
    const auto found = pack(plain, format.dtype).multiply(matmul_packed(format.dtype), 0, outs);
    std::vector<std::byte> rounded(row_bytes(DType::q8_0, in) * rows);
    encode_q8_0(plain.activations.data(), rounded.data(), in * rows);
    decode_q8_0(rounded.data(), plain.activations.data(), in * rows);
    plain.args.x = reinterpret_cast<const std::byte*>(plain.activations.data());
    const auto expected = plain.multiply(scalar().matmul[static_cast<size_t>(format.dtype)], 0, outs);
    for (int r = 0; r < rows; ++r) {
      for (int o = 0; o < outs; ++o) {
        // Codes of formats with a minimum are all positive: what cancels is a few times larger than the weights.
        const float tolerance = 4 * static_cast<float>(in) * kEpsilon * norm(plain.activations.data() + r * in, in) *
                                norm(plain.weights.data() + o * in, in);
        const auto at = static_cast<size_t>(r * outs + o);
        ASSERT_NEAR(found[at], expected[at], tolerance) << format.name << " at " << r << ", " << o;
      }
    }
  }
}

TEST_P(Packed, products_of_words_are_those_of_the_stored_weights_to_thirteen_bits) {
  for (const DType format : {DType::f16, DType::bf16}) {
    for (const float size : {1.0f, 1e-4f, 3e3f}) {
      const int in = 35 * 32, rows = 3, outs = 21;
      Product plain = random_product(rng, traits(format), in, rows, outs);
      for (float& w : plain.weights) w *= size;
      encode_weights(traits(format), plain.weights, plain.w);
      plain.args.w = plain.w.data();
      const auto found = pack(plain, format).multiply(matmul_packed(format), 0, outs);
      const auto expected = plain.multiply(scalar().matmul[static_cast<size_t>(format)], 0, outs);
      for (int r = 0; r < rows; ++r) {
        for (int o = 0; o < outs; ++o) {
          // Rounded are values of either side, each to 2^-14 of at most four times their size, with changing signs.
          const float sizes = norm(plain.activations.data() + r * in, in) * norm(plain.weights.data() + o * in, in) /
                              std::sqrt(static_cast<float>(in));
          const auto at = static_cast<size_t>(r * outs + o);
          ASSERT_NEAR(found[at], expected[at], 8 * sizes / 8192) << traits(format).name << " at " << r << ", " << o;
        }
      }
    }
  }
}

TEST_P(Packed, words_keep_sixteen_bit_floats_exactly_within_a_factor_of_four) {
  Product product = random_product(rng, traits(DType::f16), 32, 32, 16);
  for (float& w : product.weights) w = std::copysign(1 + 3 * static_cast<float>(rng.below(1000)) / 1000, w);
  encode_weights(traits(DType::f16), product.weights, product.w);
  // Each row of activations asks for one of the weights.
  for (int r = 0; r < 32; ++r) {
    for (int i = 0; i < 32; ++i) product.activations[static_cast<size_t>(32 * r + i)] = i == r ? 8191 : 0;
  }
  const auto found = pack(product, DType::f16).multiply(matmul_packed(DType::f16), 0, 16);
  for (size_t o = 0; o < 16; ++o) {
    for (size_t r = 0; r < 32; ++r) {
      float exact;
      traits(DType::f16).decode(product.w.data() + 2 * (32 * o + r), &exact, 1);
      ASSERT_EQ(found[16 * r + o], 8191 * exact);
    }
  }
}

TEST_P(Packed, words_that_are_not_finite_spoil_their_row_and_no_other) {
  Product product = random_product(rng, traits(DType::f16), 64, 2, 18);
  product.weights[64 * 3 + 40] = kInfinity;
  product.weights[64 * 17 + 1] = std::numeric_limits<float>::quiet_NaN();
  encode_weights(traits(DType::f16), product.weights, product.w);
  const auto found = pack(product, DType::f16).multiply(matmul_packed(DType::f16), 0, 18);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(std::isfinite(found[i]), i % 18 != 3 && i % 18 != 17) << i;
}

TEST_P(Packed, a_row_of_a_packed_product_has_the_same_bits_alone_in_a_batch_and_in_any_output_range) {
  for (const DTypeTraits& format : packable_formats()) {
    const Product batch = pack(random_product(rng, format, wide(format), 131, 37), format.dtype);
    const auto expected = batch.multiply(matmul_packed(format.dtype), 0, 37);
    for (int row : {0, 5, 8, 127, 128, 130}) {
      for (int chunk : {16, 32}) {
        std::vector<float> y(37);
        MatmulArgs args = batch.args;
        args.x += static_cast<size_t>(row) * args.x_row_bytes;
        args.rows = 1;
        args.y = y.data();
        for (int o = 0; o < 37; o += chunk) matmul_packed(format.dtype)(args, o, std::min(37, o + chunk));
        ASSERT_TRUE(same_bits(y, {expected.begin() + row * 37, expected.begin() + row * 37 + 37}))
            << format.name << " row " << row;
      }
    }
  }
}

TEST_P(Packed, packed_products_keep_extreme_codes_exact) {
  for (const DTypeTraits& format : packable_formats()) {
    for (int rows : {1, 9}) {
      Product product = pack(random_product(rng, format, 512, rows, 19), format.dtype);
      const PackedFormat f = packed_format(format.dtype);
      const bool bytes[] = {false, true};
      for (const bool all : bytes) {  // all codes and activations at an end of their range, and at either end
        const auto either = [&](uint8_t a, uint8_t b) { return std::byte{all || rng.below(2) ? a : b}; };
        if (f.bits == 16) {
          for (size_t i = 0; i < product.w.size(); i += f.block_bytes()) {
            for (size_t j = 0; j < f.code_bytes(); j += 2) {
              const auto word = static_cast<int16_t>(all || rng.below(2) ? 8192 : -8192);
              std::memcpy(product.w.data() + i + j, &word, sizeof word);
            }
          }
          auto* words = reinterpret_cast<ActivationWords*>(product.x.data());
          for (size_t i = 0; i < product.x.size() / sizeof *words; ++i) {
            for (int16_t& q : words[i].q) {
              q = static_cast<int16_t>(all || rng.below(2) ? ActivationWords::kTop : -ActivationWords::kTop);
            }
          }
        }
        for (size_t panel = 0; f.bits < 16 && panel < product.w.size(); panel += product.args.w_row_bytes) {
          std::byte* at = product.w.data() + panel;
          for (int b = 0; b < 16; ++b, at += f.block_bytes()) {
            if (b % f.blocks() == 0) at += f.header_bytes();
            for (size_t i = 0; i < f.code_bytes(); ++i) at[i] = either(0xFF, 0x00);
          }
        }
        for (size_t i = 0; f.bits < 16 && i < product.x.size(); i += sizeof(ActivationBlock)) {
          auto* block = reinterpret_cast<ActivationBlock*>(product.x.data() + i);
          block->half_sums[0] = block->half_sums[1] = 0;
          for (int j = 0; j < 32; ++j) {
            block->q[j] = static_cast<int8_t>(either(0x81, 0x7F));
            block->half_sums[j / 16] += block->q[j];
          }
        }
        EXPECT_TRUE(same_bits(product.multiply(matmul_packed(format.dtype), 0, 19),
                              product.multiply(scalar().matmul_packed[static_cast<size_t>(format.dtype)], 0, 19)))
            << format.name;
      }
    }
  }
}

TEST_P(Packed, quantising_activations_gives_the_bytes_of_q8_0) {
  auto values = random_values(rng, 32 * 40);
  for (size_t i = 0; i < values.size(); ++i) values[i] *= std::pow(10.0f, static_cast<float>(i / 32) * 2 - 40);
  const auto expect_reference_bytes = [&] {
    std::vector<ActivationBlock> found(values.size() / 32);
    kernels.quantize_activations(values.data(), found.data(), static_cast<int>(values.size()));
    for (size_t b = 0; b < found.size(); ++b) {
      BlockQ8_0 expected;
      encode_q8_0(values.data() + 32 * b, reinterpret_cast<std::byte*>(&expected), 32);
      int sums[2] = {};
      for (int j = 0; j < 32; ++j) {
        ASSERT_EQ(found[b].q[j], expected.q[j]);
        sums[j / 16] += expected.q[j];
      }
      ASSERT_TRUE(same_bits({found[b].scale}, {f16_to_f32(expected.scale)}));
      ASSERT_EQ(found[b].half_sums[0], sums[0]);
      ASSERT_EQ(found[b].half_sums[1], sums[1]);
      ASSERT_TRUE(same_bits({found[b].scaled_sum}, {static_cast<float>(sums[0] + sums[1]) * found[b].scale}));
    }
  };
  expect_reference_bytes();
  for (size_t i = 0; i < values.size(); ++i) {  // quotients on and just beside halves
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 255) - 127) + 0.5f;
    if (i % 3 == 1) values[i] = std::nextafter(values[i], 0.0f);
    if (i % 32 == 0) values[i] = 127;
  }
  values[33] = 0.49999997f;
  expect_reference_bytes();
  values[70] = kInfinity;
  values[100] = std::numeric_limits<float>::quiet_NaN();
  values[130] = -kInfinity;
  std::fill_n(values.begin() + 160, 32, -0.0f);
  expect_reference_bytes();
}

TEST_P(Packed, quantising_activations_to_words_gives_the_bits_of_the_definition) {
  auto values = random_values(rng, 32 * 40);
  for (size_t i = 0; i < values.size(); ++i) values[i] *= std::pow(10.0f, static_cast<float>(i / 32) * 2 - 40);
  values[70] = kInfinity;
  values[100] = std::numeric_limits<float>::quiet_NaN();
  std::fill_n(values.begin() + 160, 32, -0.0f);
  for (int i = 0; i < 32; ++i) values[static_cast<size_t>(320 + i)] = i == 0 ? 8191 : static_cast<float>(i) + 0.5f;
  values[330] = std::nextafter(values[330], 0.0f);
  std::vector<ActivationWords> found(40), expected(40);
  kernels.quantize_words(values.data(), found.data(), 32 * 40);
  scalar().quantize_words(values.data(), expected.data(), 32 * 40);
  for (size_t b = 0; b < found.size(); ++b) {
    for (int j = 0; j < 32; ++j) ASSERT_EQ(found[b].q[j], expected[b].q[j]) << b << ", " << j;
    ASSERT_TRUE(same_bits({found[b].scale}, {expected[b].scale})) << b;
    if (b == 10) {
      ASSERT_EQ(found[b].q[10], 10);
      ASSERT_EQ(found[b].q[11], 12);
    }
  }
}

}  // namespace
}  // namespace bantam
