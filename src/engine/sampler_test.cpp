#include "engine/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"

namespace bantam {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

SamplerParams neutral() {
  return {.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .typical_p = 1, .penalty_last_n = -1};
}

std::vector<real> random_logits(uint64_t seed, size_t n, double spread = 3) {
  Rng rng(seed);
  std::vector<real> logits(n);
  for (real& x : logits) x = static_cast<real>(spread * rng.normal());
  return logits;
}

std::vector<double> softmax(const std::vector<real>& logits, double temperature = 1) {
  std::vector<double> p;
  for (const real x : logits) p.push_back(std::exp(double{x} / temperature));
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= total;
  return p;
}

// How often each token is drawn.
std::map<int32_t, int> draw(const SamplerParams& params, const std::vector<real>& logits, int times,
                            const std::vector<int32_t>& seen = {}) {
  Sampler sampler(params, static_cast<int>(logits.size()));
  std::map<int32_t, int> counts;
  for (int i = 0; i < times; ++i) ++counts[sampler.sample(logits, seen)];
  return counts;
}

std::set<int32_t> drawn(const SamplerParams& params, const std::vector<real>& logits, int times = 20'000) {
  std::set<int32_t> ids;
  for (const auto& [id, count] : draw(params, logits, times)) ids.insert(id);
  return ids;
}

// The fewest tokens, lowest `key` first, whose probabilities reach `mass`: the definition of top-p and typical, by a
// full sort.
std::set<int32_t> smallest_set(const std::vector<double>& p, double mass, const std::function<double(double)>& key) {
  std::vector<int32_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return key(p[static_cast<size_t>(a)]) < key(p[static_cast<size_t>(b)]);
  });
  std::set<int32_t> kept;
  double reached = 0;
  for (const int32_t id : order) {
    if (reached >= mass) break;
    kept.insert(id);
    reached += p[static_cast<size_t>(id)];
  }
  return kept;
}

void expect_frequencies(const std::map<int32_t, int>& counts, const std::vector<double>& p, int times) {
  for (size_t i = 0; i < p.size(); ++i) {
    const auto found = counts.find(static_cast<int32_t>(i));
    const double n = found == counts.end() ? 0 : found->second;
    const double deviation = std::sqrt(times * p[i] * (1 - p[i])) + 1;
    EXPECT_NEAR(n, times * p[i], 5 * deviation) << "token " << i;
  }
}

TEST(Sampler, temperature_zero_takes_the_likeliest_and_the_lowest_id_among_equals) {
  SamplerParams params = neutral();
  params.temperature = 0;
  EXPECT_EQ(drawn(params, {1, 5, -2, 5}, 1), std::set<int32_t>{1});
}

TEST(Sampler, neutral_parameters_draw_from_the_model_itself) {
  for (const size_t vocab : {size_t{12}, size_t{700}}) {
    const auto logits = random_logits(1, vocab, 1);
    expect_frequencies(draw(neutral(), logits, 100'000), softmax(logits), 100'000);
  }
}

TEST(Sampler, temperature_sharpens_and_flattens) {
  const auto logits = random_logits(2, 12, 1);
  for (const double temperature : {0.5, 2.0}) {
    SamplerParams params = neutral();
    params.temperature = temperature;
    expect_frequencies(draw(params, logits, 100'000), softmax(logits, temperature), 100'000);
  }
}

TEST(Sampler, a_temperature_that_no_float_can_hold_takes_the_likeliest) {
  SamplerParams params = neutral();
  params.temperature = 1e-60;
  EXPECT_EQ(drawn(params, {0, 3, 1}, 100), std::set<int32_t>{1});
}

TEST(Sampler, the_same_seed_draws_the_same_tokens_and_another_seed_others) {
  const auto logits = random_logits(3, 500);
  const auto sequence = [&](uint64_t seed) {
    SamplerParams params;
    params.seed = seed;
    Sampler sampler(params, 500);
    std::vector<int32_t> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(sampler.sample(logits, ids));
    return ids;
  };
  EXPECT_EQ(sequence(7), sequence(7));
  EXPECT_NE(sequence(7), sequence(8));
}

TEST(Sampler, top_k_keeps_the_k_likeliest) {
  const auto logits = random_logits(4, 40, 0.5);
  SamplerParams params = neutral();
  params.top_k = 3;
  std::vector<real> sorted = logits;
  std::sort(sorted.rbegin(), sorted.rend());
  const auto ids = drawn(params, logits);
  EXPECT_EQ(ids.size(), 3u);
  for (const int32_t id : ids) EXPECT_GE(logits[static_cast<size_t>(id)], sorted[2]);
}

TEST(Sampler, top_p_keeps_the_smallest_set_that_reaches_p) {
  // Of 150 nearly equal tokens the set is longer than what is ranked first; of 3,000 unlike ones few are looked at.
  for (const auto& [vocab, spread] : {std::pair<size_t, double>{30, 0.3}, {150, 0.3}, {3000, 6}}) {
    const auto logits = random_logits(5, vocab, spread);
    SamplerParams params = neutral();
    params.top_p = 0.6;
    EXPECT_EQ(drawn(params, logits, 60'000), smallest_set(softmax(logits), 0.6, [](double p) { return -p; }));
  }
}

TEST(Sampler, min_p_keeps_what_is_likely_beside_the_likeliest) {
  const auto logits = random_logits(6, 60, 1);
  SamplerParams params = neutral();
  params.min_p = 0.3;
  const auto p = softmax(logits);
  const double best = *std::max_element(p.begin(), p.end());
  std::set<int32_t> expected;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] >= 0.3 * best) expected.insert(static_cast<int32_t>(i));
  }
  EXPECT_EQ(drawn(params, logits), expected);
}

TEST(Sampler, typical_keeps_tokens_whose_surprise_is_near_the_entropy) {
  const auto logits = random_logits(7, 30, 1.2);
  SamplerParams params = neutral();
  params.typical_p = 0.5;
  const auto p = softmax(logits);
  double entropy = 0;
  for (const double x : p) entropy -= x * std::log(x);
  EXPECT_EQ(drawn(params, logits, 50'000),
            smallest_set(p, 0.5, [&](double x) { return std::abs(-std::log(x) - entropy); }));
}

TEST(Sampler, the_likeliest_token_survives_every_truncation) {
  SamplerParams params = neutral();
  params.top_k = 1;
  params.top_p = 1e-9;
  params.min_p = 1;
  EXPECT_EQ(drawn(params, {0, 3, 1}, 100), std::set<int32_t>{1});
}

TEST(Sampler, repetition_divides_positive_logits_and_multiplies_negative_ones) {
  SamplerParams params = neutral();
  params.repetition_penalty = 2;
  expect_frequencies(draw(params, {2, -1, 0.5}, 100'000, {0, 1, 1}), softmax({1, -2, 0.5}), 100'000);
}

TEST(Sampler, presence_counts_once_and_frequency_every_time) {
  SamplerParams params = neutral();
  params.presence_penalty = 0.25;
  params.frequency_penalty = 0.5;
  expect_frequencies(draw(params, {1, 1, 1}, 100'000, {2, 0, 2}), softmax({0.25, 1, -0.25}), 100'000);
}

TEST(Sampler, penalties_look_back_only_on_the_last_n_tokens) {
  SamplerParams params = neutral();
  params.temperature = 0;
  params.presence_penalty = 1;
  params.penalty_last_n = 2;
  EXPECT_EQ(draw(params, {1, 0.9f, 0}, 1, {0, 2, 2}).begin()->first, 0);
  params.penalty_last_n = 3;
  EXPECT_EQ(draw(params, {1, 0.9f, 0}, 1, {0, 2, 2}).begin()->first, 1);
}

TEST(Sampler, a_bias_moves_its_token) {
  SamplerParams params = neutral();
  params.logit_bias = {{0, -100.f}, {2, 1.f}};
  expect_frequencies(draw(params, {5, 1, 0}, 100'000), softmax({-95, 1, 1}), 100'000);
}

TEST(Sampler, damaged_logits_are_an_error_and_single_ones_are_passed_over) {
  constexpr real kNan = std::numeric_limits<real>::quiet_NaN();
  for (const double temperature : {0.0, 1.0}) {
    SamplerParams params = neutral();
    params.temperature = temperature;
    EXPECT_EQ(drawn(params, {kNan, 1, kNan}, 10), std::set<int32_t>{1});
    EXPECT_THROW(drawn(params, {kNan, kNan}, 1), Error);
  }
}

TEST(Sampler, parameters_out_of_range_are_named_with_their_range) {
  const auto refusal = [](auto change, const char* field) {
    SamplerParams params;
    change(params);
    EXPECT_THAT([&] { Sampler(params, 10); }, ThrowsMessage<UsageError>(HasSubstr(field))) << field;
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  refusal([](SamplerParams& p) { p.temperature = -0.1; }, "temperature is -0.1, expected 0 to 10");
  refusal([](SamplerParams& p) { p.temperature = kNan; }, "temperature is nan");
  refusal([](SamplerParams& p) { p.top_k = -1; }, "top_k");
  refusal([](SamplerParams& p) { p.top_p = 0; }, "top_p");
  refusal([](SamplerParams& p) { p.min_p = 1.5; }, "min_p");
  refusal([](SamplerParams& p) { p.typical_p = 2; }, "typical_p");
  refusal([](SamplerParams& p) { p.repetition_penalty = 0; }, "repetition_penalty");
  refusal([](SamplerParams& p) { p.presence_penalty = 11; }, "presence_penalty");
  refusal([](SamplerParams& p) { p.frequency_penalty = -11; }, "frequency_penalty");
  refusal([](SamplerParams& p) { p.penalty_last_n = -2; }, "penalty_last_n");
  refusal([](SamplerParams& p) { p.logit_bias = {{10, 1.f}}; }, "token 10, expected 0 to 9");
  refusal([](SamplerParams& p) { p.logit_bias = {{1, 101.f}}; }, "logit_bias");
}

}  // namespace
}  // namespace bantam
