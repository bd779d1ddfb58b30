#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "tensor/quant/float16.h"

namespace bantam {
namespace {

ModelConfig small_config() {
  ModelConfig c;
  c.vocab = 20;
  c.dim = 8;
  c.head_dim = c.rope_dim = 4;
  c.context = 16;
  LayerConfig layer;
  layer.heads = 2;
  layer.kv_heads = 1;
  layer.ffn_dim = 12;
  c.layer.assign(2, layer);
  return c;
}

void random_gradients(Parameters& parameters, uint64_t seed) {
  Rng rng(seed);
  for (real& g : parameters.gradients()) g = static_cast<real>(rng.normal());
}

// Singular values of a matrix [rows, cols] by Jacobi rotations of its smaller Gram matrix.
std::vector<double> singular_values(const std::vector<double>& x, int rows, int cols) {
  const int n = std::min(rows, cols), m = std::max(rows, cols);
  const auto at = [&](int i, int j) {
    return rows <= cols ? x[static_cast<size_t>(i * cols + j)] : x[static_cast<size_t>(j * cols + i)];
  };
  std::vector<std::vector<double>> g(static_cast<size_t>(n), std::vector<double>(static_cast<size_t>(n)));
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      for (int k = 0; k < m; ++k) g[static_cast<size_t>(i)][static_cast<size_t>(j)] += at(i, k) * at(j, k);
    }
  }
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (size_t p = 0; p < g.size(); ++p) {
      for (size_t q = p + 1; q < g.size(); ++q) {
        if (std::fabs(g[p][q]) < 1e-300) continue;
        const double theta = 0.5 * std::atan2(2 * g[p][q], g[q][q] - g[p][p]);
        const double c = std::cos(theta), s = std::sin(theta);
        for (size_t k = 0; k < g.size(); ++k) {
          const double a = g[k][p], b = g[k][q];
          g[k][p] = c * a - s * b;
          g[k][q] = s * a + c * b;
        }
        for (size_t k = 0; k < g.size(); ++k) {
          const double a = g[p][k], b = g[q][k];
          g[p][k] = c * a - s * b;
          g[q][k] = s * a + c * b;
        }
      }
    }
  }
  std::vector<double> values;
  for (size_t i = 0; i < g.size(); ++i) values.push_back(std::sqrt(std::max(0.0, g[i][i])));
  return values;
}

TEST(Muon, orthogonalising_brings_every_singular_value_near_one) {
  std::vector<GemmPrecision> precisions = {GemmPrecision::f32};
  if (has_bf16_gemm()) precisions.push_back(GemmPrecision::bf16);
  std::vector<real> scratch;
  for (const GemmPrecision precision : precisions) {
    for (const auto& [rows, cols] : {std::pair{8, 8}, {8, 24}, {24, 8}, {1, 5}, {33, 17}}) {
      Rng rng(static_cast<uint64_t>(rows * 100 + cols));
      std::vector<real> x(static_cast<size_t>(rows * cols));
      for (real& v : x) v = static_cast<real>(rng.normal());
      orthogonalise(precision, x.data(), rows, cols, scratch);
      // A square Gaussian matrix has a singular value near zero now and then, which five steps do not bring up: the
      // smallest is only looked at for shapes where it is well away from zero.
      std::vector<double> values = singular_values({x.begin(), x.end()}, rows, cols);
      std::sort(values.begin(), values.end());
      EXPECT_LT(values.back(), 1.25) << rows << "x" << cols;
      EXPECT_GT(values[rows == cols ? values.size() / 2 : 0], 0.6) << rows << "x" << cols;
    }
  }
}

// The published steps, in double, on x[rows][cols] with rows <= cols.
std::vector<double> newton_schulz(std::vector<double> x, int rows, int cols) {
  const auto multiply = [](const std::vector<double>& a, const std::vector<double>& b, int m, int k, int n, bool bt) {
    std::vector<double> c(static_cast<size_t>(m * n));
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        for (int p = 0; p < k; ++p) {
          c[static_cast<size_t>(i * n + j)] +=
              a[static_cast<size_t>(i * k + p)] * b[static_cast<size_t>(bt ? j * k + p : p * n + j)];
        }
      }
    }
    return c;
  };
  double norm = 0;
  for (const double v : x) norm += v * v;
  for (double& v : x) v /= std::sqrt(norm) + 1e-7;
  for (int step = 0; step < 5; ++step) {
    const auto a = multiply(x, x, rows, cols, rows, true);
    const auto aa = multiply(a, a, rows, rows, rows, false);
    std::vector<double> b(a.size());
    for (size_t i = 0; i < a.size(); ++i) b[i] = -4.7750 * a[i] + 2.0315 * aa[i];
    const auto bx = multiply(b, x, rows, rows, cols, false);
    for (size_t i = 0; i < x.size(); ++i) x[i] = 3.4445 * x[i] + bx[i];
  }
  return x;
}

// Three steps of everything in double, with decay and clipping, against the optimiser.
TEST(Optimizer, follows_a_double_precision_reference) {
  Parameters parameters(small_config());
  parameters.initialise(3);
  OptimizerSettings settings;
  Optimizer optimizer(parameters, settings, 1);
  ThreadPool pool(2);
  const Compute compute{pool, active_kernels()};

  struct Reference {
    std::vector<double> w, m, v;
  };
  std::vector<Reference> reference;
  for (const Parameter& p : parameters.list()) {
    const auto* w = reinterpret_cast<const real*>(p.data);
    reference.push_back({{w, w + p.size()}, std::vector<double>(p.size()), std::vector<double>(p.size())});
  }
  for (int step = 0; step < 3; ++step) {
    random_gradients(parameters, static_cast<uint64_t>(step) + 10);
    StepRates rates{step, 0.5 + 0.1 * step, 0.7, 0.25f};
    for (size_t i = 0; i < reference.size(); ++i) {
      const Parameter& p = parameters.list()[i];
      Reference& r = reference[i];
      if (p.kind == ParameterKind::matrix) {
        std::vector<double> update(p.size());
        for (size_t j = 0; j < p.size(); ++j) {
          const double g = 0.25 * p.grad[j];
          r.m[j] = 0.95 * r.m[j] + 0.05 * g;
          update[j] = 0.95 * r.m[j] + 0.05 * g;
        }
        const bool wide = p.rows <= p.cols;
        std::vector<double> turned(update.size());
        const auto turn = [&](const std::vector<double>& from, int rows, int cols) {
          for (int y = 0; y < rows; ++y) {
            for (int x = 0; x < cols; ++x)
              turned[static_cast<size_t>(x * rows + y)] = from[static_cast<size_t>(y * cols + x)];
          }
        };
        if (wide) {
          update = newton_schulz(update, p.rows, p.cols);
        } else {
          turn(update, p.rows, p.cols);
          const auto o = newton_schulz(turned, p.cols, p.rows);
          turn(o, p.cols, p.rows);
          update = turned;
        }
        const double lr = static_cast<double>(settings.matrix_lr) * rates.lr_factor;
        for (size_t j = 0; j < p.size(); ++j) {
          r.w[j] = r.w[j] * (1 - lr * 0.1 * 0.7) - lr * 0.2 * std::sqrt(std::max(p.rows, p.cols)) * update[j];
        }
      } else {
        const double lr = static_cast<double>(settings.embed_lr) * rates.lr_factor;
        const double decay = p.kind == ParameterKind::vector ? 0 : 0.1 * 0.7;
        for (size_t j = 0; j < p.size(); ++j) {
          const double g = 0.25 * p.grad[j];
          r.m[j] = 0.9 * r.m[j] + 0.1 * g;
          r.v[j] = 0.95 * r.v[j] + 0.05 * g * g;
          const double m = r.m[j] / (1 - std::pow(0.9, step + 1)), v = r.v[j] / (1 - std::pow(0.95, step + 1));
          r.w[j] = r.w[j] * (1 - lr * decay) - lr * m / (std::sqrt(v) + 1e-8);
        }
      }
    }
    optimizer.step(parameters, compute, rates);
  }
  for (size_t i = 0; i < reference.size(); ++i) {
    const Parameter& p = parameters.list()[i];
    const auto* w = reinterpret_cast<const real*>(p.data);
    for (size_t j = 0; j < p.size(); ++j) ASSERT_NEAR(w[j], reference[i].w[j], 2e-5) << p.name << " " << j;
  }
}

TEST(Optimizer, gives_the_same_bits_with_any_number_of_threads) {
  std::vector<std::vector<std::byte>> results;
  for (const int threads : {1, 3}) {
    Parameters parameters(small_config(), DType::bf16);
    parameters.initialise(3);
    Optimizer optimizer(parameters, {}, 1);
    ThreadPool pool(threads);
    for (int step = 0; step < 2; ++step) {
      random_gradients(parameters, static_cast<uint64_t>(step));
      optimizer.step(parameters, {pool, active_kernels()}, {step, 1, 1, 1});
    }
    auto& bytes = results.emplace_back();
    for (const Parameter& p : parameters.list()) bytes.insert(bytes.end(), p.data, p.data + p.bytes());
  }
  EXPECT_EQ(results[0], results[1]);
}

// A step far below bf16's resolution must still move the weights on average.
TEST(Optimizer, bf16_weights_follow_small_steps_on_average) {
  Parameters parameters(small_config(), DType::bf16);
  const Parameter& embed = parameters.list()[0];
  auto* w = reinterpret_cast<uint16_t*>(embed.data);
  std::fill_n(w, embed.size(), f32_to_bf16(1.f));
  OptimizerSettings settings;
  settings.embed_lr = 1e-4f;  // half of bf16's spacing below 1 is 2e-3
  settings.weight_decay = 0;
  Optimizer optimizer(parameters, settings, 5);
  ThreadPool pool(1);
  for (int step = 0; step < 100; ++step) {
    for (real& g : parameters.gradients()) g = 1;  // AdamW then moves every weight by lr
    optimizer.step(parameters, {pool, active_kernels()}, {step, 1, 1, 1});
  }
  double mean = 0;
  for (size_t i = 0; i < embed.size(); ++i) mean += static_cast<double>(bf16_to_f32(w[i]));
  mean /= static_cast<double>(embed.size());
  EXPECT_NEAR(mean, 0.99, 0.002);
}

TEST(Optimizer, gradient_norm_is_the_euclidean_norm_with_any_number_of_threads) {
  std::vector<real> g(100003, real(0.5));
  ThreadPool one(1), three(3);
  EXPECT_NEAR(gradient_norm(g, one), 0.5 * std::sqrt(100003.0), 1e-9);
  EXPECT_EQ(gradient_norm(g, one), gradient_norm(g, three));
}

}  // namespace
}  // namespace bantam
