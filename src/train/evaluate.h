// How well a model predicts a text: bits per byte and perplexity. Used during training and by `bantam perplexity`.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/batch.h"
#include "model/run.h"
#include "model/weights.h"

namespace bantam {

// A document's tokens and how many bytes of its text tokens[1], tokens[2], ... stand for: all of it when tokens[0] is a
// start token, all but the first token's otherwise. End tokens stand for no text and are left out.
struct EvaluationDocument {
  std::vector<int32_t> tokens;
  uint64_t predicted_bytes = 0;
  std::vector<uint8_t> tags = {};  // of each token, in an example of reading: see reading_tags.h
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

// How well a reader finds the answers of tagged documents, by the best begin and the best end on their own.
struct ReadingEvaluation {
  double nats = 0;  // sum over examples of -ln p(begin) - ln p(end)
  uint64_t examples = 0;
  uint64_t right = 0;  // both ends at a right token
  double loss() const { return nats / static_cast<double>(examples); }
  double accuracy() const { return static_cast<double>(right) / static_cast<double>(examples); }
};
// Appends an example's inputs to a batch and their labels (SpanLabel) to `labels`.
void append_reading(Batch& batch, KvCache& no_cache, std::span<const int32_t> tokens, std::span<const uint8_t> tags,
                    std::vector<uint8_t>& labels);

// By training's dense products; examples longer than `context` are left out.
ReadingEvaluation evaluate_reading(const ModelConfig& config, const Weights& weights, const Compute& compute,
                                   std::span<const EvaluationDocument> documents, int context);

// A document is read in windows of `context` inputs, each moved on by `stride`; every token but the first is predicted
// exactly once, by the first window that reaches it, so with stride s a token sees at least context - s tokens before
// it (fewer at the document's start). Several windows make a batch; none sees another. `on_tokens`, if set, is told how
// many tokens were predicted so far and may throw to stop.
Evaluation evaluate(const ModelConfig& config, const Weights& weights, const Compute& compute,
                    std::span<const EvaluationDocument> documents, const EvaluationOptions& options,
                    const std::function<void(uint64_t)>& on_tokens = {});

}  // namespace bantam
