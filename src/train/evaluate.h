// How well a model predicts a text: bits per byte and perplexity. Used during training and by `bantam perplexity`.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/run.h"
#include "model/weights.h"

namespace bantam {

// A document's tokens and how many bytes of its text tokens[1], tokens[2], ... stand for: all of it when tokens[0] is a
// start token, all but the first token's otherwise. End tokens stand for no text and are left out.
struct EvaluationDocument {
  std::vector<int32_t> tokens;
  uint64_t predicted_bytes = 0;
};

struct EvaluationOptions {
  int context = 512;   // inputs of a window
  int stride = 512;    // how far the next window moves: 1 to context
  bool dense = false;  // training's matrix products (fast, f32 or bf16 weights only) instead of inference's kernels
};

struct Evaluation {
  double nats = 0;      // sum of -ln p over predicted tokens
  uint64_t tokens = 0;  // predicted
  uint64_t bytes = 0;   // of text they stand for

  double bits_per_byte() const;  // nats / ln 2 / bytes
  double perplexity() const;     // exp(nats / tokens)
};

// A document is read in windows of `context` inputs, each moved on by `stride`; every token but the first is predicted
// exactly once, by the first window that reaches it, so with stride s a token sees at least context - s tokens before
// it (fewer at the document's start). Several windows make a batch; none sees another. `on_tokens`, if set, is told how
// many tokens were predicted so far and may throw to stop.
Evaluation evaluate(const ModelConfig& config, const Weights& weights, const Compute& compute,
                    std::span<const EvaluationDocument> documents, const EvaluationOptions& options,
                    const std::function<void(uint64_t)>& on_tokens = {});

}  // namespace bantam
