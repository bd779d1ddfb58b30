// From a row of logits to the next token: penalties, truncation, temperature, draw.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace bantam {

// Every field's neutral value leaves the model's own distribution alone; the defaults suit conversation.
struct SamplerParams {
  double temperature = 0.7;       // 0: the likeliest token, the lowest id among equals; [0, 10]
  int top_k = 40;                 // 0: all tokens
  double top_p = 0.95;            // (0, 1], neutral 1
  double min_p = 0.05;            // [0, 1], neutral 0
  double typical_p = 1;           // (0, 1], neutral 1
  double repetition_penalty = 1;  // (0, 10], neutral 1
  double presence_penalty = 0;    // [-10, 10]
  double frequency_penalty = 0;   // [-10, 10]
  int penalty_last_n = 64;        // tokens the penalties look back on, the prompt's included; -1: all, 0: none
  uint64_t seed = 0;
  std::vector<std::pair<int32_t, float>> logit_bias = {};  // token, added to its logit; [-100, 100]
};

// Throws UsageError naming the field, what was found and its range.
void validate(const SamplerParams& params, int vocab);

// Steps in llama.cpp's order, each on what the one before it kept:
//   1. logit bias
//   2. penalties on tokens seen: repetition divides positive logits and multiplies others (arXiv 1909.05858, sec. 4.1);
//      presence and frequency subtract once and once per occurrence (OpenAI API reference)
//   3. top-k, then locally typical (arXiv 2202.00666), then top-p (arXiv 1904.09751): the fewest tokens reaching p
//   4. min-p: tokens at least min_p times as likely as the likeliest (arXiv 2407.01082)
//   5. temperature, and one draw
// Probabilities in 3 and 4 are at temperature 1. Equal logits rank by id, so a seed gives the same tokens everywhere.
class Sampler {
 public:
  // Throws as validate().
  Sampler(SamplerParams params, int vocab);

  // `logits` [vocab] of the last row; `seen`: the sequence so far, oldest first; `allowed` [vocab] or empty: only
  // tokens that are not 0 there. Allocates nothing after the first call. Throws Error when no logit is finite, as from
  // damaged weights.
  int32_t sample(std::span<const real> logits, std::span<const int32_t> seen, std::span<const uint8_t> allowed = {});

  const SamplerParams& params() const { return params_; }

 private:
  struct Candidate {
    int32_t id;
    double logit;
    double key;  // what a step ranks by, lowest first
  };

  void adjust(std::span<const real> logits, std::span<const int32_t> seen, std::span<const uint8_t> allowed);
  bool penalises() const;
  static int32_t greedy(std::span<const real> logits);
  static real highest_of(std::span<const real> logits);
  int32_t draw_from_all();
  void gather();
  void gather_from(double lowest);
  void gather_highest(size_t k);
  void add_candidate(size_t token);
  static bool ranks_before(const Candidate& a, const Candidate& b);
  void keep_typical();
  void keep_top_p();
  void keep_min_p();
  int32_t draw();

  double log_sum_exp() const;
  void keep_until(double mass, double log_total);
  void rank_first(size_t from, size_t to);

  SamplerParams params_;
  Rng rng_;
  std::vector<real> adjusted_, weights_;  // [vocab]
  std::vector<real> sums_;                // of weights, by blocks
  real highest_ = 0;                      // of the adjusted logits
  std::vector<int32_t> counted_;          // the penalised tokens, sorted
  std::vector<Candidate> candidates_;
  std::optional<double> log_total_;  // log(sum(exp)) of all tokens, where candidates are some of them
};

}  // namespace bantam
