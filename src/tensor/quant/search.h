// Weighted least-squares searches for the scales and minima of blocks, used by the encoders of the other files here.
//
// All of them minimise sum(w * (x - decoded)^2) over candidates in a fixed order, so encoding is deterministic. Values
// are at most kHuge. Scales that a half cannot hold come out as infinity or NaN and decode to NaN.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/quant/float16.h"

namespace bantam {

// Below kTiny, a scale would be zero in half precision; above kHuge, infinity, and sums of squares might overflow.
inline constexpr float kTiny = 1e-12f, kHuge = 1e10f;

// Halves go to the even integer; |v| < 2^22.
inline float nearest_integer(float v) { return (v + 0x1.8p23f) - 0x1.8p23f; }

inline float clamped(float v, float lowest, float highest) {
  const float at_least = v > lowest ? v : lowest;
  return at_least < highest ? at_least : highest;
}

// 1 / scale; 0 where nothing can be divided by it.
inline float reciprocal(float scale) { return std::isfinite(scale) && scale != 0 ? 1 / scale : 0; }

inline float rounded_to_half(float v) { return f16_to_f32(f32_to_f16(v)); }

// What the squared error of each of n values counts: the importance of its column (1 where `importance` is null) times
// sqrt(mean square + x^2), since large weights move the output most. Never all zero.
inline void error_weights(const float* x, const float* importance, int n, float* w) {
  float squares = 0;
  for (int i = 0; i < n; ++i) squares += x[i] * x[i];
  const float mean = squares / static_cast<float>(n) + kTiny * kTiny;
  for (int i = 0; i < n; ++i) w[i] = (importance ? importance[i] + kTiny : 1) * std::sqrt(mean + x[i] * x[i]);
}

// The integers lowest ... highest as what a scale is multiplied by.
template <int lowest, int highest>
struct IntegerGrid {
  static constexpr float kLowest = lowest, kHighest = highest;
  static constexpr float kGap = 1;  // between the values at the ends
  static float nearest(float v) { return nearest_integer(clamped(v, kLowest, kHighest)); }
};

// Sums over x and the grid values q nearest to x * inverse, in eight lanes.
struct Projection {
  float xq = 0, qq = 0;
};
template <class Grid>
Projection project(const float* x, const float* w, int n, float inverse) {
  std::array<float, 8> xq{}, qq{};
  for (int i = 0; i < n; i += 8) {
    for (int l = 0; l < 8; ++l) {
      const float q = Grid::nearest(x[i + l] * inverse), wq = w[i + l] * q;
      xq[static_cast<size_t>(l)] += wq * x[i + l];
      qq[static_cast<size_t>(l)] += wq * q;
    }
  }
  Projection sum;
  for (size_t l = 0; l < 8; ++l) sum.xq += xq[l], sum.qq += qq[l];
  return sum;
}

// The scale that makes scale * Grid come nearest to n values (a multiple of 8): the largest value is put at, just
// inside and just outside either end of the grid, and the scale is what least squares then gives.
template <class Grid>
float fit_scale(const float* x, const float* w, int n) {
  float extreme = 0;
  for (int i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  if (std::fabs(extreme) < kTiny) return 0;
  float gain = 0, scale = 0;
  for (const float end : {Grid::kLowest, Grid::kHighest}) {
    for (int step = -8; step <= 8; ++step) {
      const Projection p = project<Grid>(x, w, n, (end + Grid::kGap / 8 * static_cast<float>(step)) / extreme);
      if (p.xq * p.xq > gain * p.qq) {
        gain = p.xq * p.xq / p.qq;
        scale = p.xq / p.qq;
      }
    }
  }
  return scale;
}

// x ~ scale * q + min for q in 0 ... top.
struct ScaleAndMin {
  float scale = 0, min = 0;
};

// Sums over x and the codes q nearest to (x - min) * inverse, in eight lanes.
struct Regression {
  float q = 0, qq = 0, xq = 0;
};
template <int top>
Regression regress(const float* x, const float* w, int n, float min, float inverse) {
  std::array<float, 8> q_sum{}, qq{}, xq{};
  for (int i = 0; i < n; i += 8) {
    for (size_t l = 0; l < 8; ++l) {
      const float v = x[i + static_cast<int>(l)], weight = w[i + static_cast<int>(l)];
      const float q = IntegerGrid<0, top>::nearest((v - min) * inverse), wq = weight * q;
      q_sum[l] += wq;
      qq[l] += wq * q;
      xq[l] += wq * v;
    }
  }
  Regression sum;
  for (size_t l = 0; l < 8; ++l) sum.q += q_sum[l], sum.qq += qq[l], sum.xq += xq[l];
  return sum;
}

enum class Min { any, at_most_0 };

// Scale >= 0 and min that come nearest to n values (a multiple of 8), by least squares from several starts.
template <int top>
ScaleAndMin fit_scale_and_min(const float* x, const float* w, int n, Min allowed) {
  float lowest = *std::min_element(x, x + n), highest = *std::max_element(x, x + n);
  if (allowed == Min::at_most_0) lowest = std::min(lowest, 0.0f);
  if (highest - lowest < kTiny) return {0, lowest};
  float w_sum = 0, x_sum = 0;
  for (int i = 0; i < n; ++i) w_sum += w[i], x_sum += w[i] * x[i];

  ScaleAndMin best{(highest - lowest) / top, lowest};
  float least = std::numeric_limits<float>::infinity();
  const auto try_start = [&](float min, float inverse) {
    const Regression r = regress<top>(x, w, n, min, inverse);
    const float determinant = w_sum * r.qq - r.q * r.q;
    if (determinant <= 1e-6f * w_sum * r.qq) return;  // one code for all
    ScaleAndMin fit{(w_sum * r.xq - x_sum * r.q) / determinant, 0};
    fit.min = (x_sum - fit.scale * r.q) / w_sum;
    if (allowed == Min::at_most_0 && fit.min > 0) fit = {r.xq / r.qq, 0};
    // Less the constant sum(w * x^2).
    const float error =
        fit.scale * (fit.scale * r.qq + 2 * fit.min * r.q - 2 * r.xq) + fit.min * (fit.min * w_sum - 2 * x_sum);
    if (error < least) {
      least = error;
      best = fit;
    }
  };
  for (int step = -10; step <= 10; ++step) {
    try_start(lowest, (static_cast<float>(top) + 0.1f * static_cast<float>(step)) / (highest - lowest));
  }
  for (int again = 0; again < 2; ++again) try_start(best.min, reciprocal(best.scale));
  return best;
}

// Weighted squared error of the codes nearest to n values for a scale and a min.
template <class Grid>
float residual(const float* x, const float* w, int n, float scale, float min) {
  const float inverse = reciprocal(scale);
  std::array<float, 8> sum{};
  for (int i = 0; i < n; i += 8) {
    for (size_t l = 0; l < 8; ++l) {
      const float v = x[i + static_cast<int>(l)] - min;
      const float off = v - scale * Grid::nearest(v * inverse);
      sum[l] += w[i + static_cast<int>(l)] * off * off;
    }
  }
  float all = 0;
  for (const float s : sum) all += s;
  return all;
}

// A block of 256 in parts: a value of part j is scale * scales[j] * (a grid value). `scale` is a half's.
struct PartScales {
  float scale = 0;
  std::array<int, 16> scales{};
};

// Scales of the parts are whole numbers in lowest ... highest, where -lowest > highest.
template <class Grid, int part_values, int lowest, int highest>
PartScales fit_part_scales(const float* x, const float* w) {
  constexpr int parts = 256 / part_values;
  using Scales = IntegerGrid<lowest, highest>;
  std::array<float, parts> ideal;
  float extreme = 0;
  for (size_t j = 0; j < parts; ++j) {
    const size_t at = j * part_values;
    ideal[j] = fit_scale<Grid>(x + at, w + at, part_values);
    if (std::fabs(ideal[j]) > std::fabs(extreme)) extreme = ideal[j];
  }
  PartScales fit;
  fit.scale = rounded_to_half(extreme / static_cast<float>(lowest));
  if (fit.scale == 0) return fit;
  Projection all;
  for (size_t j = 0; j < parts; ++j) {
    const float s = Scales::nearest(ideal[j] * reciprocal(fit.scale));
    const size_t at = j * part_values;
    const Projection p = project<Grid>(x + at, w + at, part_values, reciprocal(fit.scale * s));
    fit.scales[j] = static_cast<int>(s);
    all.xq += s * p.xq;
    all.qq += s * s * p.qq;
  }
  const float refitted = rounded_to_half(all.xq / all.qq);
  if (reciprocal(refitted) != 0) fit.scale = refitted;
  for (size_t j = 0; j < parts; ++j) {
    const size_t at = j * part_values;
    float least = std::numeric_limits<float>::infinity();
    const int middle = fit.scales[j];
    for (int s = std::max(middle - 1, lowest); s <= std::min(middle + 1, highest); ++s) {
      const float error = residual<Grid>(x + at, w + at, part_values, fit.scale * static_cast<float>(s), 0);
      if (error < least) least = error, fit.scales[j] = s;
    }
  }
  return fit;
}

// A block of 256 in parts: a value of part j is scale * scales[j] * q - min * mins[j], q in 0 ... top. `scale` and
// `min` are halves'.
struct PartScalesAndMins {
  float scale = 0, min = 0;
  std::array<int, 16> scales{}, mins{};
};

// Scales and mins of the parts are whole numbers in 0 ... highest.
template <int top, int part_values, int highest>
PartScalesAndMins fit_part_scales_and_mins(const float* x, const float* w) {
  constexpr int parts = 256 / part_values;
  using Codes = IntegerGrid<0, top>;
  using Scales = IntegerGrid<0, highest>;
  std::array<ScaleAndMin, parts> ideal;
  float largest_scale = 0, largest_min = 0;
  for (size_t j = 0; j < parts; ++j) {
    const size_t at = j * part_values;
    ideal[j] = fit_scale_and_min<top>(x + at, w + at, part_values, Min::at_most_0);
    largest_scale = std::max(largest_scale, ideal[j].scale);
    largest_min = std::max(largest_min, -ideal[j].min);
  }
  PartScalesAndMins fit;
  fit.scale = rounded_to_half(largest_scale / static_cast<float>(highest));
  fit.min = rounded_to_half(largest_min / static_cast<float>(highest));
  // Least squares for both at once, given the whole numbers: x ~ scale * (s * q) - min * m.
  double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
  for (size_t j = 0; j < parts; ++j) {
    const size_t at = j * part_values;
    const float s = Scales::nearest(ideal[j].scale * reciprocal(fit.scale));
    const float m = Scales::nearest(-ideal[j].min * reciprocal(fit.min));
    fit.scales[j] = static_cast<int>(s);
    fit.mins[j] = static_cast<int>(m);
    const Regression r = regress<top>(x + at, w + at, part_values, -fit.min * m, reciprocal(fit.scale * s));
    aa += s * s * r.qq;
    ab -= s * m * r.q;
    xa += s * r.xq;
    for (size_t i = at; i < at + part_values; ++i) {
      bb += m * m * w[i];
      xb -= m * w[i] * x[i];
    }
  }
  const double determinant = aa * bb - ab * ab;
  if (determinant > 1e-6 * aa * bb) {
    const float scale = rounded_to_half(static_cast<float>((xa * bb - xb * ab) / determinant));
    const float min = rounded_to_half(static_cast<float>((xb * aa - xa * ab) / determinant));
    if (scale > 0 && min > 0 && std::isfinite(scale + min)) fit.scale = scale, fit.min = min;
  } else if (aa > 0 && bb == 0) {
    const float scale = rounded_to_half(static_cast<float>(xa / aa));
    if (reciprocal(scale) != 0) fit.scale = scale;
  }
  for (size_t j = 0; j < parts; ++j) {
    const size_t at = j * part_values;
    float least = std::numeric_limits<float>::infinity();
    const int s_middle = fit.scales[j], m_middle = fit.mins[j];
    for (int s = std::max(s_middle - 1, 0); s <= std::min(s_middle + 1, highest); ++s) {
      for (int m = std::max(m_middle - 1, 0); m <= std::min(m_middle + 1, highest); ++m) {
        const float error = residual<Codes>(x + at, w + at, part_values, fit.scale * static_cast<float>(s),
                                            -fit.min * static_cast<float>(m));
        if (error < least) least = error, fit.scales[j] = s, fit.mins[j] = m;
      }
    }
  }
  return fit;
}

}  // namespace bantam
