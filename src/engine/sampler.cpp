#include "engine/sampler.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace bantam {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void check(const char* field, double found, bool in_range, const char* wanted) {
  if (!in_range) throw UsageError("{} is {}, expected {}", field, found, wanted);
}

}  // namespace

void validate(const SamplerParams& p, int vocab) {
  // Written so that NaN is out of range.
  check("temperature", p.temperature, p.temperature >= 0 && p.temperature <= 10, "0 to 10");
  check("top_k", p.top_k, p.top_k >= 0, "0 (all tokens) or more");
  check("top_p", p.top_p, p.top_p > 0 && p.top_p <= 1, "above 0, at most 1");
  check("min_p", p.min_p, p.min_p >= 0 && p.min_p <= 1, "0 to 1");
  check("typical_p", p.typical_p, p.typical_p > 0 && p.typical_p <= 1, "above 0, at most 1");
  check("repetition_penalty", p.repetition_penalty, p.repetition_penalty > 0 && p.repetition_penalty <= 10,
        "above 0, at most 10");
  check("presence_penalty", p.presence_penalty, std::abs(p.presence_penalty) <= 10, "-10 to 10");
  check("frequency_penalty", p.frequency_penalty, std::abs(p.frequency_penalty) <= 10, "-10 to 10");
  check("penalty_last_n", p.penalty_last_n, p.penalty_last_n >= -1, "-1 (all tokens), 0 (none) or more");
  for (const auto& [token, bias] : p.logit_bias) {
    if (token < 0 || token >= vocab) {
      throw UsageError("logit_bias names token {}, expected 0 to {}", token, vocab - 1);
    }
    check("logit_bias", double{bias}, std::abs(bias) <= 100, "-100 to 100");
  }
}

Sampler::Sampler(SamplerParams params, int vocab) : params_(std::move(params)), rng_(params_.seed) {
  validate(params_, vocab);
}

int32_t Sampler::sample(std::span<const real> logits, std::span<const int32_t> seen, std::span<const uint8_t> allowed) {
  if (params_.temperature == 0 && allowed.empty() && params_.logit_bias.empty() && !penalises()) return greedy(logits);
  adjust(logits, seen, allowed);
  if (params_.temperature == 0) return greedy(std::span<const double>(adjusted_));
  gather();
  keep_top_k();
  keep_typical();
  keep_top_p();
  keep_min_p();
  return draw();
}

void Sampler::adjust(std::span<const real> logits, std::span<const int32_t> seen, std::span<const uint8_t> allowed) {
  adjusted_.assign(logits.begin(), logits.end());
  for (size_t i = 0; i < allowed.size(); ++i) {
    if (allowed[i] == 0) adjusted_[i] = -kInfinity;
  }
  for (const auto& [token, bias] : params_.logit_bias) adjusted_[static_cast<size_t>(token)] += bias;

  if (!penalises()) return;
  if (params_.penalty_last_n > 0) seen = seen.last(std::min(seen.size(), static_cast<size_t>(params_.penalty_last_n)));
  counted_.assign(seen.begin(), seen.end());
  std::sort(counted_.begin(), counted_.end());
  for (size_t i = 0, next; i < counted_.size(); i = next) {
    next = i + 1;
    while (next < counted_.size() && counted_[next] == counted_[i]) ++next;
    double& logit = adjusted_[static_cast<size_t>(counted_[i])];
    logit = logit > 0 ? logit / params_.repetition_penalty : logit * params_.repetition_penalty;
    logit -= params_.presence_penalty + params_.frequency_penalty * static_cast<double>(next - i);
  }
}

bool Sampler::penalises() const {
  return params_.penalty_last_n != 0 &&
         (params_.repetition_penalty != 1 || params_.presence_penalty != 0 || params_.frequency_penalty != 0);
}

// The first of the highest.
template <class Logit>
int32_t Sampler::greedy(std::span<const Logit> logits) {
  size_t best = logits.size();
  Logit highest = -std::numeric_limits<Logit>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > highest) {
      highest = logits[i];
      best = i;
    }
  }
  if (best == logits.size() || highest == std::numeric_limits<Logit>::infinity())
    throw Error("the model's logits are not finite; is the file damaged?");
  return static_cast<int32_t>(best);
}

void Sampler::gather() {
  candidates_.clear();
  candidates_.reserve(adjusted_.size());
  for (size_t i = 0; i < adjusted_.size(); ++i) {
    if (std::isfinite(adjusted_[i])) candidates_.push_back({static_cast<int32_t>(i), adjusted_[i], -adjusted_[i]});
  }
  if (candidates_.empty()) throw Error("the model's logits are not finite; is the file damaged?");
}

// Moves the candidates of ranks [from, to) by key to their places, given that those before `from` are in theirs.
void Sampler::rank_first(size_t from, size_t to) {
  const auto lower = [](const Candidate& a, const Candidate& b) {
    return a.key != b.key ? a.key < b.key : a.id < b.id;
  };
  const auto at = [&](size_t i) { return candidates_.begin() + static_cast<std::ptrdiff_t>(i); };
  if (to < candidates_.size()) std::nth_element(at(from), at(to), candidates_.end(), lower);
  std::sort(at(from), at(to), lower);
}

double Sampler::log_sum_exp() const {
  double highest = -kInfinity, sum = 0;
  for (const Candidate& c : candidates_) highest = std::max(highest, c.logit);
  for (const Candidate& c : candidates_) sum += std::exp(c.logit - highest);
  return highest + std::log(sum);
}

// Keeps the first candidates by key whose probabilities together reach `mass`. Ranks a growing head, never all.
void Sampler::keep_until(double mass, double log_total) {
  double reached = 0;
  size_t ranked = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (i == ranked) {
      ranked = std::min(candidates_.size(), std::max<size_t>(64, ranked * 4));
      rank_first(i, ranked);
    }
    reached += std::exp(candidates_[i].logit - log_total);
    if (reached >= mass) {
      candidates_.resize(i + 1);
      return;
    }
  }
}

void Sampler::keep_top_k() {
  const auto k = static_cast<size_t>(params_.top_k);
  if (k == 0 || k >= candidates_.size()) return;
  rank_first(0, k);
  candidates_.resize(k);
}

void Sampler::keep_typical() {
  if (params_.typical_p == 1) return;
  const double log_total = log_sum_exp();
  double entropy = 0;
  for (const Candidate& c : candidates_) entropy -= std::exp(c.logit - log_total) * (c.logit - log_total);
  for (Candidate& c : candidates_) c.key = std::abs(log_total - c.logit - entropy);
  keep_until(params_.typical_p, log_total);
  for (Candidate& c : candidates_) c.key = -c.logit;
}

void Sampler::keep_top_p() {
  if (params_.top_p < 1) keep_until(params_.top_p, log_sum_exp());
}

void Sampler::keep_min_p() {
  if (params_.min_p == 0) return;
  double highest = -kInfinity;
  for (const Candidate& c : candidates_) highest = std::max(highest, c.logit);
  const double lowest_kept = highest + std::log(params_.min_p);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.logit < lowest_kept; });
}

int32_t Sampler::draw() {
  double highest = -kInfinity, total = 0;
  for (const Candidate& c : candidates_) highest = std::max(highest, c.logit);
  for (Candidate& c : candidates_) {
    c.key = std::exp((c.logit - highest) / params_.temperature);
    total += c.key;
  }
  double left = rng_.uniform() * total;
  for (const Candidate& c : candidates_) {
    left -= c.key;
    if (left < 0) return c.id;
  }
  return candidates_.back().id;  // rounding took the last sliver
}

}  // namespace bantam
