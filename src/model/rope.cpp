// Rotation of queries and keys by their positions. (arXiv 2104.09864)
#include <cmath>

#include "model/grain.h"
#include "model/ops.h"

namespace bantam {
namespace {

// Radians that pair i turns per position, into frequency[rope_dim / 2].
void set_frequencies(const ModelConfig& c, const LayerConfig& layer, bool long_context, real* frequency) {
  const std::vector<float>& factors =
      long_context && !c.rope_factors_long.empty() ? c.rope_factors_long : c.rope_factors;
  const auto half = static_cast<size_t>(c.rope_dim / 2);
  for (size_t i = 0; i < half; ++i) {
    const double turn =
        std::pow(static_cast<double>(layer.rope_theta), -static_cast<double>(i) / static_cast<double>(half));
    const double divisor = static_cast<double>(layer.rope_stretch) * (factors.empty() ? 1.0 : double{factors[i]});
    frequency[i] = static_cast<real>(turn / divisor);
  }
}

}  // namespace

const RopeTable& RopeTables::of(const LayerConfig& layer) {
  for (const RopeTable& table : tables_) {
    if (table.theta == layer.rope_theta && table.stretch == layer.rope_stretch) return table;
  }
  RopeTable& table = tables_[next_++ % tables_.size()];
  table = make(layer);
  return table;
}

RopeTable RopeTables::make(const LayerConfig& layer) {
  const auto half = static_cast<size_t>(config_.rope_dim / 2), rows = static_cast<size_t>(batch_.rows());
  real* cosines = run_.scratch<real>(rows * half);
  real* sines = run_.scratch<real>(rows * half);
  const Run::Temporary temporary(run_);
  real* frequency = run_.scratch<real>(half);
  for (const Slice& slice : batch_.slices) {
    set_frequencies(config_, layer, slice.kv->capacity() > config_.rope_original_context, frequency);
    run_.pool().parallel_for(slice.count, 64, [&](int64_t begin, int64_t end) {
      for (auto t = static_cast<size_t>(slice.begin + begin); t < static_cast<size_t>(slice.begin + end); ++t) {
        for (size_t i = 0; i < half; ++i) {
          const real angle = static_cast<real>(batch_.positions[t]) * frequency[i];
          cosines[t * half + i] = config_.rope_amplitude * std::cos(angle);
          sines[t * half + i] = config_.rope_amplitude * std::sin(angle);
        }
      }
    });
  }
  return {layer.rope_theta, layer.rope_stretch, cosines, sines};
}

Tensor rope(Run& run, const ModelConfig& config, const RopeTable& table, const Tensor& x) {
  const int head_dim = config.head_dim, half = config.rope_dim / 2;
  const bool neighbours = config.rope_pairs == RopePairs::neighbours;
  // The transpose of a rotation turns the other way: sign -1.
  const auto rotate_all = [=, &run](real* values, real sign) {
    run.pool().parallel_for(x.rows, rows_per_chunk(x.cols), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const real* c = table.cos + t * half;
        const real* s = table.sin + t * half;
        for (real* v = values + t * x.cols; v < values + (t + 1) * x.cols; v += head_dim) {
          for (int i = 0; i < half; ++i) {
            real& first = v[neighbours ? 2 * i : i];
            real& second = v[neighbours ? 2 * i + 1 : i + half];
            const real a = first, b = second;
            first = a * c[i] - sign * b * s[i];
            second = sign * a * s[i] + b * c[i];
          }
        }
      }
    });
  };
  rotate_all(x.data, 1);
  run.on_backward([=] { rotate_all(x.grad, -1); });
  return x;
}

}  // namespace bantam
