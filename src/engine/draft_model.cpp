#include "engine/draft_model.h"

#include <algorithm>

#include "base/error.h"

namespace bantam {
namespace {

constexpr int kMostDrafted = 8, kLongestPause = 1024;
constexpr const char* kTokens = "tokenizer.ggml.tokens";

void follow(double& average, double value) { average = average == 0 ? value : 0.8 * average + 0.2 * value; }

}  // namespace

bool same_vocabulary(const Metadata& a, const Metadata& b) {
  return a.has(kTokens) && b.has(kTokens) && a.strings(kTokens) == b.strings(kTokens);
}

DraftModel::DraftModel(std::shared_ptr<const Model> draft, const Model& model, int threads, int context)
    : session_(draft, threads, std::min(context, draft->config().context), DType::f16),
      tokens_(static_cast<int>(draft->metadata().strings(kTokens).size())) {
  if (!same_vocabulary(draft->metadata(), model.metadata())) {
    throw UsageError("the draft model {} has another vocabulary than {}; a draft model must be of the same family",
                     draft->metadata().source(), model.metadata().source());
  }
}

std::span<const int32_t> DraftModel::draft(std::span<const int32_t> tokens, int most) {
  if (pause_ > 0) {
    --pause_;
    return {};
  }
  most = std::min(
      {most, 1 + static_cast<int>(accepted_), kMostDrafted, session_.context() - static_cast<int>(tokens.size())});
  if (most <= 0) return {};
  text_.assign(tokens.begin(), tokens.end());
  catching_up_ = static_cast<int>(tokens.size()) - session_.shared_prefix(tokens) > kMostDrafted + 1;
  std::span<const real> logits = *session_.run_to(text_);
  while (true) {
    const auto vocabulary = logits.first(static_cast<size_t>(tokens_));
    text_.push_back(static_cast<int32_t>(std::ranges::max_element(vocabulary) - vocabulary.begin()));
    if (static_cast<int>(text_.size() - tokens.size()) == most) break;
    const Tensor next = session_.append(std::span(text_).last(1), Logits::last_row);
    logits = {next.row(0), static_cast<size_t>(next.cols)};
  }
  return std::span(text_).subspan(tokens.size());
}

void DraftModel::observe(int drafted, int accepted, double seconds) {
  if (drafted == 0) {
    follow(plain_s_, seconds);
    return;
  }
  accepted_ = 0.75 * accepted_ + 0.25 * accepted;
  if (catching_up_) return;
  follow(guessing_s_, seconds / (1 + accepted));
  if (guessing_s_ <= plain_s_) {
    next_pause_ = 16;
    return;
  }
  pause_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kLongestPause);
  guessing_s_ = 0;  // measured anew afterwards
}

}  // namespace bantam
