#include "engine/continuation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace bantam {

std::string_view to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::end_of_text:
      return "end_of_text";
    case FinishReason::stop_string:
      return "stop_string";
    case FinishReason::max_tokens:
      return "max_tokens";
    case FinishReason::context_full:
      return "context_full";
    case FinishReason::deadline:
      return "deadline";
    case FinishReason::cancelled:
      break;
  }
  return "cancelled";
}

Continuation::Continuation(Request& request, const Tokenizer& tokenizer, int context)
    : tokenizer_(tokenizer),
      context_(context),
      max_tokens_(request.max_tokens),
      logprobs_(request.logprobs),
      sampler_(std::move(request.sampling), tokenizer.vocab_size()),
      decoder_(tokenizer, request.prompt.back()),
      stops_(std::move(request.stops)),
      constraint_(std::move(request.constraint)),
      allowed_(constraint_ ? static_cast<size_t>(tokenizer.vocab_size()) : 0) {
  if (max_tokens_ < 0) throw UsageError("max_tokens is {}, expected 0 or more", max_tokens_);
  if (logprobs_ && (*logprobs_ < 0 || *logprobs_ > kMostLogprobs)) {
    throw UsageError("logprobs is {}, expected 0 to {}", *logprobs_, kMostLogprobs);
  }
}

std::optional<FinishReason> Continuation::next(std::span<const real> logits, std::vector<int32_t>& tokens) {
  if (sampled_ == max_tokens_) return finish(FinishReason::max_tokens);
  const bool restricted = constraint_ && constraint_->restricts();
  if (restricted) {
    constraint_->allow(allowed_);
    if (std::ranges::find(allowed_, uint8_t{1}) == allowed_.end()) {
      if (constraint_->complete())
        return finish(FinishReason::end_of_text);  // a vocabulary without a token for the end
      throw UsageError("the vocabulary has no token for what must come next");
    }
  }
  // A model may have more rows of logits than the tokenizer has tokens (padding).
  logits = logits.first(static_cast<size_t>(tokenizer_.vocab_size()));
  const int32_t token =
      sampler_.sample(logits, tokens, restricted ? std::span<const uint8_t>(allowed_) : std::span<const uint8_t>());
  if (tokenizer_.is_end_of_generation(token)) return finish(FinishReason::end_of_text);
  if (constraint_) constraint_->accept(token);
  tokens.push_back(token);
  ++sampled_;
  SampledToken& sampled = added_.tokens.emplace_back(SampledToken{token});
  if (logprobs_) score(logits, sampled);
  if (push_text(token)) return FinishReason::stop_string;
  if (sampled_ == max_tokens_) return finish(FinishReason::max_tokens);
  if (static_cast<int>(tokens.size()) > context_) return finish(FinishReason::context_full);
  return std::nullopt;
}

// True when a stop string is complete.
bool Continuation::push_text(int32_t token) { return stops_.push(decoder_.push(token), added_.text); }

// The text ends here, though a character or a stop string may be incomplete.
FinishReason Continuation::finish(FinishReason reason) {
  if (stops_.push(decoder_.finish(), added_.text)) return FinishReason::stop_string;
  stops_.finish(added_.text);
  return reason;
}

void Continuation::score(std::span<const real> logits, SampledToken& sampled) const {
  const double peak = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0;
  for (const real v : logits) sum += std::exp(static_cast<double>(v) - peak);
  const double total = peak + std::log(sum);
  const auto logprob = [&](int32_t token) {
    return static_cast<float>(static_cast<double>(logits[static_cast<size_t>(token)]) - total);
  };
  sampled.logprob = logprob(sampled.token);
  std::vector<int32_t> best(logits.size());
  for (size_t i = 0; i < best.size(); ++i) best[i] = static_cast<int32_t>(i);
  const auto count = std::min(static_cast<ptrdiff_t>(*logprobs_), static_cast<ptrdiff_t>(best.size()));
  std::partial_sort(best.begin(), best.begin() + count, best.end(), [&](int32_t a, int32_t b) {
    const real x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  });
  for (ptrdiff_t i = 0; i < count; ++i) {
    sampled.likeliest.push_back({best[static_cast<size_t>(i)], logprob(best[static_cast<size_t>(i)])});
  }
}

TextEvent Continuation::take() { return std::exchange(added_, {}); }

}  // namespace bantam
