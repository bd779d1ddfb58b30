#include "engine/sampler.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernels/kernels.h"

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
  if (params_.temperature == 0) return greedy(adjusted_);
  highest_ = highest_of(adjusted_);
  const bool any = params_.top_k == 0 || static_cast<size_t>(params_.top_k) >= adjusted_.size();
  if (any && params_.typical_p == 1 && params_.top_p == 1 && params_.min_p == 0) return draw_from_all();
  gather();
  keep_typical();
  keep_top_p();
  keep_min_p();
  return draw();
}

// What is not a finite number becomes -infinity.
void Sampler::adjust(std::span<const real> logits, std::span<const int32_t> seen, std::span<const uint8_t> allowed) {
  adjusted_.resize(logits.size());
  constexpr real kNever = -std::numeric_limits<real>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) adjusted_[i] = logits[i] - logits[i] == 0 ? logits[i] : kNever;
  for (size_t i = 0; i < allowed.size(); ++i) adjusted_[i] = allowed[i] == 0 ? kNever : adjusted_[i];
  for (const auto& [token, bias] : params_.logit_bias) adjusted_[static_cast<size_t>(token)] += bias;

  if (!penalises()) return;
  if (params_.penalty_last_n > 0) seen = seen.last(std::min(seen.size(), static_cast<size_t>(params_.penalty_last_n)));
  counted_.assign(seen.begin(), seen.end());
  std::sort(counted_.begin(), counted_.end());
  for (size_t i = 0, next; i < counted_.size(); i = next) {
    next = i + 1;
    while (next < counted_.size() && counted_[next] == counted_[i]) ++next;
    real& adjusted = adjusted_[static_cast<size_t>(counted_[i])];
    double logit = double{adjusted};
    logit = logit > 0 ? logit / params_.repetition_penalty : logit * params_.repetition_penalty;
    logit -= params_.presence_penalty + params_.frequency_penalty * static_cast<double>(next - i);
    adjusted = static_cast<real>(logit);
  }
}

bool Sampler::penalises() const {
  return params_.penalty_last_n != 0 &&
         (params_.repetition_penalty != 1 || params_.presence_penalty != 0 || params_.frequency_penalty != 0);
}

// The first of the highest.
int32_t Sampler::greedy(std::span<const real> logits) {
  size_t best = logits.size();
  real highest = -std::numeric_limits<real>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > highest) {
      highest = logits[i];
      best = i;
    }
  }
  if (best == logits.size() || highest == std::numeric_limits<real>::infinity())
    throw Error("the model's logits are not finite; is the file damaged?");
  return static_cast<int32_t>(best);
}

// Of logits of which some are finite.
real Sampler::highest_of(std::span<const real> logits) {
  const real highest = *std::ranges::max_element(logits);
  if (std::isinf(highest)) throw Error("the model's logits are not finite; is the file damaged?");
  return highest;
}

// One draw from all tokens: whole blocks are passed over by their sums.
int32_t Sampler::draw_from_all() {
  constexpr size_t kBlock = 256;
  // Bounded, so that the highest stays 0 however low the temperature is.
  const auto sharpness = static_cast<real>(std::min(1 / params_.temperature, 1e30));
  weights_.resize(adjusted_.size());
  for (size_t i = 0; i < weights_.size(); ++i) weights_[i] = (adjusted_[i] - highest_) * sharpness;
  active_kernels().exp_shifted(weights_.data(), 0, weights_.size());
  sums_.clear();
  double total = 0;
  for (size_t begin = 0; begin < weights_.size(); begin += kBlock) {
    real sum = 0;
    for (size_t i = begin; i < std::min(begin + kBlock, weights_.size()); ++i) sum += weights_[i];
    sums_.push_back(sum);
    total += double{sum};
  }
  double left = rng_.uniform() * total;
  size_t block = 0;
  for (; block + 1 < sums_.size() && left >= double{sums_[block]}; ++block) left -= double{sums_[block]};
  size_t last = weights_.size();  // that may come
  for (size_t i = block * kBlock; i < weights_.size(); ++i) {
    if (weights_[i] == 0) continue;
    last = i;
    left -= double{weights_[i]};
    if (left < 0) break;
  }
  if (last == weights_.size()) return greedy(adjusted_);  // rounding took the last sliver
  return static_cast<int32_t>(last);
}

bool Sampler::ranks_before(const Candidate& a, const Candidate& b) {
  return a.key != b.key ? a.key < b.key : a.id < b.id;
}

// The tokens that the steps to come may keep.
void Sampler::gather() {
  const size_t n = adjusted_.size(), k = params_.top_k == 0 ? n : std::min(static_cast<size_t>(params_.top_k), n);
  candidates_.clear();
  candidates_.reserve(k);
  log_total_.reset();
  if (k < n) return gather_highest(k);
  if (params_.typical_p == 1 && params_.top_p < 1) {
    weights_.assign(adjusted_.begin(), adjusted_.end());
    log_total_ = double{active_kernels().softmax(weights_.data(), static_cast<int>(n))};
    // All tokens of probabilities below (1 - p) / n together have less than 1 - p, so p is reached without them. Half
    // of it, for these are rounded.
    gather_from(*log_total_ + std::log((1 - params_.top_p) / (2 * static_cast<double>(n))));
  } else if (params_.typical_p == 1) {
    gather_from(double{highest_} + std::log(params_.min_p));
  } else {
    gather_from(-std::numeric_limits<double>::max());
  }
}

void Sampler::gather_from(double lowest) {
  for (size_t i = 0; i < adjusted_.size(); ++i) {
    if (double{adjusted_[i]} >= lowest) add_candidate(i);
  }
}

// The k likeliest, in the order of their ranks.
void Sampler::gather_highest(size_t k) {
  size_t i = 0;
  for (; i < adjusted_.size() && candidates_.size() < k; ++i) {
    if (!std::isinf(adjusted_[i])) add_candidate(i);
  }
  std::make_heap(candidates_.begin(), candidates_.end(), ranks_before);  // the worst in front
  for (; i < adjusted_.size(); ++i) {
    if (double{adjusted_[i]} <= candidates_.front().logit) continue;
    std::pop_heap(candidates_.begin(), candidates_.end(), ranks_before);
    candidates_.pop_back();
    add_candidate(i);
    std::push_heap(candidates_.begin(), candidates_.end(), ranks_before);
  }
  std::sort_heap(candidates_.begin(), candidates_.end(), ranks_before);
}

void Sampler::add_candidate(size_t token) {
  const auto logit = double{adjusted_[token]};
  candidates_.push_back({static_cast<int32_t>(token), logit, -logit});
}

// Moves the candidates of ranks [from, to) by key to their places, given that those before `from` are in theirs.
void Sampler::rank_first(size_t from, size_t to) {
  const auto at = [&](size_t i) { return candidates_.begin() + static_cast<std::ptrdiff_t>(i); };
  if (to < candidates_.size()) std::nth_element(at(from), at(to), candidates_.end(), ranks_before);
  std::sort(at(from), at(to), ranks_before);
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
  if (params_.top_p < 1) keep_until(params_.top_p, log_total_ ? *log_total_ : log_sum_exp());
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
