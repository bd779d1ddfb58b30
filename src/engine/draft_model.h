// A small model that guesses what a large one of the same vocabulary says next. The large one checks the guesses all at
// once, so they never change what is written. (Speculative decoding: arXiv 2211.17192)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/session.h"

namespace bantam {

// Whether both models number the same tokens alike.
bool same_vocabulary(const Metadata& a, const Metadata& b);

// Guesses for one text at a time: another text is run from where it differs from the one before. Whether guessing pays
// is measured: steps are timed with guesses and without, and where the former take longer for each token, drafting
// pauses, longer each time.
class DraftModel {
 public:
  // For `model`. Throws UsageError when the vocabularies differ, and as Session.
  DraftModel(std::shared_ptr<const Model> draft, const Model& model, int threads, int context);

  // At most `most` tokens that may follow, good until the next call; none while drafting pauses and where the text is
  // longer than the draft model's context.
  std::span<const int32_t> draft(std::span<const int32_t> tokens, int most);
  // A step that draft() was asked for, drafting included, took so long; `drafted` is 0 for one without guesses.
  void observe(int drafted, int accepted, double seconds);

 private:
  Session session_;
  int tokens_;  // of the vocabulary; rows of logits may be longer
  std::vector<int32_t> text_;
  double accepted_ = 2;                  // of a step, lately
  double plain_s_ = 0, guessing_s_ = 0;  // for each token, without guesses and with; 0: not measured
  bool catching_up_ = false;         // the last guesses began with more rows than a step adds: says nothing of others
  int pause_ = 3, next_pause_ = 16;  // steps without guesses, which are to be measured first
};

}  // namespace bantam
