#include "kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "tensor/quant/q8_0.h"

namespace bantam {
namespace {

constexpr float kEpsilon = std::numeric_limits<float>::epsilon();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kSizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 127, 300};

std::vector<float> random_values(Rng& rng, size_t n, double scale = 1) {
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(scale * rng.normal());
  return values;
}

float norm(const float* v, int n) {
  double squares = 0;
  for (int i = 0; i < n; ++i) squares += static_cast<double>(v[i]) * v[i];
  return static_cast<float>(std::sqrt(squares));
}

const Kernels& scalar() { return *usable_kernels().front(); }

// Bit for bit, so that -0 differs from 0 and a NaN equals itself.
testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i])) {
      return testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
    }
  }
  return testing::AssertionSuccess();
}

// Every element within `tolerance` of the expected one, relative to it or to `floor` where that is larger.
testing::AssertionResult close(const std::vector<float>& found, const std::vector<float>& expected, float tolerance,
                               float floor) {
  for (size_t i = 0; i < found.size(); ++i) {
    if (!(std::fabs(found[i] - expected[i]) <= tolerance * std::max(floor, std::fabs(expected[i])))) {
      return testing::AssertionFailure() << "element " << i << " of " << found.size() << ": " << found[i]
                                         << ", expected " << expected[i];
    }
  }
  return testing::AssertionSuccess();
}

struct Product {
  std::vector<float> weights, activations;
  std::vector<std::byte> w, x;
  int outs = 0;
  MatmulArgs args;

  std::vector<float> multiply(MatmulKernel kernel, int out_begin, int out_end) const {
    std::vector<float> y(static_cast<size_t>(args.rows * outs), -7);
    MatmulArgs all = args;
    all.y = y.data();
    kernel(all, out_begin, out_end);
    return y;
  }
};

// Random values; those of block formats repeat after seven blocks, because encoding is slow.
std::vector<float> random_weights(Rng& rng, const DTypeTraits& format, size_t n) {
  const size_t period = format.block == 1 ? n : std::min(n, 7 * static_cast<size_t>(format.block));
  std::vector<float> values = random_values(rng, period);
  values.resize(n);
  for (size_t i = period; i < n; ++i) values[i] = values[i - period];
  return values;
}

// The bytes of random_weights().
void encode_weights(const DTypeTraits& format, const std::vector<float>& values, std::vector<std::byte>& blocks) {
  const size_t period = format.block == 1 ? blocks.size() : std::min(blocks.size(), 7 * format.block_bytes);
  format.encode(values.data(), blocks.data(), static_cast<int64_t>(period / format.block_bytes) * format.block);
  for (size_t i = period; i < blocks.size(); ++i) blocks[i] = blocks[i - period];
}

Product random_product(Rng& rng, const DTypeTraits& format, int in, int rows, int outs) {
  Product p{.weights = random_weights(rng, format, static_cast<size_t>(in * outs)),
            .activations = random_values(rng, static_cast<size_t>(in * rows)),
            .w = std::vector<std::byte>(row_bytes(format.dtype, in) * static_cast<size_t>(outs)),
            .x = {},
            .outs = outs,
            .args = {.w_row_bytes = row_bytes(format.dtype, in),
                     .in = in,
                     .x_row_bytes = static_cast<size_t>(in) * sizeof(float),
                     .rows = rows,
                     .y_stride = outs}};
  encode_weights(format, p.weights, p.w);
  p.args.w = p.w.data();
  p.args.x = reinterpret_cast<const std::byte*>(p.activations.data());
  return p;
}

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

class Table : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels = *GetParam();
  Rng rng{42};

  MatmulKernel matmul(DType format) const { return kernels.matmul[static_cast<size_t>(format)]; }
  MatmulKernel matmul_packed(DType format) const { return kernels.matmul_packed[static_cast<size_t>(format)]; }
};

std::string table_name(const testing::TestParamInfo<const Kernels*>& info) { return std::string(info.param->name); }

INSTANTIATE_TEST_SUITE_P(Kernels, Table, testing::ValuesIn(usable_kernels().begin(), usable_kernels().end()),
                         table_name);

TEST_P(Table, products_agree_with_the_definition_on_ragged_shapes) {
  for (const DTypeTraits& format : all_dtypes()) {
    for (int size : kSizes) {
      const int in = format.block == 1 ? size : format.block * std::min(size, format.block > 32 ? 5 : 17);
      for (int rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13}) {
        const Product product = random_product(rng, format, in, rows, 23);
        const int begin = rows % 3, end = 23 - rows % 5;
        const auto found = product.multiply(matmul(format.dtype), begin, end);
        const auto expected = product.multiply(scalar().matmul[static_cast<size_t>(format.dtype)], begin, end);
        for (int r = 0; r < rows; ++r) {
          for (int o = 0; o < 23; ++o) {
            const float tolerance = static_cast<float>(in) * kEpsilon * norm(product.activations.data() + r * in, in) *
                                    norm(product.weights.data() + o * in, in);
            const auto at = static_cast<size_t>(r * 23 + o);
            ASSERT_NEAR(found[at], expected[at], o < begin || o >= end ? 0 : tolerance)
                << format.name << " in=" << in << " rows=" << rows << " at " << r << ", " << o;
          }
        }
      }
    }
  }
}

TEST_P(Table, a_row_has_the_same_bits_alone_in_a_batch_and_in_any_output_range) {
  for (const DTypeTraits& format : all_dtypes()) {
    for (int in : {3 * std::max(format.block, 32), format.block > 32 ? 5 * format.block : 33 * 32}) {
      const Product batch = random_product(rng, format, in, 71, 37);
      const auto expected = batch.multiply(matmul(format.dtype), 0, 37);
      for (int row : {0, 5, 6, 46, 63, 64, 70}) {
        for (int chunk : {1, 8, 36}) {
          std::vector<float> y(37);
          MatmulArgs args = batch.args;
          args.x += static_cast<size_t>(row) * args.x_row_bytes;
          args.rows = 1;
          args.y = y.data();
          for (int o = 0; o < 37; o += chunk) matmul(format.dtype)(args, o, std::min(37, o + chunk));
          ASSERT_TRUE(same_bits(y, {expected.begin() + row * 37, expected.begin() + row * 37 + 37}))
              << format.name << " row " << row;
        }
      }
    }
  }
}

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

TEST_P(Table, packed_products_have_the_bits_of_the_definition_on_ragged_shapes) {
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

TEST_P(Table, packed_products_are_those_of_the_decoded_weights_and_activations) {
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

TEST_P(Table, products_of_words_are_those_of_the_stored_weights_to_thirteen_bits) {
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

TEST_P(Table, words_keep_sixteen_bit_floats_exactly_within_a_factor_of_four) {
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

TEST_P(Table, words_that_are_not_finite_spoil_their_row_and_no_other) {
  Product product = random_product(rng, traits(DType::f16), 64, 2, 18);
  product.weights[64 * 3 + 40] = kInfinity;
  product.weights[64 * 17 + 1] = std::numeric_limits<float>::quiet_NaN();
  encode_weights(traits(DType::f16), product.weights, product.w);
  const auto found = pack(product, DType::f16).multiply(matmul_packed(DType::f16), 0, 18);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(std::isfinite(found[i]), i % 18 != 3 && i % 18 != 17) << i;
}

TEST_P(Table, a_row_of_a_packed_product_has_the_same_bits_alone_in_a_batch_and_in_any_output_range) {
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

TEST_P(Table, packed_products_keep_extreme_codes_exact) {
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

TEST_P(Table, quantising_activations_gives_the_bytes_of_q8_0) {
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

TEST_P(Table, quantising_activations_to_words_gives_the_bits_of_the_definition) {
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

TEST_P(Table, dot_axpy_and_add_agree_with_the_definition) {
  for (int n : kSizes) {
    const auto size = static_cast<size_t>(n);
    const auto a = random_values(rng, size), b = random_values(rng, size);
    const float tolerance = static_cast<float>(n) * kEpsilon * norm(a.data(), n) * norm(b.data(), n);
    EXPECT_NEAR(kernels.dot(a.data(), b.data(), n), scalar().dot(a.data(), b.data(), n), tolerance);
    auto found = b, expected = b;
    kernels.axpy(0.7f, a.data(), found.data(), size);
    scalar().axpy(0.7f, a.data(), expected.data(), size);
    EXPECT_TRUE(close(found, expected, 2 * kEpsilon, 2));
    kernels.add(found.data(), a.data(), found.data(), size);
    for (size_t i = 0; i < size; ++i) expected[i] = found[i];
    kernels.add(a.data(), b.data(), found.data(), size);
    scalar().add(a.data(), b.data(), expected.data(), size);
    EXPECT_TRUE(same_bits(found, expected));
  }
}

TEST_P(Table, rmsnorm_and_its_backward_agree_with_the_definition) {
  for (int n : kSizes) {
    const auto size = static_cast<size_t>(n);
    const auto x = random_values(rng, size), w = random_values(rng, size), dy = random_values(rng, size);
    std::vector<float> found(size), expected(size);
    const float inv_rms = kernels.rmsnorm(x.data(), w.data(), found.data(), n, 1e-6f, 1);
    const float expected_inv_rms = scalar().rmsnorm(x.data(), w.data(), expected.data(), n, 1e-6f, 1);
    const float tolerance = static_cast<float>(n + 8) * kEpsilon;
    EXPECT_NEAR(inv_rms, expected_inv_rms, tolerance * expected_inv_rms);
    EXPECT_TRUE(close(found, expected, tolerance, 0));

    auto dx = random_values(rng, size), dw = random_values(rng, size), expected_dx = dx, expected_dw = dw;
    kernels.rmsnorm_backward(x.data(), w.data(), inv_rms, dy.data(), dx.data(), dw.data(), n, 1);
    scalar().rmsnorm_backward(x.data(), w.data(), inv_rms, dy.data(), expected_dx.data(), expected_dw.data(), n, 1);
    const float floor = 1 + 16 * inv_rms * norm(dy.data(), n);
    EXPECT_TRUE(close(dx, expected_dx, tolerance, floor)) << n;
    EXPECT_TRUE(close(dw, expected_dw, tolerance, floor)) << n;
  }
}

TEST_P(Table, softmax_agrees_with_the_definition) {
  for (int n : kSizes) {
    const auto size = static_cast<size_t>(n);
    auto found = random_values(rng, size, 5), expected = found;
    const float log_sum = kernels.softmax(found.data(), n), expected_log_sum = scalar().softmax(expected.data(), n);
    const float tolerance = static_cast<float>(n + 16) * kEpsilon;
    EXPECT_NEAR(log_sum, expected_log_sum, tolerance * (1 + std::fabs(expected_log_sum)));
    EXPECT_TRUE(close(found, expected, tolerance, 1e-30f));
  }
}

TEST_P(Table, softmax_survives_huge_and_masked_scores) {
  for (size_t n : {2u, 15u, 16u, 33u}) {
    std::vector<float> scores(n, -kInfinity);
    scores[0] = scores[1] = 1e4f;
    EXPECT_NEAR(kernels.softmax(scores.data(), static_cast<int>(n)), 1e4f + std::log(2.0f), 1e-2f);
    std::vector<float> expected(n, 0);
    expected[0] = expected[1] = 0.5f;
    EXPECT_TRUE(same_bits(scores, expected));
    std::fill(scores.begin(), scores.end(), -1e30f);
    kernels.softmax(scores.data(), static_cast<int>(n));
    EXPECT_TRUE(close(scores, std::vector<float>(n, 1 / static_cast<float>(n)), 2 * kEpsilon, 0));
  }
}

TEST_P(Table, exp_is_accurate_and_overflows_and_underflows_as_the_library_does) {
  std::vector<float> x;
  for (float v = -105; v < 90; v += 0.0137f) x.push_back(v);
  x.insert(x.end(), {1e4f, -1e4f, kInfinity, -kInfinity, 0, -0.0f, 1e-40f, 88.722839f, 88.722847f, -87.336548f});
  auto found = x;
  kernels.exp_shifted(found.data(), 0, found.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    const auto rounded = static_cast<float>(exact);
    const double ulp = static_cast<double>(std::nextafter(rounded, kInfinity)) - rounded;
    if (std::isinf(rounded)) {
      EXPECT_EQ(found[i], rounded) << x[i];
    } else {
      EXPECT_LE(std::fabs(found[i] - exact), 1.5 * ulp) << x[i];
    }
  }
  float nan = std::numeric_limits<float>::quiet_NaN();
  kernels.exp_shifted(&nan, 0, 1);
  EXPECT_TRUE(std::isnan(nan));
}

TEST_P(Table, soft_cap_is_accurate_from_denormals_to_infinity) {
  std::vector<float> x;
  for (float v = 1e-42f; v < 1e5f; v *= 1.013f) x.insert(x.end(), {v, -v});
  x.insert(x.end(), {kInfinity, -kInfinity, 0.0f, -0.0f});
  std::vector<float> found(x.size());
  for (float cap : {1.0f, 30.0f}) {
    kernels.soft_cap(x.data(), cap, found.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = cap * std::tanh(static_cast<double>(x[i] / cap));
      ASSERT_LE(std::fabs(found[i] - exact), 4 * kEpsilon * std::fabs(exact) + 3e-44 * cap) << x[i];
      ASSERT_EQ(std::signbit(found[i]), std::signbit(x[i])) << x[i];
    }
  }
}

TEST_P(Table, gates_and_their_backward_agree_with_the_definition) {
  for (Activation act : {Activation::silu, Activation::gelu_tanh, Activation::relu_squared}) {
    for (int n : kSizes) {
      const auto size = static_cast<size_t>(n);
      auto gate = random_values(rng, size, 3);
      const auto ups = random_values(rng, size), dy = random_values(rng, size);
      if (n > 8) gate[0] = 1e4f, gate[1] = -1e4f, gate[2] = 0, gate[3] = 1e-40f;
      for (const float* up : {ups.data(), static_cast<const float*>(nullptr)}) {
        std::vector<float> found(size), expected(size);
        kernels.gated(act, gate.data(), up, found.data(), size);
        scalar().gated(act, gate.data(), up, expected.data(), size);
        EXPECT_TRUE(close(found, expected, 32 * kEpsilon, 1e-4f));
        auto dgate = random_values(rng, size), dups = random_values(rng, size);
        auto expected_dgate = dgate, expected_dups = dups;
        kernels.gated_backward(act, gate.data(), up, dy.data(), dgate.data(), up ? dups.data() : nullptr, size);
        scalar().gated_backward(act, gate.data(), up, dy.data(), expected_dgate.data(),
                                up ? expected_dups.data() : nullptr, size);
        EXPECT_TRUE(close(dgate, expected_dgate, 32 * kEpsilon, 1));
        EXPECT_TRUE(close(dups, expected_dups, 32 * kEpsilon, 1));
      }
    }
  }
}

TEST_P(Table, adamw_agrees_with_the_definition) {
  for (int n : kSizes) {
    const auto size = static_cast<size_t>(n);
    auto w = random_values(rng, size), m = random_values(rng, size), v = random_values(rng, size);
    const auto g = random_values(rng, size);
    for (float& square : v) square *= square;
    auto expected_w = w, expected_m = m, expected_v = v;
    AdamwArgs args{.w = w.data(),
                   .g = g.data(),
                   .m = m.data(),
                   .v = v.data(),
                   .n = size,
                   .lr = 0.01f,
                   .beta1 = 0.9f,
                   .beta2 = 0.99f,
                   .eps = 1e-8f,
                   .weight_decay = 0.1f,
                   .bias1 = 0.19f,
                   .bias2 = 0.0199f,
                   .grad_scale = 0.5f};
    kernels.adamw(args);
    args.w = expected_w.data(), args.m = expected_m.data(), args.v = expected_v.data();
    scalar().adamw(args);
    EXPECT_TRUE(close(w, expected_w, 8 * kEpsilon, 1));
    EXPECT_TRUE(close(m, expected_m, 8 * kEpsilon, 1));
    EXPECT_TRUE(close(v, expected_v, 8 * kEpsilon, 1e-3f));
  }
}

TEST_P(Table, an_element_has_the_same_bits_wherever_it_stands) {
  const auto gate = random_values(rng, 67, 4), up = random_values(rng, 67);
  std::vector<float> whole(67), pieces(67);
  kernels.gated(Activation::gelu_tanh, gate.data(), up.data(), whole.data(), 67);
  for (size_t i = 0; i < 67; ++i) kernels.gated(Activation::gelu_tanh, &gate[i], &up[i], &pieces[i], 1);
  EXPECT_TRUE(same_bits(whole, pieces));
  kernels.soft_cap(gate.data(), 2, whole.data(), 67);
  for (size_t i = 0; i < 67; ++i) kernels.soft_cap(&gate[i], 2, &pieces[i], 1);
  EXPECT_TRUE(same_bits(whole, pieces));
}

TEST(Dispatch, the_first_table_is_the_definition_and_names_lead_to_tables) {
  EXPECT_EQ(scalar().name, "scalar");
  for (const Kernels* table : usable_kernels()) EXPECT_EQ(&kernels_by_name(table->name), table);
}

TEST(Dispatch, an_unknown_name_is_refused_with_the_usable_ones) {
  try {
    kernels_by_name("sse9");
    FAIL() << "no error";
  } catch (const UsageError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("'sse9'"), std::string::npos) << message;
    for (const Kernels* table : usable_kernels()) EXPECT_NE(message.find(table->name), std::string::npos) << message;
  }
}

// The choice is made once per process, so each case has its own.
TEST(Dispatch, the_environment_chooses_the_table) {
  const auto exit_with_choice = [](const char* wanted) {
    setenv("BANTAM_KERNELS", wanted, 1);
    try {
      std::_Exit(&active_kernels() == usable_kernels().back() ? 1 : &active_kernels() == &scalar() ? 0 : 2);
    } catch (const UsageError&) {
      std::_Exit(3);
    }
  };
  EXPECT_EXIT(exit_with_choice(""), testing::ExitedWithCode(usable_kernels().size() > 1 ? 1 : 0), "");
  EXPECT_EXIT(exit_with_choice("scalar"), testing::ExitedWithCode(usable_kernels().size() > 1 ? 0 : 1), "");
  EXPECT_EXIT(exit_with_choice("sse9"), testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace bantam
