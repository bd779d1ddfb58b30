#include "kernels/gemm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace bantam {
namespace {

constexpr real kNan = std::numeric_limits<real>::quiet_NaN();

// To nearest, ties to even, as the bf16 products round their operands.
double rounded(GemmPrecision precision, real x) {
  if (precision == GemmPrecision::f32) return static_cast<double>(x);
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(x));
  return static_cast<double>(std::bit_cast<float>((bits + 0x7fffu + ((bits >> 16) & 1)) & 0xffff0000u));
}

// One call and the memory it works on. What lies between the rows is NaN: it must be neither used nor changed.
class Product {
 public:
  struct Shape {
    int m, n, k;
    bool transpose_a, transpose_b;
    int padding = 0;
    real alpha = 1, beta = 0;
  };

  Product(const Shape& s, uint32_t seed) : random_(seed) {
    args_.transpose_a = s.transpose_a;
    args_.transpose_b = s.transpose_b;
    args_.m = s.m;
    args_.n = s.n;
    args_.k = s.k;
    args_.alpha = s.alpha;
    args_.beta = s.beta;
    a_ = s.transpose_a ? matrix(s.k, s.m, s.padding, args_.lda) : matrix(s.m, s.k, s.padding, args_.lda);
    b_ = s.transpose_b ? matrix(s.n, s.k, s.padding, args_.ldb) : matrix(s.k, s.n, s.padding, args_.ldb);
    c_ = matrix(s.m, s.n, s.padding, args_.ldc);
    if (s.beta == 0) c_.assign(c_.size(), kNan);
  }

  std::vector<real> run(GemmPrecision precision) const {
    std::vector<real> c = c_;
    GemmArgs args = args_;
    args.a = a_.data();
    args.b = b_.data();
    args.c = c.data();
    gemm(precision, args);
    return c;
  }

  // Every element within rounding of the sum in double: (k + 3) roundings of the sum of magnitudes.
  void expect_right(GemmPrecision precision) const {
    const std::vector<real> c = run(precision);
    const std::vector<double> rows = lines(precision, a_, args_.lda, args_.m, !args_.transpose_a);
    const std::vector<double> cols = lines(precision, b_, args_.ldb, args_.n, args_.transpose_b);
    for (int i = 0; i < args_.m; ++i) {
      for (int j = 0; j < args_.ldc; ++j) {
        const size_t at = index(i, j, args_.ldc);
        if (j >= args_.n) {
          ASSERT_TRUE(std::isnan(c[at])) << describe() << ": wrote outside the matrix at row " << i;
          continue;
        }
        const double* row = &rows[index(i, 0, args_.k)];
        const double* col = &cols[index(j, 0, args_.k)];
        double sum = 0, magnitude = 0;
        for (int l = 0; l < args_.k; ++l) {
          sum += row[l] * col[l];
          magnitude += std::abs(row[l] * col[l]);
        }
        sum *= static_cast<double>(args_.alpha);
        magnitude *= std::abs(static_cast<double>(args_.alpha));
        if (args_.beta != 0) {
          sum += static_cast<double>(c_[at]);
          magnitude += std::abs(static_cast<double>(c_[at]));
        }
        const double tolerance = (args_.k + 3) * static_cast<double>(std::numeric_limits<real>::epsilon()) * magnitude;
        ASSERT_NEAR(static_cast<double>(c[at]), sum, tolerance) << describe() << " at " << i << ", " << j;
      }
    }
  }

 private:
  static size_t index(int row, int col, int ld) {
    return static_cast<size_t>(row) * static_cast<size_t>(ld) + static_cast<size_t>(col);
  }

  // The rows of op(a) or columns of op(b), one after the other, as the products see them.
  std::vector<double> lines(GemmPrecision precision, const std::vector<real>& x, int ld, int count,
                            bool k_contiguous) const {
    std::vector<double> result;
    for (int line = 0; line < count; ++line) {
      for (int l = 0; l < args_.k; ++l) {
        result.push_back(rounded(precision, x[k_contiguous ? index(line, l, ld) : index(l, line, ld)]));
      }
    }
    return result;
  }

  std::vector<real> matrix(int rows, int cols, int padding, int& ld) {
    ld = cols + padding;
    std::vector<real> values(index(rows, 0, ld), kNan);
    std::normal_distribution<float> normal;
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < cols; ++j) values[index(i, j, ld)] = static_cast<real>(normal(random_));
    }
    return values;
  }

  std::string describe() const {
    return fmt::format("{}x{}x{} {}{} ld {} {} {} alpha {} beta {}", args_.m, args_.n, args_.k,
                       args_.transpose_a ? 'T' : 'N', args_.transpose_b ? 'T' : 'N', args_.lda, args_.ldb, args_.ldc,
                       args_.alpha, args_.beta);
  }

  std::mt19937 random_;
  GemmArgs args_;
  std::vector<real> a_, b_, c_;
};

class Gemm : public testing::TestWithParam<GemmPrecision> {
 protected:
  void SetUp() override {
    if (GetParam() == GemmPrecision::bf16 && !has_bf16_gemm()) GTEST_SKIP() << "skipped: this CPU has no bf16 tiles";
  }
};

TEST_P(Gemm, every_ragged_size_and_transpose_agrees_with_a_sum_in_double) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> size(1, 70), padding(0, 5);
  for (uint32_t seed = 0; seed < 280; ++seed) {
    const real alpha = seed % 3 == 0 ? real{0.75} : real{1};
    // Each dimension takes every size; the other two are drawn.
    int shape[3] = {size(random), size(random), size(random)};
    shape[seed % 3] = 1 + static_cast<int>(seed) % 70;
    const bool transpose_a = (seed & 1) != 0, transpose_b = (seed & 2) != 0;
    Product({shape[0], shape[1], shape[2], transpose_a, transpose_b, padding(random), alpha, real(seed / 4 % 2)}, seed)
        .expect_right(GetParam());
    if (HasFatalFailure()) return;
  }
}

TEST_P(Gemm, sizes_past_one_block_of_every_dimension_agree_with_a_sum_in_double) {
  Product({130, 516, 1030, true, false, 0, 1, 1}, 1).expect_right(GetParam());
  Product({130, 516, 1030, false, true, 3, real{0.5}, 0}, 2).expect_right(GetParam());
}

TEST_P(Gemm, the_sizes_of_zero_write_what_an_empty_sum_is) {
  std::vector<real> values(4, real{7});
  GemmArgs args{.m = 1, .n = 2, .k = 0, .a = values.data(), .lda = 1, .b = values.data(), .ldb = 2, .ldc = 2};
  args.c = values.data();
  args.beta = 1;
  gemm(GetParam(), args);
  EXPECT_EQ(values, std::vector<real>({7, 7, 7, 7}));
  args.beta = 0;
  gemm(GetParam(), args);
  EXPECT_EQ(values, std::vector<real>({0, 0, 7, 7}));
  args.m = 0;
  args.k = 1;
  gemm(GetParam(), args);
  args.m = 1;
  args.n = 0;
  gemm(GetParam(), args);
  EXPECT_EQ(values, std::vector<real>({0, 0, 7, 7}));
}

TEST_P(Gemm, calls_from_two_threads_give_the_bits_of_one_call) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    const bool transpose_a = (seed & 1) != 0, transpose_b = (seed & 2) != 0;
    const Product mine({97, 130, 300, transpose_a, transpose_b}, seed);
    const Product theirs({64, 200, 77, transpose_b, transpose_a}, seed + 100);
    const std::vector<real> mine_alone = mine.run(GetParam()), theirs_alone = theirs.run(GetParam());
    std::vector<std::vector<real>> theirs_together;
    std::thread thread([&] {
      for (int i = 0; i < 4; ++i) theirs_together.push_back(theirs.run(GetParam()));
    });
    for (int i = 0; i < 4; ++i) EXPECT_EQ(mine.run(GetParam()), mine_alone);
    thread.join();
    for (const std::vector<real>& c : theirs_together) EXPECT_EQ(c, theirs_alone);
  }
}

TEST(GemmBf16, operands_halfway_between_two_bf16_values_go_to_the_even_one) {
  if (!has_bf16_gemm()) GTEST_SKIP() << "skipped: this CPU has no bf16 tiles";
  const real half_step = real{1} / 256;  // bf16 values between 1 and 2 are 1/128 apart
  const std::vector<real> a = {1 + half_step, 1 + 3 * half_step, -1 - half_step, 1 + real{1.25} * half_step};
  const real one = 1;
  std::vector<real> c(4);
  gemm(GemmPrecision::bf16,
       {.m = 4, .n = 1, .k = 1, .a = a.data(), .lda = 1, .b = &one, .ldb = 1, .c = c.data(), .ldc = 1});
  EXPECT_EQ(c, std::vector<real>({1, 1 + 4 * half_step, -1, 1 + 2 * half_step}));
}

INSTANTIATE_TEST_SUITE_P(Precisions, Gemm, testing::Values(GemmPrecision::f32, GemmPrecision::bf16),
                         [](const auto& instance) { return instance.param == GemmPrecision::f32 ? "f32" : "bf16"; });

}  // namespace
}  // namespace bantam
