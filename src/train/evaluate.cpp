#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/forward.h"
#include "train/reading_tags.h"

namespace bantam {
namespace {

constexpr int kLogitsPerBatch = 1 << 24;  // 64 MiB of them

// Inputs tokens[begin, end) of a document; targets before `first_new` were counted by an earlier window.
struct Window {
  const EvaluationDocument* document;
  size_t begin, end, first_new;
};

std::vector<Window> windows_of(std::span<const EvaluationDocument> documents, const EvaluationOptions& options) {
  const auto context = static_cast<size_t>(options.context), stride = static_cast<size_t>(options.stride);
  std::vector<Window> windows;
  for (const EvaluationDocument& d : documents) {
    if (d.tokens.size() < 2) continue;
    const size_t inputs = d.tokens.size() - 1;
    for (size_t begin = 0, done = 0; done < inputs; begin += stride) {
      const size_t end = std::min(begin + context, inputs);
      windows.push_back({&d, begin, end, done});
      done = end;
    }
  }
  return windows;
}

}  // namespace

double Evaluation::bits_per_byte() const { return nats / std::numbers::ln2 / static_cast<double>(bytes); }
double Evaluation::perplexity() const { return std::exp(nats / static_cast<double>(tokens)); }

Evaluation evaluate(const ModelConfig& config, const Weights& weights, const Compute& compute,
                    std::span<const EvaluationDocument> documents, const EvaluationOptions& options,
                    const std::function<void(uint64_t)>& on_tokens) {
  Evaluation total;
  for (const EvaluationDocument& d : documents) total.bytes += d.predicted_bytes;
  const std::vector<Window> windows = windows_of(documents, options);
  const int batch_rows = std::max(options.context, kLogitsPerBatch / config.vocab);
  const auto most = static_cast<size_t>(batch_rows / options.context);
  std::vector<KvCache> caches;
  while (caches.size() < std::min(most, windows.size()))
    caches.emplace_back(config, options.dense ? 0 : options.context);

  Arena arena;
  Batch batch;
  std::vector<int32_t> targets;
  for (size_t at = 0; at < windows.size();) {
    const Arena::Mark mark = arena.mark();
    batch.clear();
    targets.clear();
    for (size_t slot = 0; slot < caches.size() && at < windows.size(); ++slot, ++at) {
      const Window& w = windows[at];
      caches[slot].truncate(0);
      batch.append(caches[slot], std::span(w.document->tokens).subspan(w.begin, w.end - w.begin), Logits::all_rows);
      for (size_t i = w.begin; i < w.end; ++i) targets.push_back(i < w.first_new ? -1 : w.document->tokens[i + 1]);
    }
    Tape tape;  // recording selects the dense products; nothing runs backward
    Run run(arena, compute, options.dense ? &tape : nullptr);
    const Tensor logits = forward(run, config, weights, batch);
    const auto counted = std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
    total.nats += cross_entropy(run, logits, targets, 0) * static_cast<double>(counted);
    total.tokens += static_cast<uint64_t>(counted);
    arena.release(mark);
    if (on_tokens) on_tokens(total.tokens);
  }
  return total;
}

namespace {

// The candidate row of a slice with the highest score in column `end`.
int best_row(const Tensor& scores, const Slice& slice, std::span<const uint8_t> labels, int end) {
  int best = -1;
  for (int r = slice.begin; r < slice.begin + slice.count; ++r) {
    if (!(labels[static_cast<size_t>(r)] & kSpanCandidate)) continue;
    if (best < 0 || scores.row(r)[end] > scores.row(best)[end]) best = r;
  }
  return best;
}

}  // namespace

void append_reading(Batch& batch, KvCache& no_cache, std::span<const int32_t> tokens, std::span<const uint8_t> tags,
                    std::vector<uint8_t>& labels) {
  std::vector<int32_t> types;
  for (const uint8_t tag : tags) {
    types.push_back(type_of_tag(tag));
    labels.push_back(labels_of_tag(tag));
  }
  batch.append(no_cache, tokens, types, Logits::all_rows);
}

ReadingEvaluation evaluate_reading(const ModelConfig& config, const Weights& weights, const Compute& compute,
                                   std::span<const EvaluationDocument> documents, int context) {
  constexpr int kRows = 4096;
  ReadingEvaluation total;
  KvCache no_cache(config, 0);
  Arena arena;
  for (size_t at = 0; at < documents.size();) {
    Batch batch;
    std::vector<uint8_t> labels;
    for (; at < documents.size() && batch.rows() < kRows; ++at) {
      const size_t inputs = documents[at].tokens.size() - 1;
      if (inputs > static_cast<size_t>(context)) continue;
      append_reading(batch, no_cache, std::span(documents[at].tokens).first(inputs),
                     std::span(documents[at].tags).first(inputs), labels);
    }
    if (batch.slices.empty()) break;
    const Arena::Mark mark = arena.mark();
    Tape tape;  // recording selects the dense products; nothing runs backward
    Run run(arena, compute, &tape);
    const Tensor scores = forward(run, config, weights, batch);
    for (const Slice& slice : batch.slices) {
      const auto label = [&](int end) { return labels[static_cast<size_t>(best_row(scores, slice, labels, end))]; };
      total.right += (label(0) & kSpanBegin) && (label(1) & kSpanEnd);
    }
    const double mean = span_cross_entropy(scores, batch.slices, labels, 0);
    total.examples += batch.slices.size();
    total.nats += mean * static_cast<double>(batch.slices.size());
    arena.release(mark);
  }
  return total;
}

}  // namespace bantam
