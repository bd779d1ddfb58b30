#include "model/families/yarn.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace bantam {
namespace {

// The pair, as a fraction of it, that turns `turns` times within the original context.
double pair_of(double turns, const Yarn& yarn, const ModelConfig& c) {
  const double base = double{c.layer[0].rope_theta};
  return c.rope_dim * std::log(yarn.original_context / (turns * 2 * std::numbers::pi)) / (2 * std::log(base));
}

}  // namespace

std::vector<float> yarn_factors(const Yarn& yarn, const ModelConfig& c, const std::string& source) {
  if (!(yarn.factor > 0 && yarn.original_context > 0 && yarn.fast > 0 && yarn.slow > 0 && c.layer[0].rope_theta > 1)) {
    throw FormatError(
        "{}: rope scaling 'yarn' has factor {}, original context {}, beta_fast {}, beta_slow {} and base {}; expected "
        "positive numbers and a base above 1",
        source, yarn.factor, yarn.original_context, yarn.fast, yarn.slow, c.layer[0].rope_theta);
  }
  double first = pair_of(yarn.fast, yarn, c), last = pair_of(yarn.slow, yarn, c);
  if (yarn.whole_pairs) first = std::floor(first), last = std::ceil(last);
  first = std::max(first, 0.0);
  last = std::min(last, c.rope_dim - 1.0);
  std::vector<float> factors;
  for (int i = 0; i < c.rope_dim / 2; ++i) {
    const double ramp = std::clamp((i - first) / std::max(last - first, 0.001), 0.0, 1.0);
    const double kept = (1 - ramp) * yarn.extrapolated;
    factors.push_back(static_cast<float>(1 / ((1 - kept) / yarn.factor + kept)));
  }
  return factors;
}

double yarn_amplitude(double factor, double weight) { return factor > 1 ? 0.1 * weight * std::log(factor) + 1 : 1; }

}  // namespace bantam
