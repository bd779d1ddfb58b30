#include "kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/test_products.h"

namespace bantam {
namespace {

constexpr int kSizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 127, 300};

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
